#!/usr/bin/env python3
"""Measure what the market costs in gas, next to a textbook double auction.

    python benchmarks/measure_gas.py    measure everything; write benchmarks/gas.json and docs/gas.md

Everything is measured in steady state: each row is played twice in the same slot of the ring by participants
who already hold balances, and the second time counts. The first time every quantity is 1 Wh more, so that
whatever the second writes takes the place of something else. A row's total is all that its interval costs:
posting, clearing, the committee's report, the readings and the settlement, calldata and signature checks
included.

Played on Anvil under Shanghai's rules, where eth-tester would take half an hour; gas is the same on both,
and a test measures some of the rows again on eth-tester.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "contracts"), str(ROOT / "benchmarks")]

from full_batch import full_batch_gas  # noqa: E402
from gas_page import page  # noqa: E402
from onchain import CONFIG, ETHER, FIRST_INTERVAL, OnChainMarket, signed_order, wallet  # noqa: E402

from peerwatt.chain import Artifact, Network, Sender, artifact_names, deploy, load_artifact, open_network  # noqa: E402
from peerwatt.chain.network import BLOCK_GAS_LIMIT  # noqa: E402
from peerwatt.market import FIRST_PARTICIPANT, MarketConfig, Pricing  # noqa: E402
from peerwatt.market.pricing import SET_PRICES  # noqa: E402
from peerwatt.messages import (  # noqa: E402
    ROSTER_PAGE,
    Reading,
    ReadingStatus,
    Side,
    SignedOrder,
    Verdict,
    encode_readings,
)

ATTESTED, METER_SIGNED = "attested", "meter_signed"
GAS_JSON = ROOT / "benchmarks" / "gas.json"
GAS_PAGE = ROOT / "docs" / "gas.md"
TEXTBOOK = ROOT / "benchmarks" / "artifacts" / "TextbookAuction.json"

# The largest market that the test of the snapshot sets up; its rows are measured in a market of that size.
SMALL = 10

# Three intervals in the ring are the fewest; the windows are short so that one lap settles within it.
# A batch holds everybody, so that a row has as many batches as it names.
RING = replace(
    CONFIG,
    open_ahead=1,
    ring_size=3,
    gate_lead=60,
    report_window=60,
    attest_window=60,
    overrule_window=60,
    batch_orders=1000,
)

FIXED_PRICE = 177  # base units per Wh


@dataclass(frozen=True)
class Row:
    """One interval: who takes part, how, and what it cost in all."""

    name: str
    participants: int
    steps: int
    readings: str
    batches: int
    gas_total: int = 0

    @property
    def gas_per_participant_interval(self) -> int:
        return round(self.gas_total / self.participants)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "gas_per_participant_interval": self.gas_per_participant_interval}


def matrix(sizes: Sequence[int]) -> Iterator[Row]:
    for participants in sizes:
        for steps in (1, 5):
            for readings in (ATTESTED, METER_SIGNED):
                for batches in (1, 10):
                    if batches <= participants:
                        name = f"n{participants}_steps{steps}_{readings}_batches{batches}"
                        yield Row(name, participants, steps, readings, batches)


class Bench:
    """A funded market whose next unused interval in the same ring slot is `interval`."""

    def __init__(
        self,
        network: Network,
        size: int,
        committee: int = 4,
        quorum: int = 3,
        config: MarketConfig = RING,
        *,
        envelopes: bool = False,
    ) -> None:
        self.market = OnChainMarket(
            network,
            size,
            config=config,
            committee=committee,
            quorum=quorum,
            funded=False,
            envelopes=envelopes,
        )
        # Readings are drawn at random: some lose in every interval, and shall not be barred for it.
        self.market.fund(times=100)
        self.interval = FIRST_INTERVAL

    def orders(self, interval: int, participants: int, steps: int, more: int = 0) -> list[SignedOrder]:
        """Every other participant sells; limits lie around one another, so that about two thirds trade.

        Args:
            interval: for which they are signed.
            participants: one order each.
            steps: of each order.
            more: Wh in every step.
        """
        draw = random.Random(participants * 10 + steps)
        orders = []
        for offset in range(participants):
            side = Side.SELL if offset % 2 else Side.BUY
            low, high = (20, 80) if side == Side.SELL else (40, 100)
            ticks = sorted(draw.sample(range(low, high), steps))
            ladder = [(side, tick, draw.randint(20, 900 // steps) + more) for tick in ticks]
            orders.append(signed_order(self.market.domain, interval, FIRST_PARTICIPANT + offset, ladder))
        return orders

    def play(self, row: Row, more: int = 0) -> dict[str, int]:
        """One interval from post to settlement: gas by call."""
        market, interval = self.market, self.interval
        client = market.client
        self.interval += RING.batch_ring
        market.at(RING.start(interval) - 500)
        orders = self.orders(interval, row.participants, row.steps, more)
        size = -(-len(orders) // row.batches)
        groups = [orders[start : start + size] for start in range(0, len(orders), size)]
        posted = [client.post(interval, group) for group in groups]
        gas = {"post": sum(each.gas for each in posted)}
        assert not any(each.skipped for each in posted)
        data = [each.data for each in posted]

        market.at(RING.gate_closure(interval))
        gas["clear"] = client.clear(interval).gas
        volume = client.interval(interval).terms.volume
        report = market.report_on(interval, Verdict.ACCEPT, volume)
        gas["report"] = client.report(report, [], *market.quorum_of(report))["gasUsed"]

        draw = random.Random(row.participants)
        if row.readings == ATTESTED:
            market.at(RING.end(interval))
            readings = [
                encode_readings(
                    Reading(ReadingStatus.ATTESTED, draw.randint(0, 900), draw.randint(0, 900)) for _ in group
                )
                for group in groups
            ]
            signature = market.attestation(interval, readings, volume // 2)
            gas["attest"] = client.attest(interval, readings, volume // 2, signature)["gasUsed"]
            data = [replace(each, readings=packed) for each, packed in zip(data, readings, strict=True)]
        else:
            market.at(RING.attest_deadline(interval))
            gas["overrule"] = 0
            for number, group in enumerate(groups):
                signed = [
                    market.signed_reading(
                        interval, at, each.order.participant, draw.randint(0, 900), draw.randint(0, 900)
                    )
                    for at, each in enumerate(group)
                ]
                receipt, readings_now = client.overrule(interval, number, data[number], signed)
                gas["overrule"] += receipt["gasUsed"]
                data[number] = replace(data[number], readings=readings_now)

        market.at(RING.readings_deadline(interval))
        gas["settle"] = sum(
            client.settle(interval, number, each)["gasUsed"] for number, each in enumerate(data)
        )
        return gas

    def measure(self, row: Row) -> tuple[Row, dict[str, int]]:
        """The row with its total, and its gas by call, of the second lap."""
        self.play(row, more=1)
        gas = self.play(row)
        return replace(row, gas_total=sum(gas.values())), gas

    def clear(self, orders: list[SignedOrder]) -> int:
        """Gas of clearing a book, of the second lap; `orders` are signed anew for its interval."""
        market, gas = self.market, 0
        for more in (1, 0):
            interval = self.interval
            self.interval += RING.batch_ring
            market.at(RING.start(interval) - 500)
            resigned = [
                signed_order(
                    market.domain,
                    interval,
                    each.order.participant,
                    [(step.side, step.tick, step.quantity + more) for step in each.order.steps],
                )
                for each in orders
            ]
            posted = market.client.post(interval, resigned)
            assert posted.batch is not None
            assert not posted.skipped
            market.at(RING.gate_closure(interval))
            gas = market.client.clear(interval).gas
            market.at(RING.report_deadline(interval))
            market.client.expire(interval)
            market.at(RING.readings_deadline(interval))
            market.client.settle(interval, 0, posted.data)
        return gas

    def full_grid(self, ticks: range) -> list[SignedOrder]:
        """Every tick of a range bid and asked for, eight to a participant: it crosses in the middle."""
        orders = []
        for side in (Side.BUY, Side.SELL):
            for first in range(ticks.start, ticks.stop, 8):
                ladder = [(side, tick, 10) for tick in range(first, min(first + 8, ticks.stop))]
                orders.append(signed_order(self.market.domain, 0, FIRST_PARTICIPANT + len(orders), ladder))
        return orders

    def pool(self, participants: int) -> list[SignedOrder]:
        """Every other participant sells, whatever the price: bids at the ladder's top, asks at its bottom."""
        draw = random.Random(participants)
        orders = []
        for offset in range(participants):
            lane = (Side.SELL, 0) if offset % 2 else (Side.BUY, 255)
            step = [(*lane, draw.randint(20, 900))]
            orders.append(signed_order(self.market.domain, 0, FIRST_PARTICIPANT + offset, step))
        return orders

    def direct_posts(self) -> dict[str, int]:
        """Gas of one order that its owner's wallet posts itself: as the interval's first batch, and later."""
        found = {}
        client = self.market.as_wallet(FIRST_PARTICIPANT + 1)
        for quantity in (400, 500):
            interval = self.interval
            self.interval += RING.batch_ring
            self.market.at(RING.start(interval) - 500)
            batches = []
            for name, account in (("post_direct_first", 4), ("post_direct", 5)):
                order = self.market.order(interval, account, (Side.BUY, 40 + account, quantity))
                posted = client.post(interval, [order])
                found[name] = posted.gas
                batches.append(posted.data)
            self.market.at(RING.gate_closure(interval))
            self.market.client.clear(interval)
            self.market.at(RING.report_deadline(interval))
            self.market.client.expire(interval)
            self.market.at(RING.readings_deadline(interval))
            for number, batch in enumerate(batches):
                self.market.client.settle(interval, number, batch)
        return found

    def post_page(self, *, published: bool) -> dict[str, int]:
        """Gas of the orders of a full page and of the envelope before them, of the second lap."""
        gas: dict[str, int] = {}
        market = self.market
        for more in (1, 0):
            interval = self.interval
            self.interval += RING.batch_ring
            market.at(RING.start(interval) - 500)
            if published:
                envelope = market.envelope(interval, {})
                receipt = market.board.publish(envelope, *market.quorum_on(envelope))
                gas["publish_envelope"] = receipt["gasUsed"]
            posted = market.client.post(interval, self.orders(interval, market.size, 1, more))
            gas["post"] = posted.gas
            assert not posted.skipped
            market.at(RING.gate_closure(interval))
            market.client.clear(interval)
            market.at(RING.report_deadline(interval))
            market.client.expire(interval)
            market.at(RING.readings_deadline(interval))
            market.client.settle(interval, 0, posted.data)
        return gas


