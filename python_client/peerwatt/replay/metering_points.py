"""How a replay's homes deliver, its meters count and their readings reach the market."""

from __future__ import annotations

from collections.abc import Callable

from peerwatt.agents.draws import uniform
from peerwatt.agents.meter import Meter
from peerwatt.market.settlement import delivered_by_batch
from peerwatt.messages import (
    MISSING,
    MeterAttestation,
    MeterReading,
    Reading,
    ReadingStatus,
    encode_readings,
    readings_hash,
)
from peerwatt.replay.interval_log import IntervalLog
from peerwatt.replay.market_setup import PilotMarket
from peerwatt.roles.relayer import OrderQueue
from peerwatt.roles.relayer.relayer import batch_data
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.neighbourhood import Neighbourhood
from peerwatt.scenario.scenario import Scenario

FIRST_RUN = 1


class MeteringPoints:
    """The homes' meters and the metering operator of a replay, next to the reference twin."""

    def __init__(
        self,
        scenario: Scenario,
        keys: PilotKeys,
        market: PilotMarket,
        queue: OrderQueue,
        neighbourhood: Neighbourhood,
        seed: int,
    ) -> None:
        """
        Args:
            scenario: what is replayed.
            keys: of meters and operator.
            market: on chain, and its twin.
            queue: of the relayer that settles; it is told the readings.
            neighbourhood: what the homes do.
            seed: of the readings that get lost.
        """
        self._scenario = scenario
        self._keys = keys
        self._market = market
        self._queue = queue
        self._neighbourhood = neighbourhood
        self._seed = seed
        self._meters = {home.account: Meter(home.account) for home in scenario.participants}

    def deliver(self, log: IntervalLog) -> None:
        """The homes deliver as the grid let them, and the meters count."""
        assert log.judgement is not None
        for home in self._scenario.participants:
            stands = log.positions.get(home.account)
            flow = self._neighbourhood.deliver(
                home,
                log.position,
                log.judgement,
                stands.sell if stands else 0,
                log.limits.get(home.account),
            )
            log.flows[home.account] = flow
            log.readings[home.account] = self._meters[home.account].read(
                log.number, flow.imported, flow.exported
            )

    def attest(self, log: IntervalLog, next_second: Callable[[], int]) -> None:
        """The metering operator hands in what reached it."""
        assert log.judgement is not None
        log.lost = tuple(
            record.participant
            for record in log.records
            if uniform(1, 1000, self._seed, "lost reading", record.participant, log.slot)
            <= self._scenario.lost_readings_permille
        )
        packed = encode_readings(
            MISSING if record.participant in log.lost else _attested(log.readings[record.participant])
            for record in log.records
        )
        client, twin = self._market.client, self._market.twin
        delivered = delivered_by_batch(
            log.records,
            b"".join(log.judgement.decisions),
            packed,
            [twin.energy_limits(record.participant) for record in log.records],
            twin.interval(log.number).terms,
            self._scenario.market,
        )
        statement = MeterAttestation(log.number, FIRST_RUN, readings_hash([packed]), delivered)
        signature = statement.sign(client.domain, bytes(self._keys.metering_operator.key))
        now = next_second()
        log.gas += client.attest(log.number, [packed], delivered, signature)["gasUsed"]
        twin.attest(log.number, [packed], delivered, signature, now=now)
        self._queue.note_readings(log.number, 0, packed)

    def overrule(self, log: IntervalLog, next_second: Callable[[], int]) -> None:
        """The meters whose readings got lost hand in their own."""
        client = self._market.client
        signed = [
            log.readings[record.participant].signed(
                place, client.domain, bytes(self._keys.meter_key(record.participant).key)
            )
            for place, record in enumerate(log.records)
            if record.participant in log.lost
        ]
        [row] = self._queue.batches(log.number)
        now = next_second()
        receipt, readings = client.overrule(log.number, row.batch, batch_data(row), signed)
        log.gas += receipt["gasUsed"]
        self._market.twin.overrule(log.number, row.batch, signed, now=now)
        self._queue.note_readings(log.number, row.batch, readings)


def _attested(reading: MeterReading) -> Reading:
    return Reading(ReadingStatus.ATTESTED, reading.imported, reading.exported)
