"""What a design did to the neighbourhood, in numbers that can be put side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.designs.design import Run
from peerwatt.designs.neighbourhood import Neighbourhood
from peerwatt.designs.orders import IntArray, Terms
from peerwatt.units import HOUR_S


@dataclass(frozen=True)
class Measures:
    """One row of the comparison.

    Attributes:
        bills: Each participant's bill, base units; + is paid.
        savings: The tariff-only bill less it.
        better_off: Share of the participants that save.
        gini: Of the bills' savings above the smallest one: 0 is equal, towards 1 one takes all; None where
            nobody gains.
        jain: Jain's fairness index of the same, 1 is equal; None where nobody gains.
        gain: What households save and the market keeps, together, base units: what the supplier and the
            grid operator no longer get.
        gain_share: Of what would be possible if every Wh that could be shared were shared; above 1 only
            where storage, flexibility or tokens move energy in time. None where nothing can be shared.
        order_efficiency: Gains from trade at the orders' limits over the LP optimum, or None.
        traded: Peer energy delivered and used, Wh.
        self_sufficiency: Demand met by own and neighbours' generation, or None without demand.
        self_consumption: Generation used here, or None without generation.
        peak: Largest power to or from the neighbourhood, W.
        peak_reduction: Share by which it is below that without a market.
        surplus: What the market kept (+) or was short of (-), base units.
        messages: Messages sent.
    """

    bills: IntArray
    savings: IntArray
    better_off: float
    gini: float | None
    jain: float | None
    gain: int
    gain_share: float | None
    order_efficiency: float | None
    traded: int
    self_sufficiency: float | None
    self_consumption: float | None
    peak: float
    peak_reduction: float
    surplus: int
    messages: int


def measure(neighbourhood: Neighbourhood, run: Run) -> Measures:
    """Compare a run with the tariff alone."""
    terms = neighbourhood.terms
    reference = tariff_bills(neighbourhood.imported, neighbourhood.exported, terms)
    bills = bills_of(run, terms)
    savings = reference - bills
    gain = int(savings.sum()) + run.surplus
    possible = np.minimum(neighbourhood.imported.sum(axis=1), neighbourhood.exported.sum(axis=1)).sum()
    best = int(possible) * (terms.retail - terms.network_fee - terms.feed_in)
    peer = np.minimum(
        np.minimum(run.bought, run.imported).sum(axis=1), np.minimum(run.sold, run.exported).sum(axis=1)
    ).sum()
    demand, generation = int(neighbourhood.demand.sum()), int(neighbourhood.generation.sum())
    # What was generated and not exported was used behind the meters; a battery's losses count as use.
    own = min(generation - int(run.exported.sum()), demand)
    usual, peak = (_peak(flows, neighbourhood.interval_s) for flows in (neighbourhood, run))
    gains = savings - min(int(savings.min()), 0)
    return Measures(
        bills=bills,
        savings=savings,
        better_off=float((savings > 0).mean()),
        gini=gini(gains),
        jain=jain(gains),
        gain=gain,
        gain_share=gain / best if best else None,
        order_efficiency=run.welfare / run.best_welfare
        if run.welfare is not None and run.best_welfare
        else None,
        traded=int(peer),
        self_sufficiency=(own + int(peer)) / demand if demand else None,
        self_consumption=(own + int(peer)) / generation if generation else None,
        peak=peak,
        peak_reduction=1 - peak / usual if usual else 0.0,
        surplus=run.surplus,
        messages=run.messages,
    )


def bills_of(run: Run, terms: Terms) -> IntArray:
    """Each participant's bill: the settlement of the market contract; base units.

    What was sold and not delivered is bought at retail, what was bought and not used goes at feed-in where
    the grid is unconstrained, the rest of both registers is settled at the tariff.
    """
    delivered, used = np.minimum(run.sold, run.exported), np.minimum(run.bought, run.imported)
    unused_price = terms.feed_in if run.unused_price is None else run.unused_price[:, None]
    lines = (
        run.payment
        + (terms.network_fee * run.bought if run.charges is None else run.charges)
        + (0 if run.losses is None else run.losses)
        + terms.retail * (run.sold - delivered + run.imported - used)
        - unused_price * (run.bought - used)
        - terms.feed_in * (run.exported - delivered)
    )
    return np.asarray(lines.sum(axis=0) + run.dues, dtype=np.int64)


def tariff_bills(imported: IntArray, exported: IntArray, terms: Terms) -> IntArray:
    """Each participant's bill without a market, base units."""
    return np.asarray((terms.retail * imported - terms.feed_in * exported).sum(axis=0), dtype=np.int64)


def gini(amounts: IntArray) -> float | None:
    """Gini coefficient of amounts that are not negative; None where they are all zero."""
    total, ordered = int(amounts.sum()), np.sort(amounts)
    if total <= 0:
        return None
    ranks = np.arange(1, len(ordered) + 1)
    return float((2 * ranks - len(ordered) - 1) @ ordered / (len(ordered) * total))


def jain(amounts: IntArray) -> float | None:
    """Jain, Chiu & Hawe (1984): (sum x)^2 / (n sum x^2); None where all are zero."""
    values = amounts.astype(float)
    squares = float(values @ values)
    return float(values.sum()) ** 2 / (len(values) * squares) if squares else None


def _peak(flows: Neighbourhood | Run, interval_s: int) -> float:
    net = (flows.imported - flows.exported).sum(axis=1)
    return float(np.abs(net).max(initial=0)) * HOUR_S / interval_s
