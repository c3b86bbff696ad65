"""Sealed markets as a choice: the same scenario with its orders hidden until gate closure, or in the open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from peerwatt.errors import InputError
from peerwatt.market.config import MarketConfig, Tariff
from peerwatt.market.errors import BadConfig
from peerwatt.pilot.community import Participant

if TYPE_CHECKING:
    from peerwatt.pilot.scenario import Scenario

REVEAL_WINDOW_S: Final = 60
"""Where a scenario that states none is sealed: five blocks of a chain with one every 12 s."""


def worth_of_an_interval(market: MarketConfig, tariff: Tariff, participants: Sequence[Participant]) -> int:
    """The most that the trades of one interval can gain against the tariff, base units.

    All that one side's connections carry, each Wh at the whole width between the tariffs: whoever chooses
    among batches after a look at the others' cannot win more by it. A bond of this size is worth keeping.
    """
    imported = sum(market.energy_limit(home.import_limit) for home in participants)
    exported = sum(market.energy_limit(home.export_limit) for home in participants)
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
