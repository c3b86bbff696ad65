"""A committee says only what a quorum of it has signed, and who dissents is outvoted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from peerwatt.messages import NO_LIMITS, OperatingEnvelope
from peerwatt.oracle.envelope_record import EnvelopeRecord
from peerwatt.oracle.seat import Habits, Seat
from peerwatt.oracle.state import Identity, open_state
from peerwatt.oracle.votes import DirectVotes
from tests.client.conftest import FIRST, SmallMarket, open_small_market

ENVELOPE = OperatingEnvelope(FIRST, 0, b"f" * 32, b"i" * 32, (NO_LIMITS,) * 6)
ANOTHER = OperatingEnvelope(FIRST, 0, b"g" * 32, b"i" * 32, (NO_LIMITS,) * 6)


@pytest.fixture(scope="module")
def market() -> Iterator[SmallMarket]:
    """With a committee of four, of whom three sign."""
    with open_small_market() as small:
        yield small


class Committee:
    """Members of the market's committee, each with a state of its own."""

    def __init__(self, market: SmallMarket, stack: ExitStack) -> None:
        self.market = market
        self.keys = [market.keys.committee_member(index) for index in range(4)]
        self.states: list[sqlite3.Connection] = [
            stack.enter_context(
                closing(
                    open_state(
                        Path(":memory:"),
                        Identity(key.address, market.network.chain_id, market.client.market.address),
                    )
                )
            )
            for key in self.keys
        ]

    def sign(self, member: int, envelope: OperatingEnvelope, key: int | None = None) -> None:
        """Let a member sign; with another's key it is that of a liar."""
        seat = Seat(self.market.client, self.keys[member if key is None else key], Habits())
        EnvelopeRecord(self.states[member]).sign_once([envelope], self.market.client.domain, seat.sign)

    def found(self, member: int) -> tuple[int, bytes] | None:
        """The quorum that a member finds for what it signed."""
        domain, state = self.market.client.domain, self.states[member]
        [own] = EnvelopeRecord(state).of_interval(FIRST)
        votes = DirectVotes(other for other in self.states if other is not state)
        return Seat(self.market.client, self.keys[member], Habits()).quorum(
            FIRST,
            "envelope",
            own.digest,
            own.signature,
            lambda members, enough: votes.collect_envelope(FIRST, 0, domain, members, enough),
        )


@pytest.fixture
def committee(market: SmallMarket) -> Iterator[Committee]:
    with ExitStack() as stack:
        yield Committee(market, stack)


def test_a_quorum_is_exactly_so_many_signatures_in_member_order(committee: Committee) -> None:
    for member in (3, 0, 2):
        committee.sign(member, ENVELOPE)
    found = committee.found(3)
    assert found is not None
    signers, signatures = found
    assert signers == 0b1101
    parts = [signatures[at : at + 64] for at in range(0, 192, 64)]
    domain = committee.market.client.domain
    signed_by = [ENVELOPE.recover(domain, part) for part in parts]
    assert signed_by == [committee.keys[index].address for index in (0, 2, 3)]


def test_a_member_that_signed_another_message_is_outvoted(
    committee: Committee, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "peerwatt.oracle")
    committee.sign(0, ANOTHER)
    for member in (1, 2, 3):
        committee.sign(member, ENVELOPE)
    found = committee.found(1)
    assert found is not None
    assert found[0] == 0b1110
    assert committee.found(0) is None
    assert "member 0 signed another envelope" in caplog.text
    assert "compare feeder files and forecasts" in caplog.text


def test_two_who_disagree_with_two_make_no_quorum(
    committee: Committee, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "peerwatt.oracle")
    for member in range(4):
        committee.sign(member, ENVELOPE if member < 2 else ANOTHER)
    assert [committee.found(member) for member in range(4)] == [None] * 4
    assert "2 of 4 members agree, 3 are needed for the envelope" in caplog.text


def test_nobody_votes_twice_with_another_members_page(committee: Committee) -> None:
    """Member 3 shows what member 1 signed: that is one vote, whoever shows it."""
    for member in (0, 1):
        committee.sign(member, ENVELOPE)
    committee.sign(3, ENVELOPE, key=1)
    assert committee.found(0) is None
