"""The twin beside a market follows what anybody may do there."""

from __future__ import annotations

from peerwatt.client import MarketClient
from peerwatt.messages import (
    MeterAttestation,
    MeterCorrection,
    Reading,
    ReadingStatus,
    encode_readings,
    metered_commitment,
    metered_hash,
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
        seen = view.interval(FIRST)
        before = [client.accounts(client.account_count())]
        for batch in (1, 0):
            metered = metered_commitment(seen.unread()[batch], later[batch])
            signature = _signed(market, MeterCorrection(FIRST, batch, 2, metered, 450))
            client.correct(
                FIRST, batch, seen.data(batch), seen.settled[batch], 2, 450, later[batch], signature
            )
        view.follow()
        twin.check()
        assert client.accounts(client.account_count()) not in before
        assert (twin.first_difference, twin.conservation_error) == ("", 0)
        booked = [twin._told.market.ledger[account].cash for account in range(client.account_count())]
        assert booked == [cash for cash, _ in client.accounts(client.account_count())]


def _reading(imported: int, exported: int) -> bytes:
    return encode_readings([Reading(ReadingStatus.ATTESTED, imported, exported)])


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
