"""When what is done: the calls of every interval on one clock, as they overlap in real life."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from peerwatt.market.config import MarketConfig


class Action(IntEnum):
    """The calls of one interval, in their order."""

    POST = 0
    CLEAR = 1
    REPORT = 2
    ATTEST = 3
    OVERRULE = 4
    SETTLE = 5


@dataclass(frozen=True, order=True)
class Appointment:
    """One call at one time.

    Attributes:
        time: Unix time, s.
        action: what to do.
        interval: for which interval.
    """

    time: int
    action: Action
    interval: int


def appointments(config: MarketConfig, first: int, count: int) -> Iterator[Appointment]:
    """Every call of `count` intervals from `first` on, in time order.

    Each action has its own second after the moment from which it is due, so that no two fall on the same one:
    a block has one timestamp, and the next block a later one.
    """
    due = [
        Appointment(time, action, interval)
        for interval in range(first, first + count)
        for action, time in (
            (Action.POST, config.gate_closure(interval) - 60),
            (Action.CLEAR, config.book_closure(interval) + 1),
            (Action.REPORT, config.book_closure(interval) + 2),
            (Action.ATTEST, config.end(interval) + 3),
            (Action.OVERRULE, config.attest_deadline(interval) + 4),
            (Action.SETTLE, config.readings_deadline(interval) + 5),
        )
    ]
    return iter(sorted(due))
