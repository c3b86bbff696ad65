"""What follows from inputs on one feeder model: reports and envelopes, each derived once.

Both are pure: the same inputs give the same bytes. So members of one process, which have the same feeder,
need not derive the same thing again; each signs for itself.
"""

from __future__ import annotations

from typing import Any, Final

from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.messages import OperatingEnvelope
from peerwatt.oracle.envelope import EnvelopeInputs
from peerwatt.oracle.judgement import Judgement
from peerwatt.oracle.report_inputs import ReportInputs

REMEMBERED: Final = 4
"""Intervals whose reports and envelopes are kept."""


class Derivations:
    """Those of one feeder model."""

    def __init__(self, solver: PowerFlow) -> None:
        """
        Args:
            solver: of the feeder.
        """
        self._solver = solver
        self._judged: dict[int, tuple[ReportInputs, Judgement]] = {}
        self._enveloped: dict[bytes, tuple[OperatingEnvelope, ...]] = {}

    @property
    def feeder(self) -> Feeder:
        """The feeder that is modelled."""
        return self._solver.feeder

    def judge(self, inputs: ReportInputs) -> Judgement:
        """The report that follows; raises as `ReportInputs.judge` does."""
        interval = inputs.interval.number
        known = self._judged.get(interval)
        if known is not None and known[0] == inputs:
            return known[1]
        judgement = inputs.judge(self._solver)
        self._judged[interval] = inputs, judgement
        _forget_old(self._judged)
        return judgement

    def envelopes(self, inputs: EnvelopeInputs) -> tuple[OperatingEnvelope, ...]:
        """The envelopes that follow; raises as `EnvelopeInputs.envelopes` does."""
        digest = inputs.digest()
        if digest not in self._enveloped:
            self._enveloped[digest] = inputs.envelopes(self._solver)
            _forget_old(self._enveloped)
        return self._enveloped[digest]


def _forget_old(kept: dict[Any, Any]) -> None:
    if len(kept) > REMEMBERED:
        del kept[next(iter(kept))]
