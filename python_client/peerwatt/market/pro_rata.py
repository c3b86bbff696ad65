"""Telescoped pro-rata: how the marginal tick is shared.

A lane of T Wh of which F are filled gives the first x Wh of its queue ``prefix(x) = floor(x * F / T)``. A
step that joined at offset o with quantity q gets ``prefix(o + q) - prefix(o)``. Summed over the queue
everything between the ends cancels, so the shares of a lane add up to F exactly; for the same reason an order
that is split into parts gets in sum what it got as one.
"""

from peerwatt.messages import Clearing, MarginalTick, PlacedStep, Side


def prefix(end: int, part: int, whole: int) -> int:
    """What the first ``end`` Wh of a queue of ``whole`` Wh get when ``part`` Wh are given out."""
    return end * part // whole


def share(offset: int, quantity: int, part: int, whole: int) -> int:
    """What ``quantity`` Wh, queued behind ``offset`` Wh, get of ``part`` out of ``whole``, Wh."""
    return prefix(offset + quantity, part, whole) - prefix(offset, part, whole)


def is_better(step_tick: int, marginal: MarginalTick, side: Side) -> bool:
    """Whether a tick trades before the marginal one: a higher bid, a lower ask."""
    return step_tick > marginal.tick if side == Side.BUY else step_tick < marginal.tick


def fill(placed: PlacedStep, clearing: Clearing) -> int:
    """What the auction gave a step, Wh."""
    if not clearing.trades:
        return 0
    step = placed.step
    marginal = clearing.marginal(step.side)
    if step.tick == marginal.tick:
        return share(placed.offset, step.quantity, marginal.filled, marginal.total)
    return step.quantity if is_better(step.tick, marginal, step.side) else 0


def accepted_quantity(placed: PlacedStep, gated: Clearing) -> int:
    """What the grid gate accepted of a step's fill, Wh, before any decision on its order.

    On the marginal tick energy is shared twice: what was filled over the lane, then what was accepted over
    the fills, with offsets in filled Wh. So no step is accepted for more than its fill.
    """
    filled = fill(placed, gated)
    marginal = gated.marginal(placed.step.side)
    if not gated.trades or placed.step.tick != marginal.tick:
        return filled
    filled_before = prefix(placed.offset, marginal.filled, marginal.total)
    return share(filled_before, filled, marginal.accepted, marginal.filled)
