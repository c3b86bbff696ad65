"""What a replay leaves behind, from which the results are derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.record.interval_log import IntervalLog
from peerwatt.scenario.scenario import Scenario


@dataclass(frozen=True)
class Replayed:
    """What a replay leaves to the report.

    Attributes:
        scenario: what was replayed.
        chain: name or URL of the chain.
        seed: of every draw and key.
        logs: one per interval.
        solver: of the feeder.
        initial: cash of every account before the first interval, base units.
        final: cash (base units) and energy (Wh) of every account after the last.
        paid_back: what the community's account paid back to those who traded, base units by account.
        mismatches: how many intervals differ between the chain and the reference twin.
        first_difference: the first difference that was found, or nothing.
        conservation_error: largest error found after any interval, base units plus Wh.
        wall_seconds: how long it took.
    """

    scenario: Scenario
    chain: str
    seed: int
    logs: tuple[IntervalLog, ...]
    solver: PowerFlow
    initial: tuple[int, ...]
    final: tuple[tuple[int, int], ...]
    paid_back: Mapping[int, int]
    mismatches: int
    first_difference: str
    conservation_error: int
    wall_seconds: float