def textbook(network: Network, participants: int) -> dict[str, Any]:
    """A like book in the textbook contract: escrow, sorting, matching, a transfer for every trade."""
    sender = Sender(network, wallet(9_999))
    network.fund({sender.address: 1000 * ETHER})
    token = deploy(sender, "PaymentToken").contract
    auction = deploy(sender, Artifact.from_json(json.loads(TEXTBOOK.read_text())), token.address).contract
    traders = [Sender(network, wallet(10_000 + offset)) for offset in range(participants)]
    network.fund({trader.address: ETHER for trader in traders})
    for trader in traders:
        sender.send(token.functions.mint(trader.address, 10**15))
        trader.send(token.functions.approve(auction.address, 2**256 - 1))
    order_gas = clear_gas = 0
    for _ in range(2):
        draw = random.Random(participants)
        order_gas = 0
        for offset, trader in enumerate(traders):
            low, high = (20, 80) if offset % 2 else (40, 100)
            call = auction.functions.ask if offset % 2 else auction.functions.bid
            order_gas += trader.send(call(draw.randint(20, 900), 100 + draw.randrange(low, high)))["gasUsed"]
        clear_gas = sender.send(auction.functions.clear(), gas_limit=BLOCK_GAS_LIMIT)["gasUsed"]
    total = order_gas + clear_gas
    return {
        "name": f"textbook_n{participants}",
        "participants": participants,
        "gas_orders": order_gas,
        "gas_clear": clear_gas,
        "gas_total": total,
        "gas_per_participant_interval": round(total / participants),
    }


