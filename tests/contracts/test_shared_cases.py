"""The contracts on the cases that the Python market's tests read too."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import pytest
from onchain import CONFIG, TARIFF, OnChainMarket, signed_order

from peerwatt.chain import Artifact, Network, Sender, demo_account, deploy, open_network
from peerwatt.client import BatchData
from peerwatt.market import MarketConfig, Pricing
from peerwatt.messages import Side, Verdict

CASES = Path(__file__).parent.parent / "cases"
HARNESS = Artifact.from_json(
    json.loads((Path(__file__).parent / "artifacts" / "SettlementHarness.json").read_text())
)
TERMS_FIELDS = (
    ("verdict", 0),
    ("run", 8),
    ("loss_rate", 24),
    ("delivered", 48),
    ("volume", 88),
    ("retail", 128),
    ("feed_in", 144),
    ("network_fee", 160),
)

# Two hours, so that the largest step of an order is within what a connection can be, and few intervals in the
# ring, so that its margin is within what an account can be given.
LONG = replace(CONFIG, interval_length=7200, ring_size=4)
LARGEST = 41_944
INTERVAL = 200_000


def cases(folder: str) -> list[Any]:
    paths = sorted((CASES / folder).glob("*.json"))
    return [pytest.param(json.loads(path.read_text()), id=path.stem) for path in paths]


@pytest.fixture(scope="module")
def auction_house() -> Iterator[OnChainMarket]:
    with open_network() as network:
        market = OnChainMarket(network, 4, config=LONG, limit=LARGEST, funded=False)
        market.fund(times=1)
        yield market


UNIFORM = [param for param in cases("auction") if "market" not in param.values[0]]


@pytest.mark.parametrize("case", UNIFORM)
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
    assert cleared.volume == case["volume"]
    assert cleared.clearing.pack() == int(case["clearing_word"], 16)
    for cap in case["caps"]:
        before = market.network.snapshot()
        market.report(INTERVAL, Verdict.CAP, cap["volume"])
        assert client.interval(INTERVAL).clearing_word == int(cap["gated_word"], 16)
        accepted = settled_energy(market, posted.packed, cap["volume"])
        assert accepted == cap["accepted"]
        market.network.revert(before)
    if case["volume"]:
        before = market.network.snapshot()
        market.report(INTERVAL, Verdict.ACCEPT, case["volume"])
        assert settled_energy(market, posted.packed, case["volume"]) == case["fills"]
        market.network.revert(before)
    market.network.revert(snapshot)


@pytest.mark.parametrize("case", cases("auction"))
def test_auction_by_itself(chain: Network, case: dict[str, Any]) -> None:
    """The contract is a function: it clears any book under any rule."""
    sender = Sender(chain, demo_account("contracts", "relayer"))
    chain.fund({sender.address: 10**21})
    auction = deploy(sender, "Auction", astuple(market_of(case.get("market", {})))).contract
    words = stored(case["steps"])
    tariff = sum(price << shift for price, shift in zip(astuple(TARIFF), (128, 144, 160), strict=True))
    word, volume = auction.functions.clear(tariff, words).call()
    assert (word, volume) == (int(case["clearing_word"], 16), case["volume"])
    for cap in case["caps"]:
        assert auction.functions.cap(word, cap["volume"], words).call() == int(cap["gated_word"], 16)


def stored(steps: list[dict[str, Any]]) -> list[int]:
    """The words of a book, as the market stores them."""
    words = [0] * 52
    for step in steps:
        side, tick = Side[step["side"].upper()], step["tick"]
        words[26 * side + tick // 10] += step["quantity"] << 25 * (tick % 10)
    return words


def market_of(said: dict[str, Any]) -> MarketConfig:
    """The market of a case: what it does not say is as in most of them."""
    pricing = Pricing[said.get("pricing", "uniform").upper()]
    return replace(CONFIG, margin_price=2000, **{**said, "pricing": pricing})


def settled_energy(market: OnChainMarket, records: bytes, volume: int) -> list[int]:
    """What stands of every order, Wh."""
    state = market.client.interval(INTERVAL)
    entries, _ = settled(market.sender, state.terms_word, state.clearing_word, LONG, BatchData(records))
    found = [entry[1] + entry[2] for entry in entries]
    assert sum(found) == 2 * volume
    return found


def settled(
    sender: Sender,
    terms: int,
    clearing: int,
    market: MarketConfig,
    data: BatchData,
    limits: Sequence[tuple[int, int]] = (),
) -> tuple[list[Any], list[int]]:
    """What a batch comes to: (participant, sell, buy, cost, surplus, cash, credit) of each order; the sums.

    Args:
        market: its parameters.
        limits: Wh that each order's connection can import and export.
    """
    harness = deploy(sender, HARNESS).contract
    auction = deploy(sender, "Auction", astuple(market)).contract
    orders = int.from_bytes(data.records[:2], "big")
    connections = [imports << 64 | exports << 32 for imports, exports in limits] or [0] * orders
    entries, sums = harness.functions.settle(
        terms,
        clearing,
        auction.address,
        (market.max_loss_rate, market.max_network_fee, market.base_price, market.tick_size),
        data.abi,
        connections,
    ).call()
    return entries, sums


@pytest.fixture(scope="module")
def chain() -> Iterator[Network]:
    with open_network() as network:
        yield network


@pytest.mark.parametrize("case", cases("settlement"))
def test_settlement(chain: Network, case: dict[str, Any]) -> None:
    sender = Sender(chain, demo_account("contracts", "relayer"))
    chain.fund({sender.address: 10**21})
    market, terms = case["market"], case["terms"]
    values = {**terms, "verdict": Verdict[terms["verdict"].upper()], "run": 1}
    word = sum(int(values[name]) << shift for name, shift in TERMS_FIELDS)
    clearing = int(terms["clearing_word"], 16)
    records, decisions, readings = (
        bytes.fromhex(case[name][2:]) for name in ("records", "decisions", "readings")
    )
    limits = [(order["import_limit"], order["export_limit"]) for order in case["orders"]]
    found, sums = settled(
        sender, word, clearing, market_of(market), BatchData(records, decisions, readings), limits
    )

    entries, positions = case["entries"], case["positions"]
    assert [entry[0] for entry in found] == [order["participant"] for order in case["orders"]]
    assert [entry[1:3] for entry in found] == [(p["sell"], p["buy"]) for p in positions]
    uniform = 0 if market.get("max_network_fee") else terms["network_fee"]
    assert [entry[3] + uniform * entry[2] for entry in found] == [
        p["charge"] + p["loss_cost"] for p in positions
    ]
    assert [entry[4] for entry in found] == [p["surplus"] for p in positions]
    assert [entry[5] for entry in found] == [entry["participant_cash"] for entry in entries]
    assert [entry[6] for entry in found] == [entry["participant_energy"] for entry in entries]
    supplier, grid_operator, community, uncredited, _ = sums
    assert grid_operator == sum(entry["grid_operator_cash"] for entry in entries)
    assert community == sum(entry["community_cash"] for entry in entries)
    assert supplier == sum(entry["supplier_cash"] for entry in entries)
    assert uncredited == sum(entry["metering_operator_energy"] for entry in entries)
