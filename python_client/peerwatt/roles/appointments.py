"""When each role does what for an interval: the calls of all intervals on one clock, as they really overlap.

Each action has its own second after the moment from which it is due, so that no two fall on the same one: a
block has one timestamp, and the next block a later one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from peerwatt.market.market_rules import MarketConfig
from peerwatt.scenario.market_clock import ORDER_LEAD_S


class Action(IntEnum):
    """What is done for one interval, in its order."""

    PUBLISH_ENVELOPE = 0
    ORDER = 1
    REVEAL = 2
    CLEAR = 3
    REPORT = 4
    ATTEST = 5
    OVERRULE = 6
    SETTLE = 7


@dataclass(frozen=True, order=True)
class Appointment:
    """One action at one time.

    Attributes:
        time: Unix time, s.
        action: what to do.
        interval: for which interval.
    """

    time: int
    action: Action
    interval: int


def due(config: MarketConfig, action: Action, interval: int) -> int:
    """When an action of an interval is done, Unix time in s.

    Envelopes have no moment of their own here: how long they take depends on who publishes them.

    Args:
        config: the market's clock.
        action: what is done.
        interval: for which interval.
    """
    return {
        Action.PUBLISH_ENVELOPE: config.gate_closure(interval) - ORDER_LEAD_S,
        Action.ORDER: config.gate_closure(interval) - ORDER_LEAD_S,
        Action.REVEAL: config.gate_closure(interval),
        Action.CLEAR: config.book_closure(interval) + 1,
        Action.REPORT: config.book_closure(interval) + 2,
        Action.ATTEST: config.end(interval) + 3,
        Action.OVERRULE: config.attest_deadline(interval) + 4,
        Action.SETTLE: config.readings_deadline(interval) + 5,
    }[action]


def appointments(config: MarketConfig, first: int, count: int, envelope_s: int = 0) -> Iterator[Appointment]:
    """Every action of `count` intervals from `first` on, in time order.

    Args:
        config: the market's clock; batches are revealed in a sealed market alone.
        first: the first interval.
        count: of intervals.
        envelope_s: how long before the orders the publishing of envelopes begins, s; 0 where there are none.
    """
    actions = [
        action
        for action in Action
        if (action != Action.REVEAL or config.is_sealed) and (action != Action.PUBLISH_ENVELOPE or envelope_s)
    ]
    early = {Action.PUBLISH_ENVELOPE: envelope_s}
    return iter(
        sorted(
            Appointment(due(config, action, interval) - early.get(action, 0), action, interval)
            for interval in range(first, first + count)
            for action in actions
        )
    )
