"""When what is done: the calls of every interval on one clock, as they overlap in real life."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from peerwatt.market.market_rules import MarketConfig

POST_S: Final = 60
"""Before gate closure: when orders are posted or, in a sealed market, committed to."""


class Action(IntEnum):
    """The calls of one interval, in their order."""

    PUBLISH_ENVELOPE = 0
    POST = 1
    COMMIT = 2
    REVEAL = 3
    CLEAR = 4
    REPORT = 5
    ATTEST = 6
    OVERRULE = 7
    SETTLE = 8


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


def appointments(config: MarketConfig, first: int, count: int, envelope_s: int = 0) -> Iterator[Appointment]:
    """Every call of `count` intervals from `first` on, in time order.

    Each action has its own second after the moment from which it is due, so that no two fall on the same one:
    a block has one timestamp, and the next block a later one.

    Args:
        config: the market's clock; in a sealed market batches are committed to and revealed, else posted.
        first: the first interval.
        count: of intervals.
        envelope_s: how long before the posting the publishing of envelopes begins, s; 0 where there are none.
    """
    due = [
        Appointment(time, action, interval)
        for interval in range(first, first + count)
        for action, time in (
            (Action.COMMIT if config.is_sealed else Action.POST, config.gate_closure(interval) - POST_S),
            *([(Action.REVEAL, config.gate_closure(interval))] if config.is_sealed else []),
            (Action.CLEAR, config.book_closure(interval) + 1),
            (Action.REPORT, config.book_closure(interval) + 2),
            (Action.ATTEST, config.end(interval) + 3),
            (Action.OVERRULE, config.attest_deadline(interval) + 4),
            (Action.SETTLE, config.readings_deadline(interval) + 5),
        )
    ]
    if envelope_s:
        due += [
            Appointment(
                config.gate_closure(interval) - POST_S - envelope_s, Action.PUBLISH_ENVELOPE, interval
            )
            for interval in range(first, first + count)
        ]
    return iter(sorted(due))
