"""The desk proposes corrections and books them; an advocate contradicts those that its meters deny."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peerwatt.chain import Sender
from peerwatt.client import MarketClient
from peerwatt.errors import InputError
from peerwatt.messages import MeterReading
from peerwatt.replay.founding import ETHER_PER_KEY
from peerwatt.roles.advocate import Advocate
from peerwatt.roles.metering_desk import MeteringDesk
from peerwatt.roles.ports import MeterSignedReading
from tests.client.conftest import BUYER, CONFIG, FIRST, SELLER, SmallMarket, open_small_market

LATE = CONFIG.readings_deadline(FIRST) + 3600


@pytest.fixture
def market() -> Iterator[SmallMarket]:
    """The seller sold 500 Wh and fed in 450; the buyer drew 500."""
    with open_small_market() as small:
        for key in (small.keys.metering_operator, small.keys.keeper):
            small.network.fund({key.address: ETHER_PER_KEY})
        small.trade(FIRST, 500, 450, 500)
        small.network.advance_to(LATE)
        yield small


@pytest.fixture
def desk(market: SmallMarket) -> MeteringDesk:
    key = market.keys.metering_operator
    client = MarketClient(market.network, market.deployment, Sender(market.network, key))
    return MeteringDesk(client, CONFIG, client.watch(), bytes(key.key))


@pytest.fixture
def advocate(market: SmallMarket) -> Advocate:
    client = MarketClient(market.network, market.deployment, Sender(market.network, market.keys.keeper))
    return Advocate(client, CONFIG, client.watch())


def own(market: SmallMarket, account: int, imported: int, exported: int) -> MeterSignedReading:
    said = MeterReading(FIRST, account, imported, exported, imported, exported)
    return MeterSignedReading(
        said, said.sign(market.client.domain, bytes(market.keys.meter_key(account).key))
    )


def booked_after(market: SmallMarket, desk: MeteringDesk, since: int) -> list[tuple[int, int]]:
    """What the desk's next step makes of the accounts."""
    before = market.client.accounts(6)
    market.network.set_next_timestamp(since)
    desk.step(since)
    after = market.client.accounts(6)
    return [(now[0] - then[0], now[1] - then[1]) for now, then in zip(after, before, strict=True)]


def test_a_correction_is_booked_by_the_desk_when_its_delay_is_over(
    market: SmallMarket, desk: MeteringDesk, advocate: Advocate
) -> None:
    advocate.accept(own(market, BUYER, 500, 0))
    [waiting] = desk.correct(FIRST, {SELLER: (0, 500)})
    assert (waiting.run, waiting.delivered) == (2, 500)
    advocate.step(LATE)
    desk.step(waiting.since - 1)
    changes = booked_after(market, desk, waiting.since)
    assert (changes[SELLER], changes[BUYER]) == ((50 * 320, 0), (0, 50))
    # The next one stands on it.
    [waiting] = desk.correct(FIRST, {SELLER: (0, 450)})
    assert waiting.run == 3
    assert booked_after(market, desk, waiting.since)[SELLER] == (-50 * 320, 0)
    assert booked_after(market, desk, waiting.since + 1) == [(0, 0)] * 6


def test_a_correction_that_a_meter_denies_is_never_booked(
    market: SmallMarket, desk: MeteringDesk, advocate: Advocate
) -> None:
    """The buyer's attested reading was right, so its meter had kept silent."""
    advocate.accept(own(market, BUYER, 500, 0))
    [waiting] = desk.correct(FIRST, {BUYER: (3000, 0)})
    for _ in range(2):
        advocate.step(LATE)
    contested = advocate._board.contract.events.Contested().get_logs({}, from_block=0, to_block="latest")
    assert [event["args"]["account"] for event in contested] == [BUYER]
    assert booked_after(market, desk, waiting.since) == [(0, 0)] * 6
    # It was dropped, and no later one is booked either.
    [again] = desk.correct(FIRST, {BUYER: (501, 0)})
    assert booked_after(market, desk, again.since) == [(0, 0)] * 6


def test_what_cannot_be_corrected_is_refused_in_one_line(market: SmallMarket, desk: MeteringDesk) -> None:
    with pytest.raises(InputError, match=f"interval {FIRST + 1}: not settled yet"):
        desk.correct(FIRST + 1, {SELLER: (0, 1)})
    with pytest.raises(InputError, match="account 9 has no order in it"):
        desk.correct(FIRST, {9: (0, 1)})
    assert desk.correct(FIRST, {}) == ()


def test_an_advocate_takes_what_meters_signed_and_nothing_else(
    market: SmallMarket, advocate: Advocate
) -> None:
    good = own(market, BUYER, 500, 0)
    with pytest.raises(InputError, match="not signed by the account's meter"):
        advocate.accept(MeterSignedReading(good.reading, own(market, SELLER, 500, 0).signature))
    for _ in range(2):
        advocate.accept(good)
    with pytest.raises(InputError, match="a meter speaks once"):
        advocate.accept(own(market, BUYER, 400, 0))