def report_gas(committee: int, quorum: int, chain: str = "anvil") -> int:
    """Gas of a report that accepts, with `quorum` of `committee` signatures, of the second lap."""
    with open_network(chain) as network:
        bench = Bench(network, 2, committee, quorum)
        row = Row("", 2, 1, ATTESTED, 1)
        return bench.measure(row)[1]["report"]


def envelope_gas(chain: str = "anvil") -> dict[str, int]:
    """Gas of one page's envelope, signed by 3 of 4, and of its orders in markets with and without."""
    gas: dict[str, int] = {}
    size = ROSTER_PAGE - FIRST_PARTICIPANT
    with open_network(chain) as network:
        gas["post_page"] = Bench(network, size).post_page(published=False)["post"]
    with open_network(chain) as network:
        bench = Bench(network, size, envelopes=True)
        gas["post_page_no_envelope"] = bench.post_page(published=False)["post"]
        enveloped = bench.post_page(published=True)
    gas["post_page_envelope"] = enveloped["post"]
    gas["publish_envelope"] = enveloped["publish_envelope"]
    return gas


def clear_by_rule(participants: int = 100) -> list[dict[str, Any]]:
    """Gas of clearing under every pricing rule: a typical book for it, and the worst."""
    rows = []
    for rule in Pricing:
        # A ladder that holds every rule's price.
        config = replace(
            RING, base_price=50, pricing=rule, fixed_price=FIXED_PRICE if rule == Pricing.FIXED else 0
        )
        with open_network("anvil") as network:
            bench = Bench(network, max(participants, 64), config=config)
            typical = bench.pool(participants) if rule in SET_PRICES else bench.orders(0, participants, 1)
            rows.append(
                {
                    "rule": rule.name.lower().replace("_", " "),
                    "orders": participants,
                    "typical": bench.clear(typical),
                    "worst": bench.clear(bench.full_grid(range(256))),
                }
            )
    return rows


