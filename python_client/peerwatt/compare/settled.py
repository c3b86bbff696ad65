"""Designs as the market would settle them: behind one grid gate, with the same losses, on the same feeder.

What a feeder cannot carry it cannot carry under any design. Every design is tried on the exports that the
network operator allows, and compared with the same homes without a market, as on every bill of a replay. A
design that runs on chain is rehearsed: its figures are a replay's. Another design that clears orders passes
the gate that a replay has, with the losses that it names, never beyond an order's limit. A design without
orders, which shares what meters counted, has nothing that a gate could cut, and pays no losses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from peerwatt.compare.neighbourhood import neighbourhood_of
from peerwatt.designs.design import Design, Run, idle
from peerwatt.designs.orders import IntArray
from peerwatt.errors import InputError
from peerwatt.grid.rounding import largest_remainder_of
from peerwatt.record.bills import interval_terms
from peerwatt.record.results import ReplayResult
from peerwatt.replay.rehearsal import rehearse_scenario
from peerwatt.replay.solved_feeder import SolvedFeeder
from peerwatt.scenario.scenario import Scenario
from peerwatt.scenario.variants import SWITCH_OF, under
from peerwatt.units import PPM

REHEARSED: Final = "as replayed"
GATED: Final = "gate, losses"
SHARED: Final = "limits only"
SETTLED: Final[Mapping[str, str]] = {
    REHEARSED: "every figure is a replay's",
    GATED: "orders pass the gate and pay losses as in a replay, each participant's cut in proportion",
    SHARED: "what flowed within the network operator's limits is shared afterwards, without losses; what "
    "batteries and flexible loads move is not held against the limits again",
}
"""How far a design is settled as on chain, in a word and in a sentence."""


class SettledDesigns:
    """The first days of a scenario, and what designs come to on them.

    Attributes:
        neighbourhood: what the designs are run on.
    """

    def __init__(self, scenario: Scenario, days: int, seed: int) -> None:
        """
        Args:
            scenario: whose days.
            days: how many.
            seed: of forecast errors and of the designs' draws.
        """
        self._scenario = scenario
        self._seed = seed
        self._feeder = SolvedFeeder(scenario, seed)
        self.neighbourhood = neighbourhood_of(scenario, days, seed, self._feeder.without_market)

    def run(self, design: Design) -> tuple[Run, str]:
        """Run a design, and settle what it agreed on.

        Args:
            design: the design.

        Returns:
            What it did, and how far that is settled as on chain: a key of `SETTLED`.

        Raises:
            PeerwattError: the feeder refused.
        """
        found = design.run(self.neighbourhood)
        if design.name in SWITCH_OF:
            return self._rehearsed(design.name, found), REHEARSED
        return (found, SHARED) if found.matched is None else (self._gated(found), GATED)

    def _rehearsed(self, name: str, run: Run) -> Run:
        """A design that runs on chain, as a replay comes to it."""
        try:
            scenario = under(self._scenario, name)
            scenario.market.check_tariff(scenario.tariff)
        except InputError as refused:
            return replace(idle(self.neighbourhood), note=f"No market contract takes it here: {refused}")
        intervals = self.neighbourhood.intervals
        result = rehearse_scenario(scenario, self._seed, intervals, feeder=self._feeder)
        return _run_of(result, run, scenario.tariff.feed_in)

    def _gated(self, run: Run) -> Run:
        """What a design agreed on before delivery, as far as the grid gate lets it stand."""
        assert run.matched is not None
        scenario, matched = self._scenario, run.matched
        homes, retail, most = scenario.participants, scenario.tariff.retail, scenario.market.max_network_fee
        bought, sold, losses, charges = (np.zeros_like(run.bought) for _ in range(4))
        paid, received = np.zeros_like(run.bought), np.zeros_like(run.bought)
        unused_price = np.full(len(run.bought), scenario.tariff.feed_in)
        for t in range(len(run.bought)):
            sell, buy = _balanced(run.sold[t], run.bought[t])
            decided = self._feeder.decide(
                t,
                {home.account: int(sell[k]) for k, home in enumerate(homes)},
                {home.account: int(buy[k]) for k, home in enumerate(homes)},
            )
            place = [decided.participants.index(home.account) for home in homes]
            sold[t], bought[t] = decided.grid.sell_wh[place], decided.grid.buy_wh[place]
            received[t] = _part(matched.received[t], sold[t], run.sold[t])
            paid[t] = _part(matched.paid[t], bought[t], run.bought[t])
            energy = sold[t] + bought[t]
            room = _part(matched.room[t], energy, run.sold[t] + run.bought[t])
            lost = np.minimum(decided.grid.loss_wh[place], energy * scenario.market.max_loss_rate // PPM)
            losses[t] = np.minimum(retail * lost, np.maximum(room, 0))
            charges[t] = scenario.tariff.network_fee * bought[t]
            if most:
                charges[t] = np.minimum(decided.charges[place], most * energy)
            if not decided.grid.verdict.is_unconstrained:
                unused_price[t] = 0
        payment = run.payment - matched.paid + matched.received + paid - received
        kept = int((payment - run.payment).sum())
        return replace(
            run,
            bought=bought,
            sold=sold,
            payment=payment,
            surplus=run.surplus + kept,
            matched=None,
            losses=losses,
            charges=charges,
            unused_price=unused_price,
        )


def _run_of(result: ReplayResult, run: Run, feed_in: int) -> Run:
    """A rehearsal's settlements as a run; welfare, messages and notes are the design's own."""
    shape = run.bought.shape
    terms = interval_terms(result.intervals, result.orders)
    cash = [terms[each.interval].peer_cash(each) for each in result.settlements]

    def table(values: list[int]) -> IntArray:
        return np.array(values, dtype=np.int64).reshape(shape)

    income, cost = table([income for income, _ in cash]), table([cost for _, cost in cash])
    settled = result.settlements
    paid_back = np.array([home.lines.community for home in result.participants], dtype=np.int64)
    return replace(
        run,
        imported=table([each.imported_wh for each in settled]),
        exported=table([each.exported_wh for each in settled]),
        bought=table([each.accepted_buy_wh for each in settled]),
        sold=table([each.accepted_sell_wh for each in settled]),
        payment=cost - income,
        dues=paid_back,
        surplus=int(cost.sum() - income.sum() + paid_back.sum()),
        matched=None,
        losses=table([each.loss_cost for each in settled]),
        charges=table([each.network_charge for each in settled]),
        unused_price=np.array(
            [feed_in if each.verdict.is_unconstrained else 0 for each in result.intervals], dtype=np.int64
        ),
    )


def _balanced(sold: IntArray, bought: IntArray) -> tuple[IntArray, IntArray]:
    """Sales and purchases of one sum: where a design's differ, the larger side is cut in proportion."""
    volume = min(int(sold.sum()), int(bought.sum()))
    return largest_remainder_of(sold, volume), largest_remainder_of(bought, volume)


def _part(amount: IntArray, kept: IntArray, of: IntArray) -> IntArray:
    """The part of an amount that goes with what is kept, rounded down."""
    return np.where(of > 0, amount * kept // np.maximum(of, 1), 0)
