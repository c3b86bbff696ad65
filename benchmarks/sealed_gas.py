#!/usr/bin/env python3
"""Measure what sealing costs in gas: a batch committed to and revealed, next to the same batch posted.

    python benchmarks/sealed_gas.py    print the table of docs/decisions/0019

In steady state, as `measure_gas.py`: batches of the same participants are played until each slot of the ring
was used before and settled, and the last one counts. On Anvil under Shanghai's rules.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "contracts")]

from onchain import CONFIG, FIRST_INTERVAL, OnChainMarket  # noqa: E402

from peerwatt.chain import open_network  # noqa: E402
from peerwatt.client import BatchData, SealedPhase  # noqa: E402
from peerwatt.market import FIRST_PARTICIPANT, MarketConfig  # noqa: E402
from peerwatt.messages import Side, SignedOrder  # noqa: E402

SIZES = (1, 10, 100, 300)
OPEN = replace(CONFIG, ring_size=4)
SEALED = replace(OPEN, reveal_window=60, bond=5_000_000)
INTERVALS = 6
"""Two more than the ring has slots."""


@dataclass(frozen=True)
class Entered:
    """Gas of one batch's way into the book.

    Attributes:
        commit: of the commitment; 0 in an open market.
        post: of the reveal, or of the post.
        data: what it takes to settle the batch.
    """

    commit: int
    post: int
    data: BatchData


def enter(market: OnChainMarket, phase: SealedPhase | None, interval: int) -> Entered:
    """Bring one batch, of everybody's orders of one step, into the book."""
    orders = [_order(market, interval, place) for place in range(market.size)]
    if phase is None:
        posted = market.client.post(interval, orders)
        return Entered(0, posted.gas, posted.data)
    batch = phase.seal(interval, orders)
    receipt = phase.send(batch)
    market.network.advance_to(market.config.gate_closure(interval))
    posted = phase.reveal(batch)
    return Entered(receipt["gasUsed"], posted.gas, posted.data)


def measure(size: int, config: MarketConfig) -> Entered:
    """Gas of a batch of so many orders, in steady state."""
    with open_network("anvil") as network:
        market = OnChainMarket(network, size, config=config)
        phase = SealedPhase(market.client) if config.is_sealed else None
        if phase is not None:
            phase.allow_bonds()
        entered: list[Entered] = []
        for interval in range(FIRST_INTERVAL, FIRST_INTERVAL + INTERVALS):
            network.advance_to(config.gate_closure(interval) - 60)
            entered.append(enter(market, phase, interval))
            network.advance_to(config.book_closure(interval))
            market.client.clear(interval)
            network.advance_to(config.report_deadline(interval))
            market.client.expire(interval)
            if len(entered) > 2:
                network.advance_to(max(network.latest_timestamp(), config.readings_deadline(interval - 2)))
                market.client.settle(interval - 2, 0, entered[-3].data)
        return entered[-1]


def _order(market: OnChainMarket, interval: int, place: int) -> SignedOrder:
    step = (Side.SELL, 20, 100 + place % 7) if place % 2 else (Side.BUY, 40, 100 + place % 7)
    return market.order(interval, FIRST_PARTICIPANT + place, step)


def main() -> None:
    print("orders     post   commit   reveal   sealing, per participant and interval")
    for size in SIZES:
        posted, sealed = measure(size, OPEN), measure(size, SEALED)
        more = sealed.commit + sealed.post - posted.post
        print(
            f"{size:6,} {posted.post:8,} {sealed.commit:8,} {sealed.post:8,}   {more / size:,.0f}", flush=True
        )


if __name__ == "__main__":
    main()
