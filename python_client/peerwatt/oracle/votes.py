"""What members of a committee ask one another for: their signatures, each with the message that it is under.

`Votes` is a port. Its direct form asks other members of the same process; `peers` has the one over HTTP.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from eth_typing import ChecksumAddress

from peerwatt.errors import PeerwattError
from peerwatt.messages import Domain
from peerwatt.messages.domain import TypedMessage
from peerwatt.oracle.envelope_record import EnvelopeRecord
from peerwatt.oracle.forecast_notice import NoticeBoard
from peerwatt.oracle.signing_record import SigningRecord


@dataclass(frozen=True)
class Vote:
    """A committee member's signature under some message on what was asked for.

    Attributes:
        member: index of whoever signed; only its key can have.
        digest: 32 bytes, of the message.
        signature: 64 bytes.
    """

    member: int
    digest: bytes
    signature: bytes


Enough = Callable[[Sequence[Vote]], bool]
"""Whether the votes so far suffice; then nobody else is asked."""


class Votes(Protocol):
    """The other members, as far as they answer. Only signatures of the committee's keys count."""

    def collect(
        self, clearing_hash: bytes, domain: Domain, committee: Sequence[ChecksumAddress], enough: Enough
    ) -> list[Vote]:
        """Their signatures on a clearing, under the market's domain."""

    def collect_envelope(
        self,
        interval: int,
        page: int,
        domain: Domain,
        committee: Sequence[ChecksumAddress],
        enough: Enough,
    ) -> list[Vote]:
        """Their signatures on a page's envelope, under the domain of the contract that takes it."""

    def collect_notices(
        self, interval: int, domain: Domain, committee: Sequence[ChecksumAddress], enough: Enough
    ) -> list[Vote]:
        """Which forecast of an interval they have."""


def checked_vote(
    message: TypedMessage, signature: bytes, domain: Domain, committee: Sequence[ChecksumAddress]
) -> Vote | None:
    """The vote that a signed message is; None where no member of the committee has signed it."""
    try:
        signer = message.recover(domain, signature)
    except PeerwattError:
        return None
    if signer not in committee:
        return None
    return Vote(committee.index(signer), message.digest(domain), signature)


class DirectVotes:
    """Other members of the same process: what each shows to everybody, read where it shows it."""

    def __init__(self, pages: Iterable[sqlite3.Connection]) -> None:
        """
        Args:
            pages: the other members' states, of which nothing but the signed messages is read.
        """
        self._pages = [(SigningRecord(page), EnvelopeRecord(page), NoticeBoard(page)) for page in pages]

    def collect(
        self, clearing_hash: bytes, domain: Domain, committee: Sequence[ChecksumAddress], enough: Enough
    ) -> list[Vote]:
        """As `Votes` has it."""
        found = (reports.find(clearing_hash) for reports, _, _ in self._pages)
        signed = ((each.report, each.signature) for each in found if each is not None)
        return _checked(signed, domain, committee)

    def collect_envelope(
        self,
        interval: int,
        page: int,
        domain: Domain,
        committee: Sequence[ChecksumAddress],
        enough: Enough,
    ) -> list[Vote]:
        """As `Votes` has it."""
        signed: Iterable[tuple[TypedMessage, bytes]] = (
            (own.envelope, own.signature)
            for _, envelopes, _ in self._pages
            for own in envelopes.of_interval(interval)
            if own.envelope.page == page
        )
        return _checked(signed, domain, committee)

    def collect_notices(
        self, interval: int, domain: Domain, committee: Sequence[ChecksumAddress], enough: Enough
    ) -> list[Vote]:
        """As `Votes` has it."""
        found = (notices.find(interval) for _, _, notices in self._pages)
        signed = ((each.notice, each.signature) for each in found if each is not None)
        return _checked(signed, domain, committee)


def _checked(
    signed: Iterable[tuple[TypedMessage, bytes]], domain: Domain, committee: Sequence[ChecksumAddress]
) -> list[Vote]:
    """The votes that signed messages are. All are taken: nobody is waited for here."""
    votes = (checked_vote(message, signature, domain, committee) for message, signature in signed)
    return [vote for vote in votes if vote is not None]
