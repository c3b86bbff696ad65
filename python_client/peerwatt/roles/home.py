"""A home's controller: orders before gate closure, lets flow what the grid allows, hands its readings in."""

from __future__ import annotations

from typing import Any, Final

from peerwatt.agents.meter import Meter
from peerwatt.client import MarketView
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.market.settlement import readings_of
from peerwatt.messages import Domain, Order, ReadingStatus, decode_records
from peerwatt.roles.appointments import Action, due
from peerwatt.roles.ports import Allowances, Diary, MeterSignedReading, Orders, OwnReading, Readings
from peerwatt.scenario.household import Household


class Home:
    """One home, with its order key and its meter's key.

    It needs no ether: the relayer carries its orders and, where the metering operator left it out, its
    meter's own reading.
    """

    actions: Final = frozenset({Action.ORDER, Action.ATTEST, Action.OVERRULE})

    def __init__(
        self,
        household: Household,
        order_key: bytes,
        meter_key: bytes,
        config: MarketConfig,
        domain: Domain,
        view: MarketView,
        orders: Orders,
        readings: Readings,
        allowances: Allowances,
        diary: Diary,
        first: int,
    ) -> None:
        """
        Args:
            household: what it knows and wants.
            order_key: 32 bytes, signs its orders.
            meter_key: 32 bytes, signs its meter's readings.
            config: the market's clock.
            domain: of the market.
            view: of the market's chain.
            orders: who carries its orders.
            readings: who collects its readings.
            allowances: who says what its inverter may feed in.
            diary: told what happens out of the chain's sight.
            first: the first interval that it takes part in.
        """
        self.account = household.account
        self._household = household
        self._order_key = order_key
        self._meter_key = meter_key
        self._config = config
        self._domain = domain
        self._view = view
        self._orders = orders
        self._readings = readings
        self._allowances = allowances
        self._diary = diary
        self._meter = Meter(self.account)
        self._next_order = self._next_reading = first
        self._unattested: dict[int, MeterSignedReading] = {}

    def save(self) -> object:
        """What it would have on disk: its meter, how far it has come, and the readings that it waits with."""
        return self._meter.save(), self._next_order, self._next_reading, dict(self._unattested)

    def restore(self, saved: Any) -> None:
        """Go on from what `save` gave."""
        meter, self._next_order, self._next_reading, self._unattested = saved
        self._meter.restore(meter)

    def step(self, now: int) -> None:
        """Order for every interval whose gate closes soon, and read the meter for every one that is over."""
        self._view.follow()
        while self._household.knows(self._next_order) and now >= due(
            self._config, Action.ORDER, self._next_order
        ):
            if now < self._config.gate_closure(self._next_order):
                self._order(self._next_order)
            self._next_order += 1
        while self._household.knows(self._next_reading) and now >= due(
            self._config, Action.ATTEST, self._next_reading
        ):
            self._read(self._next_reading)
            self._next_reading += 1
        for interval in sorted(self._unattested):
            if now >= due(self._config, Action.OVERRULE, interval):
                self._overrule(interval, self._unattested.pop(interval))

    def _order(self, interval: int) -> None:
        limits = self._envelope(interval)
        order = self._household.order(interval, limits)
        wish = order if limits is None else self._household.order(interval)
        if order is None:
            if wish is not None:
                self._diary.withheld(interval, self.account)
            return
        signed = order.signed(self._domain, self._order_key)
        self._orders.accept(signed)
        self._diary.ordered(interval, signed, shrunk=_total(order) < _total(wish))

    def _envelope(self, interval: int) -> EnergyLimits | None:
        """What the interval's published envelope leaves of the connection, Wh; None where there is none."""
        limits = self._view.interval(interval).envelope.get(self.account)
        if limits is None:
            return None
        energy = self._config.energy_limit
        return EnergyLimits(energy(limits.imported), energy(limits.exported))

    def _read(self, interval: int) -> None:
        allowed, envelope = self._allowances.allowed_export(interval, self.account), self._envelope(interval)
        limits = [allowed] if allowed is not None else []
        if envelope is not None:
            limits.append(envelope.exported)
        flow = self._household.flow(interval, min(limits) if limits else None)
        reading = self._meter.read(interval, flow.imported, flow.exported)
        signed = MeterSignedReading(reading, reading.sign(self._domain, self._meter_key))
        self._readings.accept(signed)
        self._unattested[interval] = signed
        self._diary.flowed(interval, self.account, flow, reading)

    def _overrule(self, interval: int, signed: MeterSignedReading) -> None:
        """Have the meter's own reading carried to the market where the attestation has none of it."""
        view = self._view.interval(interval)
        for batch, packed in enumerate(view.records):
            records = decode_records(packed)
            readings = readings_of(view.readings.get(batch, b""), len(records))
            for position, (record, reading) in enumerate(zip(records, readings, strict=True)):
                if record.participant == self.account and reading.status == ReadingStatus.MISSING:
                    self._orders.accept_reading(OwnReading(interval, batch, signed.at(position)))


def _total(order: Order | None) -> int:
    """All that an order offers, Wh."""
    return 0 if order is None else sum(step.quantity for step in order)
