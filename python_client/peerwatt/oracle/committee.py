"""The committee: each member computes for itself, and a quorum of equal reports is what the chain takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from peerwatt.errors import PeerwattError
from peerwatt.grid.power_flow import PowerFlow
from peerwatt.grid.rules import GridRules
from peerwatt.messages import Domain, OperatingEnvelope
from peerwatt.oracle.envelope import EnvelopeInputs
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
    agreeing: dict[tuple[OperatingEnvelope, ...], list[CommitteeMember]] = {}
    for member in members:
        envelopes = member.envelopes(inputs)
        signers = agreeing.setdefault(envelopes, [])
        signers.append(member)
        if len(signers) == quorum:
            ordered = sorted(signers, key=lambda signer: signer.index)
            return tuple(
                SignedEnvelope(
                    envelope=envelope,
                    signers=sum(1 << signer.index for signer in ordered),
                    signatures=b"".join(envelope.sign(domain, signer.key) for signer in ordered),
                )
                for envelope in envelopes
            )
    most = max((len(signers) for signers in agreeing.values()), default=0)
    raise NoQuorum(
        f"interval {inputs.interval}: {most} of {len(members)} committee members agree on the envelope, not "
        f"{quorum}: compare their feeder files and forecasts; without one, connection limits count"
    )
