"""The operating envelopes of a replay: the committee signs them, anybody sends them, homes read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from peerwatt.client import EnvelopeBoard, MarketClient
from peerwatt.client.operating_envelopes import Publication
from peerwatt.grid.errors import FlowError
from peerwatt.market.energy_market import MarketTwin
from peerwatt.messages import ROSTER_PAGE, EnvelopeLimits
from peerwatt.oracle import CommitteeMember, EnvelopeInputs, GridForecast, sign_envelopes
from peerwatt.oracle.committee import NoQuorum
from peerwatt.replay.interval_log import IntervalLog
from peerwatt.scenario.bidding import order_of
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.scenario import Scenario


def envelope_pages(scenario: Scenario) -> int:
    """Pages of participants for which envelopes are published; none where the scenario has none."""
    last = max(home.account for home in scenario.participants)
    return last // ROSTER_PAGE + 1 if scenario.envelope else 0


def publish_envelopes(
    scenario: Scenario,
    members: Sequence[CommitteeMember],
    client: MarketClient,
    twin: MarketTwin,
    forecast: GridForecast,
    log: IntervalLog,
    next_second: Callable[[], int],
    say: Callable[[str], None],
) -> None:
    """Publish an interval's envelopes on the chain and in the twin, and note what homes then read.

    Where there are none to sign, for want of a power flow or of a quorum, connection limits count.

    Args:
        scenario: whose interval.
        members: of the committee.
        client: the market, through whoever sends them.
        twin: the reference.
        forecast: what is expected to flow.
        log: of the interval.
        next_second: lets the next transaction be mined at a second of its own, and says which.
        say: told why an interval has none.
    """
    inputs = EnvelopeInputs(
        interval=log.number,
        length_s=scenario.market.interval_length,
        connections={
            home.account: EnvelopeLimits(home.import_limit, home.export_limit)
            for home in scenario.participants
        },
        forecast=forecast,
    )
    board = EnvelopeBoard(client)
    try:
        envelopes = sign_envelopes(members, inputs, board.domain, scenario.committee.quorum)
    except (FlowError, NoQuorum) as error:
        say(f"interval {log.number}: no operating envelope, connection limits count: {error}")
        return
    for signed in envelopes:
        now = next_second()
        receipt = board.publish(signed.envelope, signed.signers, signed.signatures)
        twin.publish_envelope(signed.envelope, now=now)
        log.gas += receipt["gasUsed"]
        log.limits |= board.limits(log.number, signed.envelope.page)


def take_published(
    client: MarketClient, twin: MarketTwin, published: Sequence[Publication], log: IntervalLog
) -> None:
    """Note envelopes that others have published on the chain: in the twin, and what homes then read."""
    board = EnvelopeBoard(client)
    for found in published:
        twin.publish_envelope(found.envelope, now=found.time)
        log.gas += client.network.receipt(found.transaction)["gasUsed"]
        log.limits |= board.limits(log.number, found.envelope.page)


def is_shrunk(scenario: Scenario, home: Participant, log: IntervalLog, seed: int) -> bool:
    """Whether a home offers less than it would without the interval's envelope."""
    wish = order_of(scenario, home, log.position, seed, log.number)
    offer = order_of(scenario, home, log.position, seed, log.number, log.limits.get(home.account))
    if wish is None or offer is None:
        return wish is not offer
    return sum(step.quantity for step in offer) < sum(step.quantity for step in wish)
