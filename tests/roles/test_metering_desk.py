"""The metering desk keeps what an attestation can hold, and attests again what a reorganisation dropped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peerwatt.chain import Sender
from peerwatt.client import MarketClient
from peerwatt.errors import InputError
from peerwatt.messages import MeterReading
from peerwatt.replay.founding import ETHER_PER_KEY
from peerwatt.roles.keeper import Keeper
from peerwatt.roles.metering_desk import AHEAD_S, MeteringDesk
from peerwatt.roles.ports import MeterSignedReading
from tests.client.conftest import CONFIG, FIRST, SELLER, SmallMarket, open_small_market


@pytest.fixture(scope="module")
def market() -> Iterator[SmallMarket]:
    """An interval that is gated and over."""
    with open_small_market() as small:
        network, key = small.network, small.keys.metering_operator
        network.fund({key.address: ETHER_PER_KEY})
        network.advance_to(CONFIG.gate_closure(FIRST) - 100)
        small.client.post(FIRST, small.orders(FIRST, 500))
        keeper = Keeper(small.client, CONFIG, small.client.watch())
        for time in (CONFIG.book_closure(FIRST) + 1, CONFIG.report_deadline(FIRST)):
            network.set_next_timestamp(time)
            keeper.step(time)
        network.advance_to(CONFIG.end(FIRST) + 3)
        yield small


@pytest.fixture
def desk(market: SmallMarket) -> MeteringDesk:
    key = market.keys.metering_operator
    client = MarketClient(market.network, market.deployment, Sender(market.network, key))
    view = client.watch()
    view.follow()
    return MeteringDesk(client, CONFIG, view, bytes(key.key))


def reading(market: SmallMarket, interval: int) -> MeterSignedReading:
    said = MeterReading(interval, SELLER, 0, 500, 0, 500)
    key = bytes(market.keys.meter_key(SELLER).key)
    return MeterSignedReading(said, said.sign(market.client.domain, key))


def test_readings_of_the_far_future_fill_nobodys_memory(market: SmallMarket, desk: MeteringDesk) -> None:
    last = CONFIG.last_open(CONFIG.end(FIRST) + 3 + AHEAD_S) + CONFIG.ring_size
    for interval in (last + 1, 2**32 - 1):
        with pytest.raises(InputError, match=f"interval {interval}: far ahead of the chain's clock"):
            desk.accept(reading(market, interval))
    desk.accept(reading(market, FIRST))


def test_a_reading_past_its_attestation_goes_to_a_relayer(market: SmallMarket, desk: MeteringDesk) -> None:
    with pytest.raises(InputError, match="s after the deadline for attestations: hand the meter's own"):
        desk.accept(reading(market, FIRST - 2))


def test_an_attestation_that_a_reorganisation_drops_is_made_again(
    market: SmallMarket, desk: MeteringDesk
) -> None:
    desk.accept(reading(market, FIRST))
    before = market.network.snapshot()
    now = CONFIG.end(FIRST) + 3
    for _ in range(2):
        desk.step(now)
        assert market.client.interval(FIRST).attested
        block = market.network.web3.eth.block_number
        desk.step(now)
        assert market.network.web3.eth.block_number == block
        market.network.revert(before)
        before = market.network.snapshot()
        assert not market.client.interval(FIRST).attested
