"""Carrying orders through a sealed market: commit before gate closure, reveal after it, lose no bond.

What a batch's relayer knows is on disk before the chain hears of it, and where the batch stands is asked of
the chain and not concluded from notes. So a relayer that is killed at any instant reveals what it committed
to, and pays one bond for a batch however often it is started again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from web3.types import TxReceipt

from peerwatt.chain import MINING_SECONDS, ContractReverted, NotMined
from peerwatt.client import MarketClient, PostedBatch, SealedPhase
from peerwatt.errors import InputError
from peerwatt.roles.relayer.queue import OrderQueue
from peerwatt.roles.relayer.relayer import Relayer
from peerwatt.roles.relayer.sealed_record import SealedRow, SealedState

Item = TypeVar("Item")
Result = TypeVar("Result")

SALT_LENGTH = 32


class SealedRelayer(Relayer):
    """A relayer of a sealed market. Its key must hold the bonds, in the market's payment token.

    Attributes:
        phase: the market's sealed phase, through the relayer's own key.
    """

    def __init__(
        self,
        client: MarketClient,
        queue: OrderQueue,
        draw_salt: Callable[[int], bytes] = lambda interval: secrets.token_bytes(SALT_LENGTH),
    ) -> None:
        """
        Args:
            client: the market, through the relayer's own key.
            queue: where everything waits.
            draw_salt: gives the salt of an interval's next batch, 32 bytes that nobody can guess.

        Raises:
            InputError: the market has no sealed phase.
        """
        super().__init__(client, queue)
        self.phase = SealedPhase(client)
        self._draw_salt = draw_salt

    def commit(self, interval: int) -> list[TxReceipt]:
        """Commit to everything that waits for an interval, as one batch, and to what was stored before.

        Orders that come later, and before gate closure, make a batch of their own.

        Returns:
            The receipts of the commitments that were sent.

        Raises:
            ContractReverted: the market takes no batches of that interval now, or the bond is not there; the
                batches stay stored.
        """
        orders = self.queue.queued(interval)
        if orders:
            batch = self.phase.seal(interval, orders, self._draw_salt(interval))
            newest = int(self.client.network.web3.eth.block_number)
            self.queue.sealed.store(batch, self.client.sender.address, newest)
        stored = [row for row in self.queue.sealed.of_interval(interval) if row.is_open]
        return [receipt for receipt in _all(stored, self._commit) if receipt is not None]

    def reveal(self, interval: int) -> list[PostedBatch]:
        """Reveal every batch of an interval that was committed to, and get its bond back.

        Returns:
            What became of the batches that were revealed, now or before.

        Raises:
            ContractReverted: it is not their time; whatever could be revealed was.
        """
        rows = self.queue.sealed.of_interval(interval)
        return [posted for posted in self._reveal_all(rows) if posted is not None]

    def tend(self) -> None:
        """Do for every sealed batch what is due now: to be called after a start, and every few seconds.

        New batches are not made by it: when to seal what waits is the caller's decision (`commit`).

        Raises:
            Exception: something could not be done; whatever else was due is done.
        """
        config, clock = self.phase.config, self.client.network.latest_timestamp

        def tend_interval(interval: int) -> None:
            # What was done for the interval before may have taken its time.
            rows, now = self.queue.sealed.of_interval(interval), clock()
            if now < config.gate_closure(interval):
                _all((row for row in rows if row.is_open), self._commit)
            elif now < config.book_closure(interval):
                self._reveal_all(rows)
            else:
                _all((row for row in rows if row.is_open), self._give_up)

        _all(self.queue.sealed.intervals(self._first_unclosed(clock())), tend_interval)

    def _require_own(self, row: SealedRow) -> None:
        if row.is_open and row.relayer != self.client.sender.address:
            raise InputError(
                f"interval {row.batch.interval}: a batch in the queue is sealed for {row.relayer} and cannot "
                f"be revealed by {self.client.sender.address}: start the relayer with that key"
            )

    def _commit(self, row: SealedRow) -> TxReceipt | None:
        """Commit to a batch unless the chain says that it is done."""
        self._require_own(row)
        receipt = None
        if not self.phase.is_committed(row.batch):
            self.phase.allow_bonds(wait_seconds=self._patience())
            try:
                receipt = self.phase.send(row.batch, self._patience())
            except ContractReverted as refused:
                # A transaction of before a kill was still on its way: it counts, and took the only bond.
                if refused.name != "AlreadyCommitted":
                    raise
        self.queue.sealed.note(row.batch.interval, row.batch.seal, SealedState.COMMITTED)
        return receipt

    def _reveal_all(self, rows: Sequence[SealedRow]) -> list[PostedBatch | None]:
        """Reveal every batch whose bond the chain holds."""
        due = [row.batch for row in rows if self.phase.is_committed(row.batch)]
        on_its_way: NotMined | None = None
        if len(due) > 1:
            # The window is a few blocks long. Whatever fails is tried by itself below, and says why.
            try:
                self.phase.reveal_together(due, self._patience())
            except NotMined as late:
                on_its_way = late
            except Exception:
                pass
        return _all(rows, lambda row: self._reveal(row, on_its_way))

    def _reveal(self, row: SealedRow, on_its_way: NotMined | None) -> PostedBatch | None:
        """Reveal a batch whose bond the chain holds; note what became of one that was revealed before.

        Noted again, too: after a reorganisation it may have another number, behind another batch.

        Args:
            row: the batch.
            on_its_way: where it was sent already, and waited for in vain.
        """
        self._require_own(row)
        posted = None
        if self.phase.is_committed(row.batch):
            if on_its_way is not None:
                raise on_its_way
            try:
                posted = self.phase.reveal(row.batch, self._patience())
            except ContractReverted as refused:
                # As above: what was on its way has revealed it.
                if refused.name != "UnknownSeal":
                    raise
        elif not row.is_open and row.state != SealedState.REVEALED:
            return None
        posted = posted or self.phase.revealed(row.batch, row.block)
        if posted is not None:
            self._note_revealed(row, posted)
        return posted

    def _patience(self) -> float:
        """How long a transaction may be waited for, s: until a gate or a book of the queue's batches closes.

        It is of no use any more then, or something else is due.
        """
        config, now = self.phase.config, self.client.network.latest_timestamp()
        closures = [
            closure
            for interval in self.queue.sealed.intervals(self._first_unclosed(now))
            for closure in (config.gate_closure(interval), config.book_closure(interval))
            if closure > now
        ]
        return min([*closures, now + MINING_SECONDS]) - now

    def _first_unclosed(self, now: int) -> int:
        """The first interval whose book has not closed."""
        config = self.phase.config
        return (now + config.gate_lead - config.reveal_window) // config.interval_length + 1

    def _note_revealed(self, row: SealedRow, posted: PostedBatch) -> None:
        if posted.batch is None and not posted.skipped:
            self.queue.sealed.note_not_posted(row.batch, SealedState.RETURNED)
        else:
            self._note(row.batch.interval, posted, row.batch.seal)

    def _give_up(self, row: SealedRow) -> None:
        """Note what became of a batch whose time is over."""
        self._require_own(row)
        posted = self.phase.revealed(row.batch, row.block)
        if posted is not None:
            self._note_revealed(row, posted)
            return
        committed = self.phase.was_committed(row.batch, row.block)
        state = SealedState.FORFEITED if committed else SealedState.MISSED
        self.queue.sealed.note_not_posted(row.batch, state)


def _all(items: Iterable[Item], do: Callable[[Item], Result]) -> list[Result]:
    """Do something for each, whatever becomes of the others: every batch has a bond of its own at stake.

    Raises:
        Exception: the first that was raised, after all were tried.
    """
    results: list[Result] = []
    problems: list[Exception] = []
    for item in items:
        try:
            results.append(do(item))
        except Exception as problem:
            # Not only errors of our own: a full disk keeps no bond from being fetched either.
            problems.append(problem)
    if problems:
        raise problems[0]
    return results
