"""What everybody can read of a market's reports: what they follow from, and what the chain was given."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from peerwatt.chain import ContractReverted
from peerwatt.client import MarketClient
from peerwatt.client.complete_events import catch_up, complete_events
from peerwatt.errors import ChainError, InputError
from peerwatt.market.interval_ring import Phase
from peerwatt.messages import NetworkReport, Verdict, decisions_hash
from peerwatt.messages.batch_word import GATED_TAG
from peerwatt.oracle.chain_follower import ChainFollower
from peerwatt.oracle.followed_chain import FollowedChain
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
        InputError: it was not cleared.
        ChainError: the node leaves records out.
    """
    network = client.network
    identity = Identity(client.sender.address, network.chain_id, client.market.address)
    with closing(open_state(Path(":memory:"), identity)) as database:
        followed = FollowedChain(database)
        follower = ChainFollower(client, followed, 0)
        catch_up(follower)
        cleared = followed.clearing(interval)
        if cleared is None:
            if _phase(client, interval) >= Phase.CLEARED:
                raise ChainError(
                    f"{network.endpoint}: the node does not show that interval {interval} is cleared: ask "
                    "later, or another node"
                )
            raise InputError(f"interval {interval} was not cleared on {network.endpoint}: name another one")
        posted = followed.posted(cleared, client.config().interval_length)
    if posted.clearing_hash != cleared.hash:
        raise ChainError(f"{network.endpoint}: records of interval {interval} are missing: ask another node")
    return posted


def _phase(client: MarketClient, interval: int) -> Phase:
    """How far the market says that an interval has come; none where its slot holds another one."""
    try:
        return client.interval(interval).phase
    except ContractReverted:
        return Phase.NONE


def _is_expired(client: MarketClient, interval: int) -> bool:
    return client.interval(interval).terms.verdict == Verdict.EXPIRED


def report_on_chain(client: MarketClient, interval: int) -> ReportOnChain:
    """The report that decided an interval.

    Raises:
        InputError: there is none.
        ChainError: the node does not show it.
    """
    network = client.network
    found = complete_events(network, client.market, "Reported", client.deployment.block, interval=interval)
    if not found:
        if _phase(client, interval) >= Phase.GATED and not _is_expired(client, interval):
            raise ChainError(
                f"{network.endpoint}: the node does not show the report on interval {interval} that the "
                "market has: ask later, or another node"
            )
        raise InputError(f"interval {interval} has no report on {network.endpoint}: name another one")
    said, transaction = found[-1]["args"], bytes(found[-1]["transactionHash"])
    posted = posted_interval(client, interval)
    supplied = complete_events(
        network, client.market, "Supplied", client.deployment.block, interval=interval, tag=GATED_TAG
    )
    vectors = {int(each["args"]["batch"]): bytes(each["args"]["vector"]) for each in supplied}
    decisions = tuple(vectors.get(batch, b"") for batch in range(len(posted.batches)) if vectors)
    report = NetworkReport(
        interval,
        Verdict(said["verdict"]),
        int(said["volume"]),
        int(said["lossRate"]),
        bytes(said["feederHash"]),
        bytes(said["inputsHash"]),
        posted.clearing_hash,
        decisions_hash(decisions),
    )
    return ReportOnChain(report, decisions, transaction)
