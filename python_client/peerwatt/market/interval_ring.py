"""The ring of intervals: their books, their phases and what their batches are committed to."""

from dataclasses import dataclass, field
from enum import IntEnum

from peerwatt.market.errors import UnknownBatch, WrongPhase
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.market.terms import Terms
from peerwatt.market.tick_book import TickBook
from peerwatt.messages import (
    NO_TRADE,
    ZERO_HASH,
    Clearing,
    Domain,
    Record,
    SignatureError,
    Verdict,
    clearing_hash,
    encode_records,
    gated_commitment,
    metered_commitment,
    posted_commitment,
    settled_commitment,
)
from peerwatt.messages.domain import TypedMessage


class Phase(IntEnum):
    """The state that an interval has reached."""

    NONE = 0
    OPEN = 1
    """Takes orders until gate closure."""
    CLEARED = 2
    """Has a price and a volume."""
    GATED = 3
    """The grid's verdict is known; readings, settlement and corrections follow."""


@dataclass(slots=True)
class Batch:
    """The orders that one transaction posted, and what later phases added to them.

    Attributes:
        records: The orders that were taken, in the order they were posted.
        posted: 32 bytes, the commitment to the records and to the batches before.
        previous: 32 bytes, the same of the batch before; zero for the first.
        decisions: The packed decisions; None when the report carried none.
        readings: The packed readings; None when nobody read a meter.
        settled: What the batch was last settled by; None before its settlement.
    """

    records: tuple[Record, ...]
    posted: bytes
    previous: bytes
    decisions: bytes | None = None
    readings: bytes | None = None
    settled: Terms | None = None

    @property
    def unread(self) -> bytes:
        """The word of the batch before there are readings of it."""
        return self.posted if self.decisions is None else gated_commitment(self.posted, self.decisions)

    @property
    def commitment(self) -> bytes:
        """The word that the contract keeps of the batch."""
        word = self.unread
        if self.readings is not None:
            word = metered_commitment(word, self.readings)
        if self.settled is not None:
            word = settled_commitment(word, self.settled.pack(), self.settled.clearing.pack())
        return word


@dataclass(slots=True)
class Interval:
    """One delivery period in the market.

    Attributes:
        number: Its number.
        tariff: The prices around the peer trade, fixed when the interval was opened.
        accounts: How many accounts there were then; it takes no orders of those that came later.
        phase: How far it has come.
        book: The tick book.
        batches: The batches in the order they were posted.
        posted: Participants whose order was taken.
        cleared: The auction's outcome.
        gated: The same as the gate left it.
        verdict: What the gate decided.
        volume: Accepted energy, Wh; before the gate, what was matched.
        loss_rate: Losses where no decision names them, ppm of the accepted energy.
        attested: Whether the metering operator's readings are in.
        delivered: Peer energy metered as delivered, Wh.
        forgotten: Whether what was left to settle of it was given up.
    """

    number: int
    tariff: Tariff
    accounts: int
    phase: Phase = Phase.OPEN
    book: TickBook = field(default_factory=TickBook)
    batches: list[Batch] = field(default_factory=list)
    posted: set[int] = field(default_factory=set)
    cleared: Clearing = NO_TRADE
    gated: Clearing = NO_TRADE
    verdict: Verdict = Verdict.NONE
    volume: int = 0
    loss_rate: int = 0
    attested: bool = False
    delivered: int = 0
    forgotten: bool = False

    def add_batch(self, records: tuple[Record, ...]) -> int:
        """Append a batch and return its number."""
        number = len(self.batches)
        previous = self.batches[-1].posted if self.batches else ZERO_HASH
        posted = posted_commitment(self.number, number, previous, encode_records(records))
        self.batches.append(Batch(records, posted, previous))
        return number

    def batch(self, number: int) -> Batch:
        """A batch by its number.

        Raises:
            UnknownBatch: The interval has no such batch.
        """
        if not 0 <= number < len(self.batches):
            raise UnknownBatch(
                f"Interval {self.number} has {len(self.batches)} batches: there is no batch {number}."
            )
        return self.batches[number]

    @property
    def is_partly_settled(self) -> bool:
        """Whether some of its batches are settled, and some will be."""
        return any(batch.settled for batch in self.batches) and not self.is_settled and not self.forgotten

    def expire(self) -> None:
        """Let follow what follows from the committee's silence."""
        self.verdict = Verdict.EXPIRED
        self.volume = 0
        self.phase = Phase.GATED

    @property
    def is_settled(self) -> bool:
        """Whether nothing in it is left to settle."""
        return all(batch.settled for batch in self.batches)

    @property
    def clearing_hash(self) -> bytes:
        """32 bytes, the outcome that a network report judges."""
        return clearing_hash(self.number, self.cleared.pack(), [batch.posted for batch in self.batches])

    @property
    def terms(self) -> Terms:
        """What its batches are first settled by."""
        return Terms(self.gated, self.verdict, self.loss_rate, self.volume, self.delivered, self.tariff)


class IntervalRing:
    """The intervals of a market.

    They live in a ring of ``ring_size`` slots. A slot is used again when nothing of its interval is left to
    settle, or when nobody settled it in time: it is left behind then, and what is left can be settled late.

    Attributes:
        config: The market's parameters.
        domain: What signatures must be valid for.
        check_signatures: Whether signatures are checked; switch it off when they are known to be good.
    """

    def __init__(self, config: MarketConfig, domain: Domain, *, check_signatures: bool = True) -> None:
        self.config = config
        self.domain = domain
        self.check_signatures = check_signatures
        self._ring: dict[int, Interval] = {}
        self._intervals: dict[int, Interval] = {}
        self._left: dict[int, Interval] = {}

    def interval(self, number: int) -> Interval:
        """The state of an interval, also after its slot was used again.

        Raises:
            WrongPhase: It was never opened.
        """
        if number not in self._intervals:
            raise WrongPhase(f"Interval {number} was never opened: post an order for it first.")
        return self._intervals[number]

    def _in_phase(self, interval: int, phase: Phase) -> Interval:
        """The interval, which must be in its slot and in a phase."""
        held = self._ring.get(interval % self.config.ring_size)
        actual = held.phase if held is not None and held.number == interval else Phase.NONE
        if held is None or actual != phase:
            raise WrongPhase(f"Interval {interval} is in phase {actual.name}: this needs {phase.name}.")
        return held

    def _gated(self, interval: int) -> Interval:
        """The interval, which must be gated: in its slot, or left behind."""
        left = self._left.get(interval % self.config.batch_ring)
        return left if left is not None and left.number == interval else self._in_phase(interval, Phase.GATED)

    def _leave(self, held: Interval) -> None:
        """Keep an interval that nobody settled in time apart: its slot is wanted."""
        if held.phase != Phase.GATED:
            held.expire()
        place = held.number % self.config.batch_ring
        if place in self._left:
            self._left[place].forgotten = True
        self._left[place] = held

    def _is_late(self, interval: int, now: int | None) -> bool:
        """Whether a later interval may take the interval's slot; never without a clock, unless it has."""
        left = self._left.get(interval % self.config.batch_ring)
        if left is not None and left.number == interval:
            return True
        return now is not None and interval + self.config.ring_size <= self.config.last_open(now)

    def _is_signed(self, message: TypedMessage, signature: bytes, signer: str) -> bool:
        if not self.check_signatures:
            return True
        try:
            return message.recover(self.domain, signature).lower() == signer.lower()
        except SignatureError:
            return False
