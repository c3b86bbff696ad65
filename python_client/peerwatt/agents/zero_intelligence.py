"""Zero-intelligence-constrained limit prices between the feed-in and the retail tariff.

A home that expects a surplus sells it, one that expects a deficit buys it. Limit prices are uniform draws
that never lose against the grid tariff (Gode and Sunder, "Allocative Efficiency of Markets with
Zero-Intelligence Traders", Journal of Political Economy 101(1), 1993, the constrained ones): a seller asks
at least the feed-in tariff, a buyer pays, network fee included, at most the retail tariff. The quantity is
split over a few steps, so that the merit order has a shape. Nothing is learnt and nothing is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass

from peerwatt.agents.draws import uniform
from peerwatt.agents.strategy import Outlook, Prices
from peerwatt.messages.order import Step
from peerwatt.messages.vocabulary import MAX_STEP_QUANTITY, MAX_STEPS, Side


@dataclass(frozen=True)
class ZeroIntelligence:
    """The trader of Gode and Sunder.

    Attributes:
        prices: What it decides by.
        most_steps: 1 to 8; how many are used is drawn too.
        takes_the_price: The market sets its price by a rule: there is nothing to draw, and the home takes
            part at any price that does not lose.
    """

    prices: Prices
    most_steps: int
    takes_the_price: bool = False

    def steps(self, outlook: Outlook) -> tuple[Step, ...]:
        """As `Strategy` has it: all that is expected, at prices drawn from the band.

        Raises:
            InputError: The prices leave no band.
        """
        net = outlook.forecast.net_import_wh
        side = Side.BUY if net > 0 else Side.SELL
        limit = outlook.connection.import_wh if net > 0 else outlook.connection.export_wh
        quantity, band = min(abs(net), limit, MAX_STEP_QUANTITY), self.prices.band
        if quantity == 0:
            return ()
        if self.takes_the_price:
            return (Step(side, band.highest if side == Side.BUY else band.lowest, quantity),)
        labels = (outlook.seed, "bid", outlook.participant, outlook.scenario_interval)
        steps = min(uniform(1, min(self.most_steps, MAX_STEPS), *labels, "steps"), quantity)
        wanted: dict[int, int] = {}
        for k in range(steps):
            tick = uniform(band.lowest, band.highest, *labels, "tick", k)
            share = quantity * (k + 1) // steps - quantity * k // steps
            wanted[tick] = wanted.get(tick, 0) + share
        return tuple(Step(side, tick, wanted[tick]) for tick in sorted(wanted))
