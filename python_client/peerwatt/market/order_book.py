"""The order book: intervals are opened, orders are taken and skipped, the auction clears."""

from collections.abc import Sequence
from dataclasses import dataclass

from peerwatt.market.auction import Auctioned, clear
from peerwatt.market.errors import (
    BatchTooLarge,
    GateClosed,
    NotYetOpen,
    SealedOnly,
    SlotBusy,
    SupplierBelowMargin,
)
from peerwatt.market.interval_ring import Interval, Phase
from peerwatt.market.ledger import SystemAccount
from peerwatt.market.margin_accounts import MarginAccounts
from peerwatt.market.market_rules import MarketConfig, Tariff, require_from
from peerwatt.market.operating_envelopes import OperatingEnvelopes
from peerwatt.market.participant_registry import EnergyLimits, Status
from peerwatt.messages import (
    NO_LIMITS,
    Domain,
    EnvelopeLimits,
    OperatingEnvelope,
    Order,
    Record,
    SignedOrder,
    SkipReason,
)


@dataclass(frozen=True, slots=True)
class SkippedOrder:
    """An order that was left out of its batch.

    Attributes:
        position: Its place among the posted orders, from 0.
        participant: The account index it names.
        reason: The first check that it failed.
    """

    position: int
    participant: int
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Posting:
    """What became of the orders of one transaction.

    Attributes:
        batch: The new batch's number in its interval; None when every order was skipped.
        records: The orders that were taken.
        skipped: The others.
    """

    batch: int | None
    records: tuple[Record, ...]
    skipped: tuple[SkippedOrder, ...]


