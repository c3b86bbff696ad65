"""A member as a process: everything it needs opened, its pages served, one step after the other."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from web3.exceptions import Web3Exception

from peerwatt.chain import Deployment, Sender, open_network
from peerwatt.client import Head, MarketClient
from peerwatt.errors import ChainError, InputError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.rules import GridRules
from peerwatt.oracle.chain_follower import ChainFollower
from peerwatt.oracle.derivations import Derivations
from peerwatt.oracle.envelope_publisher import EnvelopePublisher
from peerwatt.oracle.envelope_record import EnvelopeRecord
from peerwatt.oracle.followed_chain import FollowedChain
from peerwatt.oracle.forecast_file import ForecastSource
from peerwatt.oracle.forecast_notice import NoticeBoard
from peerwatt.oracle.peers import PeerList, Peers
from peerwatt.oracle.report_bytes import as_hex
from peerwatt.oracle.seat import Habits, Seat
from peerwatt.oracle.service import Service
from peerwatt.oracle.signing_record import SigningRecord
from peerwatt.oracle.state import Identity, open_state
from peerwatt.roles.committee_member import Member

log: Final = logging.getLogger(__name__)

ANSWER_SECONDS = 15.0
"""What a chain's answer may take: a committee has minutes, not the five that a replay would wait."""


@dataclass(frozen=True)
class MemberSettings:
    """What a member is started with.

    Attributes:
        chain: URL of the node, or `rpc` for the one in `ETH_RPC_URL`.
        deployment: the market's addresses.
        key: of the member; it signs reports and pays for the transactions.
        feeder: the member's own.
        forecasts: where its forecasts come from.
        rules: by which the grid decides; the committee's members agree on them.
        peers: file with the other members' addresses.
        state: its SQLite file.
        host: address to listen on.
        port: 0 for any that is free.
        confirmations: blocks on top of one before it is believed.
        poll_s: how often the chain is looked at, s.
        habits: the rest.
    """

    chain: str
    deployment: Deployment
    key: LocalAccount = field(repr=False)
    feeder: Feeder = field(repr=False)
    forecasts: ForecastSource
    rules: GridRules
    peers: Path
    state: Path
    host: str
    port: int
    confirmations: int
    poll_s: float
    habits: Habits


def run_member(settings: MemberSettings, stop: threading.Event, announce: Callable[[str], None]) -> None:
    """Be a member until told to stop. What happens is logged, one line each.

    Args:
        settings: whose.
        stop: ends it after the step that is running.
        announce: told the address of the pages, once they are there.

    Raises:
        PeerwattError: a setting cannot be used, or the chain is not there at the start.
    """
    # Said now rather than at the first report.
    PeerList(settings.peers).urls()
    with open_network(
        settings.chain, chain_id=settings.deployment.chain_id, answer_seconds=ANSWER_SECONDS
    ) as network:
        client = MarketClient(network, settings.deployment, Sender(network, settings.key))
        identity = Identity(settings.key.address, network.chain_id, client.market.address)
        health = _Health(identity, settings.feeder)
        try:
            with (
                closing(open_state(settings.state, identity)) as database,
                Service(settings.host, settings.port, settings.state, health.document) as service,
            ):
                announce(service.url)
                member = _member(settings, client, database)
                while not stop.is_set():
                    _try_step(member, health)
                    if not service.alive:
                        raise InputError(f"{service.url}: the service ended: start the member again")
                    stop.wait(settings.poll_s)
        except sqlite3.Error as error:
            # Without its state a member must not sign.
            raise InputError(
                f"{settings.state}: cannot be used any more: {error}: make room, start again"
            ) from None


def _member(settings: MemberSettings, client: MarketClient, database: sqlite3.Connection) -> Member:
    seat = Seat(client, settings.key, settings.habits)
    derivations = Derivations(PowerFlow(settings.feeder))
    forecasts, peers = settings.forecasts, Peers(PeerList(settings.peers))
    envelopes = None
    if "OperatingEnvelopes" in settings.deployment.addresses:
        envelopes = EnvelopePublisher(seat, derivations, forecasts, EnvelopeRecord(database), peers)
    return Member(
        seat,
        derivations,
        forecasts,
        settings.rules,
        ChainFollower(client, FollowedChain(database), settings.confirmations),
        SigningRecord(database),
        NoticeBoard(database),
        peers,
        envelopes,
    )


def _try_step(member: Member, health: _Health) -> None:
    """One step; a chain that does not answer is waited for."""
    try:
        health.head = member.step()
        problem = ""
        health.waits = member.waits
    except (ChainError, Web3Exception) as error:
        problem = str(error)
    health.followed = next((number for number, _ in member.follower.followed.blocks()), None)
    if problem != health.problem:
        log.warning("%s", problem or "the chain answers again")
    health.problem = problem


class _Health:
    """What a member says of itself. Written by one thread and read by another, each field in one piece."""

    def __init__(self, identity: Identity, feeder: Feeder) -> None:
        self._fixed = {
            "member": identity.member,
            "chain_id": identity.chain_id,
            "market": identity.market,
            "feeder_hash": as_hex(feeder.feeder_hash),
        }
        self.head: Head | None = None
        self.followed: int | None = None
        self.waits: list[str] = []
        self.problem = ""

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        head = self.head
        return {
            **self._fixed,
            "block": None if head is None else head.number,
            "block_hash": None if head is None else as_hex(head.hash),
            "block_time": None if head is None else head.time,
            "followed_block": self.followed,
            "waits": self.waits,
            "problem": self.problem or None,
        }
