"""Carrying orders to the market: lose none, post none twice, and in a sealed market lose no bond.

What a relayer knows of a batch is on disk before the chain hears of it, and where the batch stands is asked
of the chain and not concluded from notes. So a relayer that is killed at any instant, that never gets an
answer, or whose chain is reorganised posts every batch, and pays one bond for it however often it is started.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from web3.types import TxReceipt

from peerwatt.chain import MINING_SECONDS, ContractReverted, NotMined
from peerwatt.client import MarketClient, MarketView, PostedBatch
from peerwatt.errors import InputError
from peerwatt.market.market_rules import MarketConfig
from peerwatt.messages import SignedOrder
from peerwatt.roles.appointments import Action, due
from peerwatt.roles.ports import OwnReading, is_signed_by
from peerwatt.roles.relayer.all_of import all_of
from peerwatt.roles.relayer.batch_record import BatchRow, BatchState
from peerwatt.roles.relayer.entry import Entry, OpenEntry, SealedEntry
from peerwatt.roles.relayer.overruling import Overruling, require_own_reading
from peerwatt.roles.relayer.queue import OrderQueue

SALT_LENGTH: Final = 32


class Relayer:
    """Carries signed orders. It cannot change them, only fail to carry them, and then any other relayer can.

    In a sealed market its key must hold the bonds, in the market's payment token.

    Attributes:
        client: the market, through the relayer's own key.
        queue: where everything waits.
    """

    actions: Final = frozenset({Action.ORDER, Action.REVEAL, Action.OVERRULE})

    def __init__(
        self,
        client: MarketClient,
        queue: OrderQueue,
        view: MarketView,
        draw_salt: Callable[[int], bytes] = lambda interval: secrets.token_bytes(SALT_LENGTH),
    ) -> None:
        """
        Args:
            client: the market, through the relayer's own key.
            queue: where everything waits.
            view: of the market's chain.
            draw_salt: in a sealed market gives the salt of an interval's next batch, 32 bytes that nobody can
                guess.
        """
        self.client = client
        self.queue = queue
        self._config: MarketConfig = client.config()
        self._view = view
        self._sealed = SealedEntry(client, draw_salt) if self._config.is_sealed else None
        self._entry: Entry = self._sealed or OpenEntry(client)
        self._overruling = Overruling(client, self._config, queue, view)

    def save(self) -> object:
        """What it would have on disk: the part of its queue that is not over."""
        return self.queue.save()

    def restore(self, saved: Any) -> None:
        """Go on from what `save` gave."""
        self.queue.restore(saved)

    # What others hand in

    def accept(self, order: SignedOrder) -> None:
        """As `Orders` has it."""
        account, interval = order.order.participant, order.order.interval
        where = f"order of account {account} for interval {interval}"
        if account not in self._view.participants:
            self._view.follow()
        participant = self._view.participants.get(account)
        if participant is None:
            raise InputError(f"{where}: nobody is registered under that account")
        if not is_signed_by(order.order, order.signature, self.client.domain, participant.order_key):
            raise InputError(f"{where}: not signed by the account's order key, {participant.order_key}")
        self.queue.accept(order)

    def accept_reading(self, own: OwnReading) -> None:
        """As `Orders` has it. A reading that its meter did not sign would displace the one that it signed."""
        require_own_reading(own, self._view, self.client.domain)
        self.queue.accept_reading(own)

    # What the relayer does

    def step(self, now: int) -> None:
        """Make batches of what waits, when it is time for it, and tend every batch and reading.

        Args:
            now: Unix time, s; the chain's newest block counts where it is later.

        Raises:
            Exception: something could not be done; whatever else was due is done.
        """
        ready = [
            interval
            for interval in self.queue.waiting()
            if due(self._config, Action.ORDER, interval) <= now < self._config.gate_closure(interval)
        ]
        # What one interval's orders meet with must keep nobody else's batch or reading waiting.
        acts: list[Callable[[], object]] = [partial(self._make, interval) for interval in ready]
        acts += [partial(self.tend, now), partial(self._overruling.step, now)]
        all_of(acts, lambda act: act())

    def post(self, interval: int) -> PostedBatch | None:
        """Post everything that waits for an interval of an open market as one batch; None where nothing does.

        Raises:
            ContractReverted: the market takes no orders of that interval now; the batch stays stored.
            NotMined: it may be mined later: the next step asks the chain.
        """
        row = self._make(interval)
        return None if row is None else self._post(row, self._now())

    def commit(self, interval: int) -> list[TxReceipt]:
        """Commit to everything that waits for an interval, as one batch, and to what was stored before.

        Orders that come later, and before gate closure, make a batch of their own.

        Returns:
            The receipts of the commitments that were sent.

        Raises:
            ContractReverted: the market takes no batches of that interval now, or the bond is not there; the
                batches stay stored.
        """
        self._make(interval)
        now, stored = self._now(), [row for row in self.queue.batches.of_interval(interval) if row.is_open]
        receipts = all_of(stored, lambda row: self._commit(row, now))
        return [receipt for receipt in receipts if receipt is not None]

    def reveal(self, interval: int) -> list[PostedBatch]:
        """Reveal every batch of an interval that was committed to, and get its bond back.

        Returns:
            What became of the batches that were revealed, now or before.

        Raises:
            ContractReverted: it is not their time; whatever could be revealed was.
        """
        rows = self.queue.batches.of_interval(interval)
        return [posted for posted in self._reveal_all(rows, self._now()) if posted is not None]

    def tend(self, now: int = 0) -> None:
        """Do for every batch what is due now. New batches are not made by it.

        Args:
            now: Unix time, s; the chain's newest block counts where it is later.

        Raises:
            Exception: something could not be done; whatever else was due is done.
        """

        def tend_interval(interval: int) -> None:
            # What was done for the interval before may have taken its time.
            rows, clock = self.queue.batches.of_interval(interval), max(now, self._now())
            if clock >= self._config.book_closure(interval):
                all_of((row for row in rows if row.is_open), self._give_up)
            elif clock >= self._config.gate_closure(interval):
                self._reveal_all(rows, clock)
            elif self._sealed is not None:
                all_of((row for row in rows if row.is_open), lambda row: self._commit(row, clock))
            else:
                all_of((row for row in rows if _may_post(row)), lambda row: self._post(row, clock))

        first = self._first_unclosed(max(now, self._now()))
        all_of(self.queue.batches.intervals(first), tend_interval)

    def _make(self, interval: int) -> BatchRow | None:
        """Keep a batch of everything that waits for an interval; None where nothing does."""
        orders = self.queue.queued(interval)
        if not orders:
            return None
        batch, newest = self._entry.make(interval, orders), int(self.client.network.web3.eth.block_number)
        self.queue.batches.store(batch, self.client.sender.address, newest)
        return BatchRow(batch, self.client.sender.address, newest, BatchState.STORED)

    def _require_own(self, row: BatchRow) -> None:
        if row.is_open and row.relayer != self.client.sender.address:
            raise InputError(
                f"interval {row.batch.interval}: a batch in the queue was made by {row.relayer} and cannot "
                f"be posted by {self.client.sender.address}: start the relayer with that key"
            )

    def _post(self, row: BatchRow, now: int) -> PostedBatch:
        """Post a batch of an open market unless the chain says that it is there."""
        self._require_own(row)
        posted = self._entry.posted(row.batch, row.block)
        if posted is None:
            posted = self._entry.post(row.batch, self._patience(now))
        self.queue.batches.note_posted(row.batch, posted)
        return posted

    def _commit(self, row: BatchRow, now: int) -> TxReceipt | None:
        """Commit to a batch unless the chain says that it is done."""
        assert self._sealed is not None
        phase = self._sealed.phase
        self._require_own(row)
        receipt = None
        if not phase.is_committed(row.batch):
            phase.allow_bonds(wait_seconds=self._patience(now))
            try:
                receipt = phase.send(row.batch, self._patience(now))
            except ContractReverted as refused:
                # A transaction of before a kill was still on its way: it counts, and took the only bond.
                if refused.name != "AlreadyCommitted":
                    raise
        self.queue.batches.note(row.batch.interval, row.batch.seal, BatchState.COMMITTED)
        return receipt

    def _reveal_all(self, rows: Sequence[BatchRow], now: int) -> list[PostedBatch | None]:
        """Reveal every batch whose bond the chain holds."""
        assert self._sealed is not None
        phase = self._sealed.phase
        committed = [row.batch for row in rows if phase.is_committed(row.batch)]
        on_its_way: NotMined | None = None
        if len(committed) > 1:
            # The window is a few blocks long. Whatever fails is tried by itself below, and says why.
            try:
                phase.reveal_together(committed, self._patience(now))
            except NotMined as late:
                on_its_way = late
            except Exception:
                pass
        return all_of(rows, lambda row: self._reveal(row, on_its_way, now))

    def _reveal(self, row: BatchRow, on_its_way: NotMined | None, now: int) -> PostedBatch | None:
        """Reveal a batch whose bond the chain holds; note what became of one that was revealed before.

        Args:
            row: the batch.
            on_its_way: where it was sent already, and waited for in vain.
            now: Unix time, s.
        """
        assert self._sealed is not None
        self._require_own(row)
        posted = None
        if self._sealed.phase.is_committed(row.batch):
            if on_its_way is not None:
                raise on_its_way
            try:
                posted = self._entry.post(row.batch, self._patience(now))
            except ContractReverted as refused:
                # As above: what was on its way has revealed it.
                if refused.name != "UnknownSeal":
                    raise
        elif not row.is_open and row.state != BatchState.POSTED:
            return None
        posted = posted or self._entry.posted(row.batch, row.block)
        if posted is not None:
            self._note(row, posted)
        return posted

    def _give_up(self, row: BatchRow) -> None:
        """Note what became of a batch whose time is over."""
        self._require_own(row)
        posted = self._entry.posted(row.batch, row.block)
        if posted is not None:
            self._note(row, posted)
            return
        forfeited = self._sealed is not None and self._sealed.phase.was_committed(row.batch, row.block)
        state = BatchState.FORFEITED if forfeited else BatchState.MISSED
        self.queue.batches.note_not_posted(row.batch, state)

    def _note(self, row: BatchRow, posted: PostedBatch) -> None:
        if posted.batch is None and not posted.skipped:
            self.queue.batches.note_not_posted(row.batch, BatchState.RETURNED)
        else:
            self.queue.batches.note_posted(row.batch, posted)

    # Time

    def _now(self) -> int:
        """The chain's clock: the time of its newest block."""
        return self.client.network.latest_timestamp()

    def _patience(self, now: int) -> float:
        """How long a transaction may be waited for, s: until a gate or a book of the queue's batches closes.

        It is of no use any more then, or something else is due.
        """
        closures = [
            closure
            for interval in self.queue.batches.intervals(self._first_unclosed(now))
            for closure in (self._config.gate_closure(interval), self._config.book_closure(interval))
            if closure > now
        ]
        return min([*closures, now + MINING_SECONDS]) - now

    def _first_unclosed(self, now: int) -> int:
        """The first interval whose book has not closed."""
        config = self._config
        return (now + config.gate_lead - config.reveal_window) // config.interval_length + 1


def _may_post(row: BatchRow) -> bool:
    """Whether a batch of an open market may have to be posted: a reorganisation may have taken it back."""
    return row.is_open or row.state == BatchState.POSTED
