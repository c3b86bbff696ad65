"""The committee: each member computes for itself, and a quorum of equal reports is what the chain takes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from peerwatt.errors import PeerwattError
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.rules import GridRules
from peerwatt.messages import Domain, OperatingEnvelope, signers_word
from peerwatt.oracle.envelope import EnvelopeInputs
from peerwatt.oracle.judgement import ClearedInterval, GridForecast, Judgement, judge

T = TypeVar("T")


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

    def envelopes(self, inputs: EnvelopeInputs) -> tuple[OperatingEnvelope, ...]:
        """Derive an interval's envelopes for itself."""
        return inputs.envelopes(self.solver)


@dataclass(frozen=True)
class SignedEnvelope:
    """An envelope with exactly as many signatures as the gate asks for.

    Attributes:
        envelope: what was signed.
        signers: bit per member.
        signatures: 64 bytes per signer, in member order.
    """

    envelope: OperatingEnvelope
    signers: int
    signatures: bytes


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

    def of(member: CommitteeMember) -> tuple[bytes, Judgement]:
        judgement = member.judge(cleared, forecast)
        return judgement.report.digest(domain), judgement

    judgement, signers = _agreeing(
        members, quorum, of, f"the report on interval {cleared.number}", "without one it expires"
    )
    signatures = (judgement.report.sign(domain, signer.key) for signer in signers)
    return Quorum(judgement, signers_word(signer.index for signer in signers), b"".join(signatures))


def sign_envelopes(
    members: Sequence[CommitteeMember], inputs: EnvelopeInputs, domain: Domain, quorum: int
) -> tuple[SignedEnvelope, ...]:
    """Ask members one after the other until `quorum` of them have signed the same envelopes.

    Args:
        members: those that answer, in the order they are asked.
        inputs: what the envelopes follow from.
        domain: of the contract that takes them.
        quorum: how many signatures are needed.

    Raises:
        NoQuorum: they do not agree, or are too few.
    """

    def of(member: CommitteeMember) -> tuple[tuple[OperatingEnvelope, ...], tuple[OperatingEnvelope, ...]]:
        envelopes = member.envelopes(inputs)
        return envelopes, envelopes

    envelopes, signers = _agreeing(
        members,
        quorum,
        of,
        f"the envelope of interval {inputs.interval}",
        "without one connection limits count",
    )
    return tuple(
        SignedEnvelope(
            envelope,
            signers_word(signer.index for signer in signers),
            b"".join(envelope.sign(domain, signer.key) for signer in signers),
        )
        for envelope in envelopes
    )


def _agreeing(
    members: Sequence[CommitteeMember],
    quorum: int,
    of: Callable[[CommitteeMember], tuple[Hashable, T]],
    what: str,
    otherwise: str,
) -> tuple[T, list[CommitteeMember]]:
    """The finding that `quorum` members share first, asked one after the other, and who they are, in member
    order.

    Args:
        of: what a member finds, after the key by which findings are the same.
        what: they are asked for.
        otherwise: what follows when they do not agree.
    """
    found: dict[Hashable, tuple[T, dict[int, CommitteeMember]]] = {}
    for member in members:
        key, finding = of(member)
        first, sharing = found.setdefault(key, (finding, {}))
        sharing[member.index] = member
        if len(sharing) == quorum:
            return first, [sharing[index] for index in sorted(sharing)]
    most = max((len(sharing) for _, sharing in found.values()), default=0)
    raise NoQuorum(
        f"{what}: {most} of {len(members)} committee members agree, not {quorum}: "
        f"compare their feeder files and forecasts; {otherwise}"
    )
