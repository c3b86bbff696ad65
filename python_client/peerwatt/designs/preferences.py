"""Product differentiation: what a peer would pay for energy that is near, green or subsidised.

A preference is a cost per unit on a trade (Sorin et al. 2019, section II-C): added to the fee of an edge of
the trade network it makes the same energy a different product.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from peerwatt.designs.orders import FloatArray, IntArray
from peerwatt.designs.trade_network import TradeNetwork
from peerwatt.errors import InputError


class EnergyClass(IntEnum):
    """Morstyn & McCulloch, IEEE Trans. Power Systems 34 (2019) 4005-4014, section II."""

    GRID = 0
    GREEN = 1
    SUBSIDISED = 2


def distance_cost(network: TradeNetwork, distance: FloatArray, per_distance: float) -> FloatArray:
    """Cost of each edge from an (agents, agents) distance: electrical, geographic or a network charge."""
    if (np.asarray(distance) < 0).any() or per_distance < 0:
        raise InputError("distance cost: distances and their price must not be negative")
    return np.asarray(per_distance * distance[network.seller, network.buyer], dtype=float)


def class_cost(network: TradeNetwork, energy_class: IntArray, premium: FloatArray) -> FloatArray:
    """Cost of each edge from what its buyer would pay extra for the seller's class of energy.

    Args:
        network: The trading graph.
        energy_class: `EnergyClass` of each agent's production.
        premium: (agents, classes): extra willingness to pay of each buyer for each class.
    """
    return np.asarray(-premium[network.buyer, energy_class[network.seller]], dtype=float)