def measure_rows(sizes: Sequence[int], participants: int) -> list[dict[str, Any]]:
    """The rows of the matrix for `sizes`, in a market of so many participants."""
    rows = []
    with open_network("anvil") as network:
        bench = Bench(network, participants)
        for row in matrix(sizes):
            measured, by_call = bench.measure(row)
            rows.append({**measured.as_json(), "gas_by_call": by_call})
            print(f"{measured.name}: {measured.gas_per_participant_interval:,}", flush=True)
    return rows


def measure(sizes: Sequence[int] = (1, 10, 100, 250, 500, 1000)) -> dict[str, Any]:
    """Everything, as `benchmarks/gas.json` holds it."""
    with open_network("anvil") as network:
        bench = Bench(network, max(sizes))
        rows = measure_rows([size for size in sizes if size <= SMALL], SMALL)
        rows += measure_rows([size for size in sizes if size > SMALL], max(sizes))
        books = [("typical", bench.orders(0, count, 1)) for count in (100, 1000) if count <= max(sizes)]
        books += [("dense", bench.full_grid(range(96, 160))), ("worst", bench.full_grid(range(256)))]
        clear = [{"book": name, "orders": len(orders), "gas": bench.clear(orders)} for name, orders in books]
        by_rule = clear_by_rule(min(100, max(sizes)))
        calls = {
            **bench.direct_posts(),
            "report_3_of_4": report_gas(4, 3),
            "report_7_of_10": report_gas(10, 7),
            **envelope_gas(),
        }
        baseline = [textbook(network, count) for count in (10, 100, 250)]
        with open_network("anvil") as full:
            full_batch = full_batch_gas(full)
    sizes_of = {name: len(load_artifact(name).deployed_bytecode) for name in artifact_names()}
    return {
        "rows": rows,
        "clear": clear,
        "clear_by_rule": by_rule,
        "calls": calls,
        "full_batch": full_batch,
        "baseline": baseline,
        "bytecode_bytes": {name: size for name, size in sizes_of.items() if name != "PaymentToken"},
    }


def main() -> None:
    gas = measure()
    GAS_JSON.write_text(json.dumps(gas, indent=1) + "\n", encoding="utf-8")
    GAS_PAGE.write_text(page(gas), encoding="utf-8")


if __name__ == "__main__":
    main()
