"""A shared community battery: its capacity is auctioned among the members, a slice each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from peerwatt.designs.battery import schedule
from peerwatt.designs.design import PerInterval, Run
from peerwatt.designs.neighbourhood import Battery, Neighbourhood
from peerwatt.designs.orders import Book, IntArray, Orders, Terms
from peerwatt.designs.protocol import OFF_CHAIN
from peerwatt.designs.sharing import MidMarketRate
from peerwatt.designs.vickrey import Vickrey


@dataclass(frozen=True)
class BatteryAuction:
    """Each day members bid for blocks of capacity what a block would save them; the Vickrey rule, one seller.

    Tushar et al. auction shared storage truthfully; here the owner asks its cost of a day's use and the
    Vickrey-Clarke-Groves payments of the buyers go to it. Members then run their slice as their own.

    Attributes:
        blocks: How many the battery is cut into.
        block: Capacity of one, Wh; its power is half of it per hour.
        reserve: What the owner asks for a block and day, base units.
    """

    blocks: int = 10
    block: int = 2_000
    reserve: int = 20_000
    name: str = "battery-auction"
    title: str = "shared community battery, capacity auctioned among the members"
    source: str = "Tushar et al., IEEE Trans. Smart Grid 2016, arXiv:1512.07700"
    runs: str = OFF_CHAIN

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval."""
        homes = len(neighbourhood.names)
        charge, discharge = np.zeros_like(neighbourhood.demand), np.zeros_like(neighbourhood.demand)
        dues = np.zeros(homes, dtype=np.int64)
        won = np.zeros(homes, dtype=np.int64)
        for day in neighbourhood.days:
            net = (neighbourhood.demand - neighbourhood.generation)[day]
            plans = [
                [self._plan(neighbourhood, net[:, home], count) for count in range(4)]
                for home in range(homes)
            ]
            slices, paid = self._auction([[saved for saved, _, _ in options] for options in plans])
            for home, count in enumerate(slices.tolist()):
                _, charge[day, home], discharge[day, home] = plans[home][count]
            dues += paid
            won += slices
        moved = replace(
            neighbourhood,
            demand=neighbourhood.demand + charge,
            generation=neighbourhood.generation + discharge,
        )
        shared = PerInterval(MidMarketRate(), metered=True).run(moved)
        note = f"{int(won.sum())} blocks of {self.block} Wh were used for a day"
        return replace(shared, dues=dues, surplus=shared.surplus + int(dues.sum()), note=note)

    def _plan(
        self, neighbourhood: Neighbourhood, net: IntArray, count: int
    ) -> tuple[int, IntArray, IntArray]:
        """What `count` blocks save a member in a day at the tariff, and how it would use them."""
        terms, battery = neighbourhood.terms, Battery(count * self.block, count * self.block // 2)
        charge, discharge = schedule(net, [battery], terms, neighbourhood.interval_s)

        def bill(flow: IntArray) -> int:
            return int(terms.retail * flow.clip(0).sum() - terms.feed_in * (-flow).clip(0).sum())

        after = net + charge[:, 0] - discharge[:, 0]
        return bill(net) - bill(after), charge[:, 0], discharge[:, 0]

    def _auction(self, saved: list[list[int]]) -> tuple[IntArray, IntArray]:
        """Blocks won and what each member pays; values of further blocks fall, so bids are by block."""
        bids = [
            (home, min(np.diff(options)[:number].tolist()), 1)
            for home, options in enumerate(saved)
            for number in range(1, len(options))
        ]
        book = Book(Orders.of(bids), Orders.of([(len(saved), self.reserve, self.blocks)]))
        outcome = Vickrey().clear(book, Terms())
        slices, paid = np.zeros(len(saved), dtype=np.int64), np.zeros(len(saved), dtype=np.int64)
        np.add.at(slices, book.bids.participant, outcome.bought)
        np.add.at(paid, book.bids.participant, outcome.paid)
        return slices, paid
