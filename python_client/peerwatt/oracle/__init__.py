"""The network oracle: what of a cleared interval the grid can carry, said by a committee's quorum."""

from peerwatt.oracle.envelope import EnvelopeInputs
from peerwatt.oracle.judgement import ClearedInterval, GridForecast, Judgement, expired, judge

__all__ = [
    "ClearedInterval",
    "EnvelopeInputs",
    "GridForecast",
    "Judgement",
    "expired",
    "judge",
]
