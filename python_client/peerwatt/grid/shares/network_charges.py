"""Network charges of peer trades: a stated total, recovered by use of the network.

Every seller's energy is counted as delivered to the buyers in proportion to what they bought, which makes
pairs of a pool. A pair's use of the network is its energy times a distance: 1 for all (uniform), electrical
(Thevenin impedance, or power transfer distribution), or by zone, after T. Baroche, P. Pinson, R. Le Goff
Latimier and H. Ben Ahmed, "Exogenous cost allocation in peer-to-peer electricity markets", IEEE Transactions
on Power Systems 34(4), 2019. Both parties of a pair bear half. Under the uniform rule buyers bear all, per
Wh, as the tariff's network fee has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.admittance import admittance
from peerwatt.grid.rounding import bounded_largest_remainder, largest_remainder

ChargeRule = Callable[[Feeder, Ints], Floats]
"""Distances between traders' nodes, `(k, k)`, in any unit."""


def uniform(feeder: Feeder, nodes: Ints) -> Floats:
    """The same for every pair: a charge per kWh bought."""
    return np.ones((len(nodes), len(nodes)))


def thevenin(feeder: Feeder, nodes: Ints) -> Floats:
    """Magnitude of the impedance between the nodes, pu on 1 MVA."""
    return admittance(feeder).thevenin_distance_pu(nodes)


def transfer(feeder: Feeder, nodes: Ints) -> Floats:
    """Power that a unit sent between the nodes moves, summed over the branches."""
    return admittance(feeder).transfer_distance(nodes)


CHARGE_RULES: dict[str, ChargeRule] = {
    "uniform": uniform,
    "distance_thevenin": thevenin,
    "distance_ptdf": transfer,
}
ZONE = "zone"
"""Name of the rule that `by_zone` makes."""


def by_zone(zones: Mapping[str, str], fees: Mapping[str, float] | None = None) -> ChargeRule:
    """Each zone that a trade touches adds its fee: once within a zone, both zones' across.

    Args:
        zones: Zone by node name.
        fees: Fee by zone, 1 where none is given.
    """

    def rule(feeder: Feeder, nodes: Ints) -> Floats:
        names = [feeder.node_names[k] for k in nodes]
        for name in names:
            if name not in zones:
                raise FeederError(f"feeder {feeder.name}: node {name!r} is in no zone")
        there = np.array([zones[name] for name in names])
        fee = np.array([1.0 if fees is None else fees.get(zone, 1.0) for zone in there])
        return np.where(there[:, None] == there[None, :], fee[:, None], fee[:, None] + fee[None, :])

    return rule


def network_charges(
    feeder: Feeder,
    nodes: Ints,
    sell_wh: Ints,
    buy_wh: Ints,
    total: int,
    rule: ChargeRule = uniform,
    most: Ints | None = None,
) -> Ints:
    """Share a total among the parties of accepted trades.

    Args:
        feeder: The feeder.
        nodes: Node of each trader, `(k,)`.
        sell_wh: Accepted sells, Wh, `(k,)`.
        buy_wh: Accepted buys, Wh, `(k,)`, of the same sum.
        total: What must be recovered, base units.
        rule: How distance is measured; where all distances are zero, by energy, half each. Under `uniform`
            only who buys pays, as in a market without named charges.
        most: Most that each may be charged, base units, `(k,)`; what exceeds it falls to the others.

    Returns:
        Charge of each trader, base units, `(k,)`; they sum to `total` exactly, or to 0 when nothing was
        traded.
    """
    volume = int(sell_wh.sum())
    if not volume:
        return np.zeros_like(sell_wh)
    if rule is uniform:
        weights = buy_wh.astype(np.float64)
    else:
        pairs = sell_wh[:, None] * (buy_wh[None, :] / volume)
        use = pairs * rule(feeder, nodes)
        if not use.sum() > 0:
            use = pairs
        weights = use.sum(axis=1) + use.sum(axis=0)
    if most is None:
        return largest_remainder(weights, total)
    return bounded_largest_remainder(weights, total, most)
