"""Parts that do not belong together, and parameters by which a market would stall: no market is created."""

import json
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import pytest
from onchain import CONFIG, METERING_OPERATOR, TARIFF, OnChainMarket, committee_key, wallet
from refusals import refused

from peerwatt.chain import Artifact, deploy
from peerwatt.market.errors import BadConfig
from peerwatt.messages import address_of

NOBODY = "0x" + "00" * 20
MEMBERS = [address_of(committee_key(member)) for member in range(4)]
WALLETS = [wallet(number).address for number in range(4)]
TOKEN = Artifact.from_json(
    json.loads((Path(__file__).parent / "artifacts" / "HostileToken.json").read_text())
)
DECIMALS = [(0, False), (3, False), (4, True), (8, True), (9, False), (18, False)]


def registry(market: OnChainMarket, values: Sequence[Any] = astuple(CONFIG), wallets: Any = WALLETS) -> str:
    roles = market.sender.address, address_of(METERING_OPERATOR), wallets
    return deploy(market.sender, "ParticipantRegistry", tuple(values), astuple(TARIFF), *roles).address


def gate(market: OnChainMarket, length: int = CONFIG.interval_length, ahead: int = CONFIG.open_ahead) -> str:
    return deploy(market.sender, "GridGate", market.sender.address, length, ahead, MEMBERS, 3).address


def board(market: OnChainMarket, of: str, judged_by: str) -> str:
    return deploy(market.sender, "OperatingEnvelopes", of, judged_by).address


def create(market: OnChainMarket, **parts: str) -> Any:
    addresses = market.deployment.addresses
    names = ("ParticipantRegistry", "GridGate", "PaymentToken")
    given = [parts.get(name, addresses[name]) for name in names]
    corrections = deploy(market.sender, "Corrections", parts.get("corrected", given[0])).address
    envelopes = parts.get("OperatingEnvelopes", NOBODY)
    return deploy(market.sender, "EnergyMarket", *given, envelopes, corrections)


@pytest.mark.parametrize(("length", "ahead"), [(901, 2), (1800, 2), (900, 1), (900, 3)])
def test_gate_of_another_clock_is_refused(market: OnChainMarket, length: int, ahead: int) -> None:
    """Its administrator could replace the committee of an interval that takes orders, or is cleared."""
    other = gate(market, length, ahead)
    for call in (
        lambda: create(market, GridGate=other),
        lambda: board(market, market.deployment.addresses["ParticipantRegistry"], other),
    ):
        assert refused("PartOfAnotherMarket", call).args_by_name == {"part": "gate"}
    create(market, GridGate=gate(market))


def test_envelopes_of_another_registry_or_gate_are_refused(market: OnChainMarket) -> None:
    own = market.deployment.addresses["ParticipantRegistry"]
    judge, others = market.deployment.addresses["GridGate"], registry(market)
    for part in (board(market, others, judge), board(market, own, gate(market))):
        error = refused("PartOfAnotherMarket", lambda part=part: create(market, OperatingEnvelopes=part))
        assert error.args_by_name == {"part": "envelopes"}
    create(market, OperatingEnvelopes=board(market, own, judge))


@pytest.mark.parametrize(("decimals", "taken"), DECIMALS)
def test_token_of_other_decimals_is_refused(market: OnChainMarket, decimals: int, taken: bool) -> None:
    """Prices are 16 bits of base units per Wh: of 18 decimals the dearest Wh would cost 6.5e-14 tokens."""
    token = deploy(market.sender, TOKEN)
    market.sender.send(token.contract.functions.setDecimals(decimals))
    if taken:
        create(market, PaymentToken=token.address)
    else:
        error = refused("BadToken", lambda: create(market, PaymentToken=token.address))
        assert error.args_by_name == {"decimals": decimals}


def test_token_that_is_none_is_refused(market: OnChainMarket) -> None:
    """An address without code, and a contract that does not know its decimals."""
    for address in (wallet(4).address, market.deployment.addresses["ParticipantRegistry"]):
        refused("BadToken", lambda address=address: create(market, PaymentToken=address))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"gate_lead": 1800}, "gateLead"),
        ({"gate_lead": 2**32 - 1}, "gateLead"),
        ({"report_window": 1800}, "reportWindow"),
        ({"attest_window": 4201}, "overruleWindow"),
        ({"overrule_window": 3901}, "overruleWindow"),
        ({"attest_window": 2**32 - 1, "overrule_window": 2**32 - 1}, "overruleWindow"),
        ({"recovery_delay": 86_399}, "recoveryDelay"),
    ],
)
def test_windows_by_which_a_market_would_stall_are_refused(
    market: OnChainMarket, change: dict[str, int], field: str
) -> None:
    """No order could be taken, nobody could attest, or a slot would be wanted before it can be settled.

    One second less, or more, is taken. The twin says the same.
    """
    values = dict(zip(CONFIG.__dataclass_fields__, astuple(CONFIG), strict=True)) | change
    error = refused("BadConfig", lambda: registry(market, tuple(values.values())))
    assert error.args_by_name == {"field": field}
    with pytest.raises(BadConfig):
        replace(CONFIG, **change)
    if max(change.values()) < 2**32 - 1:
        [(name, value)] = change.items()
        good = {name: value + 1 if name == "recovery_delay" else value - 1}
        registry(market, tuple((values | good).values()))
        replace(CONFIG, **good)


def test_corrections_of_another_registry_are_refused(market: OnChainMarket) -> None:
    refused("CannotBind", lambda: create(market, corrected=registry(market)))


def test_supplier_without_a_wallet_is_refused(market: OnChainMarket) -> None:
    """Nobody could cover anybody; nor withdraw what another system account holds."""
    for place in range(4):
        wallets = [*WALLETS[:place], NOBODY, *WALLETS[place + 1 :]]
        error = refused("ZeroKey", lambda wallets=wallets: registry(market, wallets=wallets))
        assert error.args_by_name == {"position": place}
