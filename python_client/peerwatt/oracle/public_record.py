"""What everybody can read of a market's reports: what they follow from, and what the chain was given."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from peerwatt.chain import events_since
from peerwatt.client import MarketClient
from peerwatt.errors import InputError
from peerwatt.messages import NetworkReport
from peerwatt.oracle.chain_follower import ChainFollower
from peerwatt.oracle.followed_chain import FollowedChain
from peerwatt.oracle.report_bytes import report_of
from peerwatt.oracle.report_inputs import PostedInterval
from peerwatt.oracle.state import Identity, open_state


@dataclass(frozen=True)
class ReportOnChain:
    """A report as the market took it.

    Attributes:
        report: the message.
        decisions: one packed vector per batch, or none.
        transaction: 32 bytes, its hash.
    """

    report: NetworkReport
    decisions: tuple[bytes, ...]
    transaction: bytes


def posted_interval(client: MarketClient, interval: int) -> PostedInterval:
    """A cleared interval by the chain's own records.

    Raises:
        InputError: it was not cleared, or the node leaves records out.
    """
    network = client.network
    identity = Identity(client.sender.address, network.chain_id, client.market.address)
    with closing(open_state(Path(":memory:"), identity)) as database:
        followed = FollowedChain(database)
        ChainFollower(client, followed, 0).follow()
        cleared = followed.clearing(interval)
        if cleared is None:
            raise InputError(f"interval {interval} was not cleared on {network.endpoint}: name another one")
        posted = followed.posted(cleared, client.config().interval_length)
    if posted.clearing_hash != cleared.hash:
        raise InputError(f"{network.endpoint}: records of interval {interval} are missing: ask another node")
    return posted


def report_on_chain(client: MarketClient, interval: int) -> ReportOnChain:
    """The report that decided an interval.

    Raises:
        InputError: there is none, or it came through another contract.
    """
    network = client.network
    found = list(events_since(client.market.events.Reported(), client.deployment.block, interval=interval))
    if not found:
        raise InputError(f"interval {interval} has no report on {network.endpoint}: name another one")
    transaction = network.web3.eth.get_transaction(found[-1]["transactionHash"])
    if transaction.get("to") != client.market.address:
        raise InputError(
            f"{network.endpoint}: the report on interval {interval} came through the contract at "
            f"{transaction.get('to')}: decode transaction {found[-1]['transactionHash'].to_0x_hex()} by hand"
        )
    _, arguments = client.market.decode_function_input(transaction["input"])
    said = arguments["r"]
    fields = list(said.values() if isinstance(said, dict) else said)
    return ReportOnChain(
        report_of(bytes(value) if isinstance(value, bytes) else value for value in fields),
        tuple(bytes(packed) for packed in arguments["decisions"]),
        bytes(found[-1]["transactionHash"]),
    )
