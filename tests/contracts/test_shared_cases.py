"""The contracts on the cases that the Python market's tests read too."""

import json
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import pytest
from onchain import CONFIG, OnChainMarket, signed_order, wallet

from peerwatt.chain import Network, Sender, demo_account, deploy, load_artifact, open_network
from peerwatt.market import Tariff
from peerwatt.messages import Clearing, Side, Verdict

CASES = Path(__file__).parent.parent / "cases"
TERMS_FIELDS = (
    ("verdict", 0),
    ("run", 8),
    ("loss_rate", 24),
    ("volume", 48),
    ("delivered", 88),
    ("retail", 128),
    ("feed_in", 144),
    ("network_fee", 160),
)

# Two hours, so that the largest step of an order is within what a connection can be.
LONG = replace(CONFIG, interval_length=7200, margin_price=400)
INTERVAL = 200_000


def cases(folder: str) -> list[Any]:
    paths = sorted((CASES / folder).glob("*.json"))
    return [pytest.param(json.loads(path.read_text()), id=path.stem) for path in paths]


@pytest.fixture(scope="module")
def auction_house() -> Iterator[OnChainMarket]:
    with open_network() as network:
        yield OnChainMarket(network, 4, config=LONG, limit=65_535)


@pytest.mark.parametrize("case", cases("auction"))
def test_auction(auction_house: OnChainMarket, case: dict[str, Any]) -> None:
    market, client = auction_house, auction_house.client
    snapshot = market.network.snapshot()
    market.at(LONG.start(INTERVAL) - 1000)
    steps = [(Side[step["side"].upper()], step["tick"], step["quantity"]) for step in case["steps"]]
    orders = [signed_order(market.domain, INTERVAL, 4 + at, [step]) for at, step in enumerate(steps)]
    posted = client.post(INTERVAL, orders)
    assert [record.steps[0].offset for record in posted.records] == case["offsets"]
    market.at(LONG.gate_closure(INTERVAL))
    cleared = client.clear(INTERVAL)
    assert cleared.clearing.pack() == int(case["clearing_word"], 16)
    for cap in case["caps"]:
        before = market.network.snapshot()
        market.report(INTERVAL, Verdict.CAP, cap["volume"])
        assert client.interval(INTERVAL).clearing_word == int(cap["gated_word"], 16)
        accepted = settled_energy(market, posted.packed, cap["volume"])
        assert accepted == cap["accepted"]
        market.network.revert(before)
    if case["clearing"]["volume"]:
        before = market.network.snapshot()
        market.report(INTERVAL, Verdict.ACCEPT, case["clearing"]["volume"])
        assert settled_energy(market, posted.packed, case["clearing"]["volume"]) == case["fills"]
        market.network.revert(before)
    market.network.revert(snapshot)


def settled_energy(market: OnChainMarket, records: bytes, volume: int) -> list[int]:
    """What stands of every order, Wh, read from what it books.

    Without readings a buyer pays price and fee for what it bought, a seller retail minus price for what it
    sold.
    """
    state = market.client.interval(INTERVAL)
    settler = market.deployment.contract(market.network, "EnergyMarket").functions.settler().call()
    contract = market.network.contract(load_artifact("Settler").abi, settler)
    bookings, _ = contract.functions.settle(state.terms_word, state.clearing_word, records, b"", b"").call()
    price = LONG.price(Clearing.unpack(state.clearing_word).price_tick)
    found = []
    for booking, record in zip(bookings, sides_of(records), strict=True):
        cash = booking >> 192
        cash -= (1 << 64) if cash >> 63 else 0
        per_wh = -(price + 20) if record == Side.BUY else price - 300
        assert cash % per_wh == 0
        found.append(cash // per_wh)
    assert sum(found) == 2 * volume
    return found


def sides_of(records: bytes) -> list[Side]:
    """The side of every one-step record."""
    return [Side(records[at + 3] >> 7) for at in range(0, len(records), 11)]


@pytest.fixture(scope="module")
def chain() -> Iterator[Network]:
    with open_network() as network:
        yield network


@pytest.mark.parametrize("case", cases("settlement"))
def test_settlement(chain: Network, case: dict[str, Any]) -> None:
    sender = Sender(chain, demo_account("contracts", "relayer"))
    chain.fund({sender.address: 10**21})
    terms = case["terms"]
    config = replace(CONFIG, margin_price=2000, **case["market"])
    tariff = Tariff(terms["retail"], terms["feed_in"], terms["network_fee"])
    roles = [sender.address, sender.address, [sender.address] * 4]
    registry = deploy(sender, "ParticipantRegistry", astuple(config), astuple(tariff), *roles).contract
    by_account = {order["participant"]: order for order in case["orders"]}
    newcomers = []
    for account in range(4, max(by_account) + 1):
        order = by_account.get(account, {"import_limit": 25, "export_limit": 25})
        limits = (order["import_limit"] // 25, order["export_limit"] // 25)
        newcomers.append((*[wallet(account).address] * 3, 0, *limits))
    sender.send(registry.functions.register(newcomers))
    settler = deploy(sender, "Settler", registry.address).contract

    values = {**terms, "verdict": Verdict[terms["verdict"].upper()], "run": 1}
    word = sum(int(values[name]) << shift for name, shift in TERMS_FIELDS)
    packed = [bytes.fromhex(case[name][2:]) for name in ("records", "decisions", "readings")]
    bookings, sums = settler.functions.settle(word, int(terms["clearing_word"], 16), *packed).call()

    entries = case["entries"]
    signed = [(booking >> 192) - ((booking >> 255) << 64) for booking in bookings]
    assert signed == [entry["participant_cash"] for entry in entries]
    credits = [booking >> 128 & (2**64 - 1) for booking in bookings]
    assert credits == [entry["participant_energy"] for entry in entries]
    assert [booking & (2**64 - 1) for booking in bookings] == [
        order["participant"] for order in case["orders"]
    ]
    participants, grid_operator, community, credit, delivered = sums
    assert participants == sum(signed)
    assert grid_operator == sum(entry["grid_operator_cash"] for entry in entries)
    assert community == sum(entry["community_cash"] for entry in entries)
    assert -(participants + grid_operator + community) == sum(entry["supplier_cash"] for entry in entries)
    assert delivered - credit == sum(entry["metering_operator_energy"] for entry in entries)
