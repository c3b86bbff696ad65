"""The twin beside a market follows what anybody may do there."""

from __future__ import annotations

from peerwatt.client import MarketClient
from peerwatt.messages import (
    MeterAttestation,
    Reading,
    ReadingStatus,
    encode_readings,
    readings_hash,
)
from peerwatt.replay.twin_observer import TwinObserver
from peerwatt.roles.keeper import Keeper
from tests.client.conftest import CONFIG, FIRST, TARIFF, SmallMarket, open_small_market


def test_corrections_of_an_interval_with_several_batches_are_followed() -> None:
    with open_small_market() as market:
        client, network = market.client, market.network
        view = client.watch()
        twin = TwinObserver(client, CONFIG, TARIFF, market.keys.metering_operator.address)
        view.tell(twin)
        network.advance_to(CONFIG.gate_closure(FIRST) - 100)
        for order in market.orders(FIRST, 500):
            client.post(FIRST, [order])
        readings = _attested(market, client, 400, 400)
        view.follow()
        twin.check()
        assert twin.first_difference == ""

        later = [_reading(0, 450), _reading(470, 0)]
        assert later != readings
        signature = _signature(market, 2, later, 450)
        seen = view.interval(FIRST)
        before = [client.accounts(client.account_count())]
        for batch in (1, 0):
            client.correct(FIRST, batch, seen.data(batch), seen.settled[batch], 2, 450, later, signature)
        view.follow()
        twin.check()
        assert client.accounts(client.account_count()) not in before
        assert (twin.first_difference, twin.conservation_error) == ("", 0)
        booked = [twin._told.market.ledger[account].cash for account in range(client.account_count())]
        assert booked == [cash for cash, _ in client.accounts(client.account_count())]


def _reading(imported: int, exported: int) -> bytes:
    return encode_readings([Reading(ReadingStatus.ATTESTED, imported, exported)])


def _signature(market: SmallMarket, run: int, readings: list[bytes], delivered: int) -> bytes:
    statement = MeterAttestation(FIRST, run, readings_hash(readings), delivered)
    return statement.sign(market.client.domain, bytes(market.keys.metering_operator.key))


def _attested(market: SmallMarket, client: MarketClient, exported: int, imported: int) -> list[bytes]:
    """Clear, expire, attest and settle the interval; returns the readings."""
    network, view = market.network, client.watch()
    keeper = Keeper(client, CONFIG, view)
    for time in (CONFIG.book_closure(FIRST) + 1, CONFIG.report_deadline(FIRST)):
        network.set_next_timestamp(time)
        keeper.step(time)
    readings = [_reading(0, exported), _reading(imported, 0)]
    network.set_next_timestamp(CONFIG.end(FIRST))
    client.attest(FIRST, readings, 0, _signature(market, 1, readings, 0))
    network.set_next_timestamp(CONFIG.readings_deadline(FIRST) + 5)
    keeper.step(CONFIG.readings_deadline(FIRST) + 5)
    return readings
