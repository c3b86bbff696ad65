"""The network oracle: what of a cleared interval the grid can carry, said by a committee's quorum."""

from peerwatt.oracle.committee import CommitteeMember, Quorum, collect_quorum, sign_envelopes
from peerwatt.oracle.envelope import EnvelopeInputs
from peerwatt.oracle.judgement import ClearedInterval, GridForecast, Judgement, expired, judge

__all__ = [
    "ClearedInterval",
    "CommitteeMember",
    "EnvelopeInputs",
    "GridForecast",
    "Judgement",
    "Quorum",
    "collect_quorum",
    "expired",
    "judge",
    "sign_envelopes",
]
