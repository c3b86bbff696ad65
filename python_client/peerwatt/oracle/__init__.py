"""The network oracle: what of a cleared interval the grid can carry, said by a committee's quorum."""

from peerwatt.oracle.envelope import EnvelopeInputs
from peerwatt.oracle.feeder_state import GridForecast, allowed_without_market, metered_flow_of
from peerwatt.oracle.judgement import ClearedInterval, Judgement, expired, judge

__all__ = [
    "ClearedInterval",
    "EnvelopeInputs",
    "GridForecast",
    "Judgement",
    "allowed_without_market",
    "expired",
    "judge",
    "metered_flow_of",
]
