"""The twin beside a market follows what anybody may do there."""

from __future__ import annotations

from peerwatt.client import CorrectionBoard, MarketClient, correction_of
from peerwatt.messages import (
    MeterAttestation,
    MeterCorrection,
    MeterReading,
    Reading,
    ReadingStatus,
    encode_readings,
    metered_hash,
)
from peerwatt.replay.twin_observer import TwinObserver
from peerwatt.roles.keeper import Keeper
from tests.client.conftest import BUYER, CONFIG, FIRST, TARIFF, SmallMarket, open_small_market


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
        seen, board = view.interval(FIRST), CorrectionBoard(client)
        before = [client.accounts(client.account_count())]
        for batch in (1, 0):
            data = seen.data(batch)
            said = correction_of(FIRST, batch, data, 2, 450, later[batch])
            signature = _signed(market, said)
            since = board.propose(FIRST, batch, data, 2, 450, later[batch], signature).since
        board.contest(*_own_reading(market, 470))
        network.set_next_timestamp(since)
        for batch in (1, 0):
            client.correct(FIRST, batch, seen.data(batch), seen.settled[batch], 2, 450, later[batch])
        view.follow()
        twin.check()
        assert client.accounts(client.account_count()) not in before
        assert (twin.first_difference, twin.conservation_error) == ("", 0)
        booked = [twin._told.market.ledger[account].cash for account in range(client.account_count())]
        assert booked == [cash for cash, _ in client.accounts(client.account_count())]


def _reading(imported: int, exported: int) -> bytes:
    return encode_readings([Reading(ReadingStatus.ATTESTED, imported, exported)])


def _own_reading(market: SmallMarket, imported: int) -> tuple[MeterReading, bytes]:
    """What the buyer's meter says."""
    reading = MeterReading(FIRST, BUYER, imported, 0, imported, 0)
    key = bytes(market.keys.meter_key(BUYER).key)
    return reading, reading.sign(market.client.domain, key)


def _signed(market: SmallMarket, statement: MeterAttestation | MeterCorrection) -> bytes:
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
    view.follow()
    statement = MeterAttestation(FIRST, metered_hash(view.interval(FIRST).unread(), readings), 0)
    client.attest(FIRST, readings, 0, _signed(market, statement))
    network.set_next_timestamp(CONFIG.readings_deadline(FIRST) + 5)
    keeper.step(CONFIG.readings_deadline(FIRST) + 5)
    return readings
