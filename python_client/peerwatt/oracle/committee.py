"""The committee: each member computes for itself, and a quorum of equal reports is what the chain takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from peerwatt.errors import PeerwattError
from peerwatt.grid.power_flow import PowerFlow
from peerwatt.grid.rules import GridRules
from peerwatt.messages import Domain
from peerwatt.oracle.judgement import ClearedInterval, GridForecast, Judgement, judge


class NoQuorum(PeerwattError):
    """Too few members of the committee came to the same report."""


@dataclass(frozen=True)
class CommitteeMember:
    """One member of the committee, with a key and a feeder model of its own.

    Attributes:
        index: its place in the committee, which is its bit in a report's signers.
        key: 32 bytes, the private key that it signs with.
        solver: its feeder model.
        rules: by which the grid decides.
    """

    index: int
    key: bytes
    solver: PowerFlow
    rules: GridRules = field(default_factory=GridRules)

    def judge(self, cleared: ClearedInterval, forecast: GridForecast) -> Judgement:
        """Come to a judgement of its own."""
        return judge(cleared, forecast, self.solver, self.rules)


@dataclass(frozen=True)
class Quorum:
    """A report with exactly as many signatures as the gate asks for.

    Attributes:
        judgement: what was signed.
        signers: bit per member.
        signatures: 64 bytes per signer, in member order.
    """

    judgement: Judgement
    signers: int
    signatures: bytes


def collect_quorum(
    members: Sequence[CommitteeMember],
    cleared: ClearedInterval,
    forecast: GridForecast,
    domain: Domain,
    quorum: int,
) -> Quorum:
    """Ask members one after the other until `quorum` of them have signed the same report.

    Args:
        members: those that answer, in the order they are asked.
        cleared: the interval.
        forecast: what each of them expects to flow.
        domain: of the market.
        quorum: how many signatures are needed.

    Raises:
        NoQuorum: they do not agree, or are too few.
    """
    signed: dict[bytes, dict[int, bytes]] = {}
    judgements: dict[bytes, Judgement] = {}
    for member in members:
        judgement = member.judge(cleared, forecast)
        digest = judgement.report.digest(domain)
        judgements.setdefault(digest, judgement)
        signatures = signed.setdefault(digest, {})
        signatures[member.index] = judgement.report.sign(domain, member.key)
        if len(signatures) == quorum:
            return Quorum(
                judgement=judgements[digest],
                signers=sum(1 << index for index in signatures),
                signatures=b"".join(signatures[index] for index in sorted(signatures)),
            )
    agreeing = max((len(signatures) for signatures in signed.values()), default=0)
    raise NoQuorum(
        f"interval {cleared.number}: {agreeing} of {len(members)} committee members agree, not {quorum}: "
        "compare their feeder files and forecasts; without a report the interval expires"
    )
