"""The order book of a market: intervals open, take orders, and are cleared."""

from collections.abc import Sequence
from dataclasses import dataclass

from peerwatt.market.auction import Auctioned, clear
from peerwatt.market.config import MarketConfig, Tariff
from peerwatt.market.errors import (
    AlreadyLeaving,
    GateClosed,
    NotLeaving,
    NotYetOpen,
    OpenPosition,
    SealedOnly,
    SlotBusy,
    SupplierBelowMargin,
    TooEarly,
    TooLate,
    WrongPhase,
)
from peerwatt.market.interval import Interval, Phase
from peerwatt.market.ledger import SystemAccount
from peerwatt.market.margin_accounts import MarginAccounts
from peerwatt.market.metering import EnergyLimits
from peerwatt.market.operating_envelopes import OperatingEnvelopes
from peerwatt.market.participant import Status
from peerwatt.messages import (
    NO_LIMITS,
    Domain,
    EnvelopeLimits,
    OperatingEnvelope,
    Record,
    SignatureError,
    SignedOrder,
    SkipReason,
)
from peerwatt.messages.domain import TypedMessage


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

    Intervals live in a ring of ``ring_size`` slots. A slot is used again when nothing of its interval is left
    to settle.

    Attributes:
        tariff: The prices around the peer trade.
        domain: What signatures must be valid for.
        envelopes: What was published of the network's limits.
        check_signatures: Whether signatures are checked; switch it off when they are known to be good.
    """

    def __init__(
        self, config: MarketConfig, tariff: Tariff, domain: Domain, *, check_signatures: bool = True
    ) -> None:
        super().__init__(config)
        config.check_tariff(tariff)
        self.tariff = tariff
        self.domain = domain
        self.check_signatures = check_signatures
        self.envelopes = OperatingEnvelopes(config)
        self._ring: dict[int, Interval] = {}
        self._intervals: dict[int, Interval] = {}
        self._last_interval: dict[int, int] = {}

    def interval(self, number: int) -> Interval:
        """The state of an interval, also after its slot was used again.

        Raises:
            WrongPhase: It was never opened.
        """
        if number not in self._intervals:
            raise WrongPhase(f"Interval {number} was never opened: post an order for it first.")
        return self._intervals[number]

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
            SlotBusy: The ring slot holds an interval with unsettled batches.
            SupplierBelowMargin: The interval is not open yet, and the supplier does not cover everybody's
                margin.
        """
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
        """Hold the orders of one page and interval that come from now on to the network's limits.

        Raises:
            NotYetOpen: The interval lies too far ahead.
            GateClosed: Gate closure has passed.
            AlreadyPublished: The page has its envelope for this interval.
            UnknownPage: There is no such page of participants.
            WrongLength: There is not one entry for everybody in the page.
            LimitTooHigh: A limit is above the participant's connection's.
        """
        self.envelopes.publish(envelope, self._connections(), now=now)

    def takes_orders(self, interval: int) -> bool:
        """Whether the supplier stands for an interval: it is open, or its margin would let it open."""
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
        self._require_from(self.config.book_closure(interval), now)
        auctioned = clear(state.book, self.config, state.tariff)
        state.cleared = state.gated = auctioned.clearing
        state.volume = auctioned.volume
        state.phase = Phase.CLEARED
        return auctioned

    def request_exit(self, account: int, *, now: int | None = None) -> None:
        """Stop a participant's orders for good, so that its margin can be released.

        Args:
            account: The participant.
            now: Unix time; without it the last interval opened so far is taken as the last that may hold its
                orders.

        Raises:
            AlreadyLeaving: It is leaving already.
        """
        if self.status(account) in (Status.EXITING, Status.EXITED):
            raise AlreadyLeaving(f"Account {account} has requested its exit: finish it.")
        self._change_status(account, {Status.ACTIVE, Status.SUSPENDED}, Status.EXITING)
        self._last_interval[account] = (
            max(self._intervals, default=0) if now is None else self.config.last_open(now)
        )

    def finish_exit(self, account: int) -> None:
        """Release the margin of a leaving participant, once every interval that may hold its orders is
        settled.

        Raises:
            NotLeaving: It did not request its exit, or has left.
            OpenPosition: An interval is not settled yet.
        """
        if self.status(account) != Status.EXITING:
            raise NotLeaving(f"Account {account} is not leaving: request its exit first.")
        for held in self._ring.values():
            if not held.is_settled and held.number <= self._last_interval.get(account, 0):
                raise OpenPosition(
                    f"Interval {held.number} may hold orders of account {account}: settle it first."
                )
        self._change_status(account, {Status.EXITING}, Status.EXITED)

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
            if held is not None and not held.is_settled:
                raise SlotBusy(f"Interval {held.number} still holds slot {slot}: settle its batches first.")
            if not self.is_funded(SystemAccount.SUPPLIER):
                short = -self.free_balance(SystemAccount.SUPPLIER)
                raise SupplierBelowMargin(
                    f"The supplier is {short} base units below its margin: deposit them."
                )
            opened = Interval(interval, self.tariff, len(self.ledger))
            self._ring[slot] = self._intervals[interval] = opened
        return self._ring[slot]

    def _in_phase(self, interval: int, phase: Phase) -> Interval:
        """The interval, which must be in its slot and in a phase."""
        held = self._ring.get(interval % self.config.ring_size)
        actual = held.phase if held is not None and held.number == interval else Phase.NONE
        if held is None or actual != phase:
            raise WrongPhase(f"Interval {interval} is in phase {actual.name}: this needs {phase.name}.")
        return held

    def _is_signed(self, message: TypedMessage, signature: bytes, signer: str) -> bool:
        if not self.check_signatures:
            return True
        try:
            return message.recover(self.domain, signature).lower() == signer.lower()
        except SignatureError:
            return False

    @staticmethod
    def _require_from(moment: int, now: int | None) -> None:
        if now is not None and now < moment:
            raise TooEarly(f"It is {now}: this can be done from {moment} on.")

    @staticmethod
    def _require_before(deadline: int, now: int | None) -> None:
        if now is not None and now >= deadline:
            raise TooLate(f"It is {now}: this could be done before {deadline}.")
