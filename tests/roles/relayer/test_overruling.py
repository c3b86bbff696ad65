"""A relayer carries a meter's own reading, and lets nobody else's take its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from peerwatt.chain import Sender
from peerwatt.client import MarketClient
from peerwatt.errors import InputError
from peerwatt.market.settlement import readings_of
from peerwatt.messages import MeterReading, ReadingStatus, SignedReading
from peerwatt.replay.founding import ETHER_PER_KEY
from peerwatt.roles.keeper import Keeper
from peerwatt.roles.ports import OwnReading
from peerwatt.roles.relayer import OrderQueue, Relayer
from tests.client.conftest import CONFIG, FIRST, SELLER, SmallMarket, open_small_market


@pytest.fixture(scope="module")
def small() -> Iterator[SmallMarket]:
    """Both have posted an order, in one batch: the seller's is at position 0."""
    with open_small_market() as market:
        market.network.fund({market.keys.relayer.address: ETHER_PER_KEY})
        market.network.advance_to(CONFIG.gate_closure(FIRST) - 100)
        market.client.post(FIRST, market.orders(FIRST, 500))
        yield market


@pytest.fixture
def relayer(small: SmallMarket) -> Iterator[Relayer]:
    client = MarketClient(small.network, small.deployment, Sender(small.network, small.keys.relayer))
    with OrderQueue() as queue:
        yield Relayer(client, queue, client.watch())


@pytest.fixture
def own(small: SmallMarket) -> SignedReading:
    key = bytes(small.keys.meter_key(SELLER).key)
    return MeterReading(FIRST, SELLER, 0, 500, 0, 500).signed(0, small.client.domain, key)


def test_a_reading_that_its_meter_did_not_sign_displaces_nothing(
    relayer: Relayer, own: SignedReading
) -> None:
    """Whoever gains from a missing reading handed in another for the same place: the meter's own was gone."""
    relayer.accept_reading(OwnReading(FIRST, 0, own))
    for forged in (replace(own, exported=1), replace(own, signature=bytes(64)), replace(own, position=1)):
        with pytest.raises(InputError, match="not signed by the meter of account"):
            relayer.accept_reading(OwnReading(FIRST, 0, forged))
    assert relayer.queue.readings() == {(FIRST, 0): [own]}


def test_a_reading_that_contradicts_its_registers_is_neither_kept_nor_sent(
    small: SmallMarket, relayer: Relayer
) -> None:
    key, client = bytes(small.keys.meter_key(SELLER).key), small.client
    own = MeterReading(FIRST, SELLER, 500, 0, 10, 0).signed(0, client.domain, key)
    view = client.watch()
    view.follow()
    with pytest.raises(InputError, match="import register has counted only 10 Wh"):
        relayer.accept_reading(OwnReading(FIRST, 0, own))
    assert relayer.queue.readings() == {}
    with pytest.raises(InputError, match=r"position 0: imported 500 Wh .* counted only 10 Wh"):
        client.overrule(FIRST, 0, view.interval(FIRST).data(0), [own])


@pytest.mark.parametrize(
    ("interval", "batch", "position"),
    [(FIRST, 0, 2), (FIRST, 0, 65_535), (FIRST, 1, 0), (FIRST + 1, 0, 0), (2**32 - 1, 0, 0)],
)
def test_a_reading_for_no_order_is_not_kept(
    relayer: Relayer, own: SignedReading, interval: int, batch: int, position: int
) -> None:
    """One of them ended every step of the relayer, and nobody's reading was carried any more."""
    with pytest.raises(InputError, match=f"no order is at position {position}"):
        relayer.accept_reading(OwnReading(interval, batch, replace(own, position=position)))
    assert relayer.queue.readings() == {}


def test_a_reading_that_a_reorganisation_drops_is_carried_again_until_the_deadline(
    small: SmallMarket, relayer: Relayer, own: SignedReading
) -> None:
    network, keeper = small.network, Keeper(small.client, CONFIG, small.client.watch())
    for time in (CONFIG.book_closure(FIRST) + 1, CONFIG.report_deadline(FIRST)):
        network.set_next_timestamp(time)
        keeper.step(time)
    relayer.accept_reading(OwnReading(FIRST, 0, own))
    time = CONFIG.attest_deadline(FIRST) + 4
    network.advance_to(time)
    before = network.snapshot()

    def standing() -> ReadingStatus:
        view = small.client.watch()
        view.follow()
        readings = view.interval(FIRST).readings
        return readings_of(readings[0] if readings else b"", 2)[0].status

    for _ in range(2):
        relayer.step(time)
        assert standing() == ReadingStatus.METER_SIGNED
        block = network.web3.eth.block_number
        relayer.step(time)
        assert network.web3.eth.block_number == block
        network.revert(before)
        before = network.snapshot()
        assert standing() == ReadingStatus.MISSING
    network.advance_to(CONFIG.readings_deadline(FIRST))
    relayer.step(CONFIG.readings_deadline(FIRST))
    assert relayer.queue.readings() == {}
    with pytest.raises(InputError, match="0 s after the readings' deadline"):
        relayer.accept_reading(OwnReading(FIRST, 0, own))
