"""Carrying orders to the market: lose none, post none twice, and in a sealed market lose no bond.

What a relayer knows of a batch is on disk before the chain hears of it, and where the batch stands is asked
of the chain and not concluded from notes. So a relayer that is killed at any instant, that never gets an
answer, or whose chain is reorganised posts every batch, and pays one bond for it however often it is started.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from web3.types import TxReceipt

from peerwatt.chain import MINING_SECONDS
from peerwatt.client import MarketClient, MarketView, PostedBatch
from peerwatt.market.market_rules import MarketConfig
from peerwatt.messages import SignedOrder
from peerwatt.roles.all_of import all_of
from peerwatt.roles.appointments import Action, due
from peerwatt.roles.ports import OwnReading
from peerwatt.roles.relayer.admission import Admission
from peerwatt.roles.relayer.batch_record import BatchRow, BatchState, Standing
from peerwatt.roles.relayer.batch_size import BatchSize
from peerwatt.roles.relayer.carrying import Carrying
from peerwatt.roles.relayer.entry import Entry, OpenEntry, SealedEntry
from peerwatt.roles.relayer.overruling import Overruling, require_own_reading
from peerwatt.roles.relayer.queue import OrderQueue

log: Final = logging.getLogger(__name__)

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
        sealed = self._config.is_sealed
        self._entry: Entry = SealedEntry(client, view, draw_salt) if sealed else OpenEntry(client, view)
        self._carrying = Carrying(client, queue.batches, view, self._entry)
        self._admission = Admission(client, self._config, view)
        self._overruling = Overruling(client, self._config, queue, view)
        self._clock = 0

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
        now = self._clock or self._now()
        self._admission.require(order, self.queue.skipped(interval, account), now)
        self.queue.accept(order)

    def accept_reading(self, own: OwnReading) -> None:
        """As `Orders` has it. A reading that its meter did not sign would displace the one that it signed."""
        require_own_reading(own, self._view, self._config, self.client.domain)
        self.queue.accept_reading(own)

    # What the relayer does

    def step(self, now: int) -> None:
        """Make batches of what waits, when it is time for it, and tend every batch and reading.

        Args:
            now: Unix time, s; the chain's newest block counts where it is later.

        Raises:
            Exception: something could not be done; whatever else was due is done.
        """
        chain = self._now()
        acts: list[Callable[[], object]] = []
        for interval in self.queue.waiting():
            # Missed is what the chain's own clock says: the caller's may run ahead.
            if chain >= self._config.gate_closure(interval):
                self._miss(interval)
            elif max(now, chain) >= due(self._config, Action.ORDER, interval):
                # What one interval's orders meet with must keep nobody else's batch or reading waiting.
                acts.append(partial(self._make, interval))
        acts += [partial(self.tend, now), partial(self._overruling.step, now)]
        all_of(acts, lambda act: act())

    def post(self, interval: int) -> list[PostedBatch]:
        """Post everything that waits for an interval of an open market, and what was stored before.

        As one batch, or as several where one transaction cannot hold them all.

        Returns:
            What became of the interval's batches.

        Raises:
            ContractReverted: the market takes no orders of that interval now; the batches stay stored.
            NotMined: it may be mined later: the next step asks the chain.
            NotTold: the chain has batches that the node does not show yet: the next step looks again.
        """
        self._make(interval)
        self._view.follow()
        rows = [row for row in self.queue.batches.of_interval(interval) if self._may_post(row)]
        return all_of(rows, lambda row: self._carrying.post(row, self._patience(self._now())))

    def commit(self, interval: int) -> list[TxReceipt]:
        """Commit to everything that waits for an interval, and to what was stored before.

        As one batch, or as several where one transaction cannot hold them all. Orders that come later, and
        before gate closure, make a batch of their own.

        Returns:
            The receipts of the commitments that were sent.

        Raises:
            ContractReverted: the market takes no batches of that interval now, or the bond is not there; the
                batches stay stored.
        """
        self._make(interval)
        now, stored = self._now(), [row for row in self.queue.batches.of_interval(interval) if row.is_open]
        receipts = all_of(stored, lambda row: self._carrying.commit(row, self._patience(now)))
        return [receipt for receipt in receipts if receipt is not None]

    def reveal(self, interval: int) -> list[PostedBatch]:
        """Reveal every batch of an interval that was committed to, and get its bond back.

        Returns:
            What became of the batches that were revealed, now or before.

        Raises:
            ContractReverted: it is not their time; whatever could be revealed was.
        """
        rows = self.queue.batches.of_interval(interval)
        return [
            posted
            for posted in self._carrying.reveal_all(rows, self._patience(self._now()))
            if posted is not None
        ]

    def tend(self, now: int = 0) -> None:
        """Do for every batch what is due now, by what the chain says of it. New batches are not made by it.

        Args:
            now: Unix time, s; the chain's newest block counts where it is later.

        Raises:
            Exception: something could not be done; whatever else was due is done.
        """
        first = self._first_unclosed(self._now())
        # As long as the view remembers an interval, a reorganisation of its blocks is seen here too.
        standings = self.queue.batches.standings(first - self._view.keep)
        if not standings:
            return
        self._view.follow()
        by_interval: dict[int, list[Standing]] = {}
        for standing in standings:
            by_interval.setdefault(standing.interval, []).append(standing)
        all_of(by_interval, lambda interval: self._tend(interval, by_interval[interval], now))

    def _tend(self, interval: int, standings: Sequence[Standing], now: int) -> None:
        # What was done for the interval before may have taken its time.
        chain = self._now()
        clock = max(now, chain)
        open_now = [standing for standing in standings if standing.is_open]
        changed = [standing for standing in standings if standing.is_open or self._has_changed(standing)]
        if chain >= self._config.book_closure(interval):
            all_of(self._rows(changed), self._carrying.conclude)
        elif self._config.is_sealed and clock >= self._config.gate_closure(interval):
            self._carrying.reveal_all(self._rows(standings), self._patience(clock))
        elif self._config.is_sealed:
            all_of(self._rows(open_now), lambda row: self._carrying.commit(row, self._patience(clock)))
        else:
            all_of(self._rows(changed), lambda row: self._carrying.post(row, self._patience(clock)))

    def _rows(self, standings: Sequence[Standing]) -> list[BatchRow]:
        return [self.queue.batches.row(standing.interval, standing.seal) for standing in standings]

    def _has_changed(self, standing: Standing) -> bool:
        """Whether the chain says something else of a batch than what was noted last."""
        if standing.relayer != self.client.sender.address or not self._view.knows(standing.interval):
            return False
        told = self._entry.told(standing.interval).get(standing.seal)
        if standing.state == BatchState.POSTED:
            # Where every order was skipped nothing was lost: each may be handed in again.
            return standing.number is not None if told is None else told.number != standing.number
        return told is not None and told.number is not None

    def _make(self, interval: int) -> None:
        """Keep batches of everything that waits for an interval."""
        orders = self.queue.queued(interval)
        if not orders:
            return
        newest = int(self.client.network.web3.eth.block_number)
        for part in BatchSize.on(self.client.network, self._config).split(orders):
            batch = self._entry.make(interval, part)
            self.queue.batches.store(batch, self.client.sender.address, newest)
            self._carrying.note_new(batch.seal)

    def _miss(self, interval: int) -> None:
        count = self.queue.miss(interval)
        log.warning("interval %d: %d orders came too late for its batches and missed it", interval, count)

    def _may_post(self, row: BatchRow) -> bool:
        """Whether a batch may have to be posted to an open market: one that was may have been taken back."""
        own = row.relayer == self.client.sender.address
        return row.is_open or (own and row.state == BatchState.POSTED)

    # Time

    def _now(self) -> int:
        """The chain's clock: the time of its newest block."""
        self._clock = self.client.network.latest_timestamp()
        return self._clock

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
