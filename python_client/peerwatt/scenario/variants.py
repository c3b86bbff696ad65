"""The same scenario with another market: sealed or open, enveloped or not, priced by another rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from peerwatt.errors import InputError
from peerwatt.market.errors import BadConfig
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.market.pricing import Pricing, mid_market_rate
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.scenario import Scenario
from peerwatt.scenario.switches import PRICING

REVEAL_WINDOW_S: Final = 60
"""Where a scenario that states none is sealed: five blocks of a chain with one every 12 s."""

SWITCH_OF: Final[Mapping[str, str]] = {
    "uniform": "uniform",
    "pay-as-bid": "pay_as_bid",
    "mcafee": "mcafee",
    "mid-market": "mid_market",
    "sdr": "sdr",
    "fixed-price": "fixed",
}
"""Value of `switches.price` by the name that `peerwatt mechanisms` lists, for those that run on chain."""


def worth_of_an_interval(market: MarketConfig, tariff: Tariff, participants: Sequence[Participant]) -> int:
    """The most that the trades of one interval can gain against the tariff, base units.

    All that one side's connections carry, each Wh at the whole width between the tariffs: whoever chooses
    among batches after a look at the others' cannot win more by it. A bond of this size is worth keeping.
    """
    imported = sum(market.energy_limit(participant.import_limit) for participant in participants)
    exported = sum(market.energy_limit(participant.export_limit) for participant in participants)
    return max(1, min(imported, exported) * (tariff.retail - tariff.feed_in))


def sealed_market(
    market: MarketConfig,
    tariff: Tariff,
    participants: Sequence[Participant],
    reveal_window: int = REVEAL_WINDOW_S,
    bond: int | None = None,
) -> MarketConfig:
    """The market with a sealed phase.

    Args:
        market: an open one.
        tariff: prices around the trade.
        participants: who trades.
        reveal_window: from gate closure, s.
        bond: of a batch, base units; what an interval is worth where none is given.

    Raises:
        BadConfig: the window does not end before delivery begins.
    """
    if bond is None:
        bond = worth_of_an_interval(market, tariff, participants)
    return replace(market, reveal_window=reveal_window, bond=bond)


def sealed(scenario: Scenario) -> Scenario:
    """The scenario with a sealed market: as it states, or else with a window of `REVEAL_WINDOW_S`.

    Raises:
        InputError: the window does not end before delivery begins.
    """
    if scenario.market.is_sealed:
        return scenario
    try:
        market = sealed_market(scenario.market, scenario.tariff, scenario.participants)
    except BadConfig as error:
        raise InputError(
            f"scenario {scenario.name} cannot be sealed as it is: {error} Its keys for that are "
            "market.gate_lead_s, sealed.reveal_window_s and sealed.bond_ct."
        ) from None
    return replace(scenario, market=market)


def opened(scenario: Scenario) -> Scenario:
    """The scenario with an open market."""
    return replace(scenario, market=replace(scenario.market, reveal_window=0, bond=0))


def enveloped(scenario: Scenario, envelope: bool) -> Scenario:
    """The scenario with or without published operating envelopes."""
    return replace(scenario, envelope=envelope)


def under(scenario: Scenario, mechanism: str) -> Scenario:
    """The scenario with a market that is priced by another mechanism.

    A fixed price is the scenario's; where it has none, the mid-market rate.

    Args:
        scenario: whose market.
        mechanism: as `peerwatt mechanisms` lists it.

    Raises:
        InputError: the mechanism does not run on chain.
    """
    if mechanism not in SWITCH_OF:
        raise InputError(
            f"mechanism '{mechanism}' does not run on chain; choose from {', '.join(SWITCH_OF)}, "
            "or compare it off-chain with `peerwatt compare`"
        )
    switch = SWITCH_OF[mechanism]
    pricing = PRICING[switch]
    tariff = scenario.tariff
    fixed = scenario.market.fixed_price or mid_market_rate(scenario.market.break_even(tariff))
    return replace(
        scenario,
        switches=scenario.switches.model_copy(update={"price": switch}),
        market=replace(
            scenario.market, pricing=pricing, fixed_price=fixed if pricing == Pricing.FIXED else 0
        ),
    )


def chosen(scenario: Scenario, mechanism: str | None, seal: bool | None, envelope: bool | None) -> Scenario:
    """The scenario with what a caller chose; None leaves it as the scenario says.

    Args:
        scenario: whose market.
        mechanism: as `peerwatt mechanisms` lists it.
        seal: hide orders until gate closure.
        envelope: publish operating envelopes before it.

    Raises:
        InputError: the mechanism does not run on chain, or the reveal window would end too late.
    """
    if mechanism is not None:
        scenario = under(scenario, mechanism)
    if envelope is not None:
        scenario = enveloped(scenario, envelope)
    if seal is not None:
        scenario = sealed(scenario) if seal else opened(scenario)
    return scenario