class OrderBook(MarginAccounts):
    """Posting and clearing.

    Attributes:
        tariff: The prices around the peer trade.
        envelopes: What was published of the network's limits.
    """

    def __init__(
        self, config: MarketConfig, tariff: Tariff, domain: Domain, *, check_signatures: bool = True
    ) -> None:
        super().__init__(config, domain, check_signatures=check_signatures)
        config.check_tariff(tariff)
        self.tariff = tariff
        self.envelopes = OperatingEnvelopes(config)

    def forget(self, before: int) -> None:
        """Drop what is kept of the intervals before one whose slots were used again; nobody can correct them
        here any more.
        """
        held = {state.number for state in self._ring.values()}
        for number in [number for number in self._intervals if number < before and number not in held]:
            del self._intervals[number]
        self.envelopes.forget(before)

    def post(
        self,
        interval: int,
        orders: Sequence[SignedOrder],
        *,
        now: int | None = None,
        revealed: bool = False,
    ) -> Posting:
        """Take a batch of signed orders. A bad order is skipped and never fails the others.

        Args:
            interval: The delivery period that they are posted for.
            orders: The batch.
            now: Unix time, or None to leave the clock out.
            revealed: Whether the market's sealed phase posts it, which keeps its own clock.

        Raises:
            SealedOnly: The market has a sealed phase: commit and reveal there.
            NotYetOpen: The interval lies too far ahead.
            GateClosed: Gate closure has passed.
            BatchTooLarge: There are more orders than a batch may have.
            SlotBusy: The ring slot holds an interval with unsettled batches, whose readings may still change.
            SupplierBelowMargin: The interval is not open yet, and the supplier does not cover everybody's
                margin.
        """
        if len(orders) > self.config.batch_orders:
            raise BatchTooLarge(
                f"The batch has {len(orders)} orders: {self.config.batch_orders} are the most; split it."
            )
        state = self._open(interval, now, revealed)
        records: list[Record] = []
        skipped: list[SkippedOrder] = []
        for position, signed in enumerate(orders):
            order = signed.order
            reason = self.skip_reason(state, signed)
            if reason == SkipReason.NONE:
                records.append(Record(order.participant, state.book.post(order.steps)))
                state.posted.add(order.participant)
            else:
                skipped.append(SkippedOrder(position, order.participant, reason))
        batch = state.add_batch(tuple(records)) if records else None
        return Posting(batch, tuple(records), tuple(skipped))

    def skip_reason(self, state: Interval, signed: SignedOrder) -> SkipReason:
        """Why an order cannot be taken now; ``SkipReason.NONE`` when it can."""
        order = signed.order
        if not order.is_canonical():
            return SkipReason.MALFORMED_STEPS
        if order.participant not in self._participants or order.participant >= state.accounts:
            return SkipReason.UNKNOWN_PARTICIPANT
        if self.status(order.participant) != Status.ACTIVE:
            return SkipReason.SUSPENDED
        if not self.is_funded(order.participant):
            return SkipReason.BELOW_MARGIN
        if order.participant in state.posted:
            return SkipReason.DUPLICATE_ORDER
        limits = self.energy_limits(order.participant)
        narrowed = self._narrowed(limits, state.number, order.participant)
        if not narrowed.carry(order):
            unchanged = narrowed == limits
            return SkipReason.OVER_CONNECTION_LIMIT if unchanged else SkipReason.OVER_ENVELOPE
        order_key = self.participant(order.participant).order_key
        if order.interval != state.number or not self._is_signed(order, signed.signature, order_key):
            return SkipReason.BAD_SIGNATURE
        if not state.book.has_room(order.steps):
            return SkipReason.LANE_FULL
        return SkipReason.NONE

    def publish_envelope(self, envelope: OperatingEnvelope, *, now: int | None = None) -> None:
        """Take an operating envelope: orders that are posted after it must keep its limits.

        Raises:
            NotYetOpen: The interval lies too far ahead.
            GateClosed: Gate closure has passed.
            AlreadyPublished: The page has its envelope for this interval.
            UnknownPage: There is no such page of participants.
            WrongLength: There is not one entry for everybody in the page.
            LimitTooHigh: A limit is above the participant's connection's.
        """
        self.envelopes.publish(envelope, self._connections(), now=now)

    def is_above_envelope(self, interval: int, order: Order) -> bool:
        """Whether an order is well formed, and above what an envelope leaves its participant."""
        if not order.is_canonical() or order.participant not in self._participants:
            return False
        limits = self.energy_limits(order.participant)
        narrowed = self._narrowed(limits, interval, order.participant)
        return narrowed != limits and not narrowed.carry(order)

    def takes_orders(self, interval: int) -> bool:
        """Whether an interval is open, or the supplier holds the margin that opening it asks for."""
        held = self._ring.get(interval % self.config.ring_size)
        is_open = held is not None and held.number == interval
        return is_open or self.is_funded(SystemAccount.SUPPLIER)

    def clear(self, interval: int, *, now: int | None = None) -> Auctioned:
        """Run the auction, after gate closure.

        Args:
            interval: The delivery period.
            now: Unix time, or None to leave the clock out.

        Raises:
            WrongPhase: The interval is not open.
            TooEarly: It still takes orders.
        """
        state = self._in_phase(interval, Phase.OPEN)
        require_from(self.config.book_closure(interval), now)
        auctioned = clear(state.book, self.config, state.tariff)
        state.cleared = state.gated = auctioned.clearing
        state.volume = auctioned.volume
        state.phase = Phase.CLEARED
        return auctioned

    def _connections(self) -> list[EnvelopeLimits]:
        """Every account's connection limits; a system account has none."""
        found = (self._participants.get(account) for account in range(len(self.ledger)))
        return [EnvelopeLimits(p.import_limit, p.export_limit) if p else NO_LIMITS for p in found]

    def _narrowed(self, connection: EnergyLimits, interval: int, account: int) -> EnergyLimits:
        """What a participant may offer in an interval, Wh: its connection's limits or an envelope's."""
        limits = self.envelopes.of(interval, account)
        if limits is None:
            return connection
        return EnergyLimits(*map(self.config.energy_limit, (limits.imported, limits.exported)))

    def _open(self, interval: int, now: int | None, revealed: bool) -> Interval:
        """The interval's slot, opened for it if it held an older one."""
        if now is not None and interval > self.config.last_open(now):
            raise NotYetOpen(
                f"Interval {interval} takes no orders yet: the last open one is {self.config.last_open(now)}."
            )
        if self.config.is_sealed and not revealed:
            raise SealedOnly(f"Interval {interval} takes sealed batches only: commit and reveal yours.")
        closure = self.config.gate_closure(interval)
        if now is not None and now >= closure and not revealed:
            raise GateClosed(f"Interval {interval} takes no more orders: its gate closed at {closure}.")
        slot = interval % self.config.ring_size
        held = self._ring.get(slot)
        if held is None or held.number != interval:
            unsettled = held is not None and not held.is_settled
            if (
                held is not None
                and unsettled
                and (now is None or now < self.config.readings_deadline(held.number))
            ):
                raise SlotBusy(f"Interval {held.number} still holds slot {slot}: settle its batches first.")
            if not self.is_funded(SystemAccount.SUPPLIER):
                short = -self.free_balance(SystemAccount.SUPPLIER)
                raise SupplierBelowMargin(
                    f"The supplier is {short} base units below its margin: deposit them."
                )
            if held is not None and unsettled:
                self._leave(held)
            opened = Interval(interval, self.tariff, len(self.ledger))
            self._ring[slot] = self._intervals[interval] = opened
        return self._ring[slot]
