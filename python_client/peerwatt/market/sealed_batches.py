"""The sealed phase of a market: relayers commit to batches before gate closure and reveal them after it."""

from collections.abc import Sequence

from peerwatt.market.energy_market import MarketTwin
from peerwatt.market.errors import (
    AlreadyCommitted,
    BookClosed,
    GateClosed,
    NotYetOpen,
    RevealNotOver,
    TooEarly,
    UnknownSeal,
)
from peerwatt.market.order_book import Posting
from peerwatt.messages import SignedOrder, seal_of


class SealedBatches:
    """The batches that relayers have committed to, with one bond held for each until it is revealed.

    A batch that is not revealed within the reveal window is not posted, and its bond is burnt. Of the bond of
    one that is revealed a share is burnt for every order that is left out, but for one above an operating
    envelope, which may be published after the commitment.

    Attributes:
        market: The market that the batches are posted to.
        owed: What relayers are owed of bonds that are back, base units.
        burnt: What of all bonds is nobody's any more, base units.
    """

    def __init__(self, market: MarketTwin) -> None:
        self.market = market
        self.owed: dict[str, int] = {}
        self.burnt = 0
        self._committed: set[tuple[int, str, bytes]] = set()

    @property
    def held(self) -> int:
        """All that is held, base units: bonds that are out, what is owed, and what is burnt."""
        return len(self._committed) * self.market.config.bond + sum(self.owed.values()) + self.burnt

    def commit(self, relayer: str, interval: int, seal: bytes, *, now: int) -> int:
        """Commit a relayer to a batch, and take its bond.

        Args:
            relayer: Address of who commits.
            interval: The delivery period.
            seal: 32 bytes, as `seal_of` gives them.
            now: Unix time.

        Returns:
            What of the bond its tokens pay, base units; the rest is of what it is owed.

        Raises:
            NotYetOpen: The interval lies too far ahead.
            GateClosed: Gate closure has passed.
            AlreadyCommitted: It has committed to this batch before.
        """
        config = self.market.config
        if interval > config.last_open(now):
            raise NotYetOpen(f"Interval {interval} takes no batches yet: wait until it is open.")
        if now >= config.gate_closure(interval):
            raise GateClosed(f"Interval {interval} takes no more batches: its gate has closed.")
        if (interval, relayer, seal) in self._committed:
            raise AlreadyCommitted(f"{relayer} has committed to this batch of interval {interval} before.")
        self._committed.add((interval, relayer, seal))
        credited = min(self.owed.get(relayer, 0), config.bond)
        self.owed[relayer] = self.owed.get(relayer, 0) - credited
        return config.bond - credited

    def reveal(
        self, relayer: str, interval: int, orders: Sequence[SignedOrder], salt: bytes, *, now: int
    ) -> Posting | None:
        """Post a batch that the relayer has committed to, and owe it its bond, less what is burnt of it.

        Returns:
            What became of the orders; None when the interval is not open and the supplier is below its
            margin. The whole bond is owed then.

        Raises:
            UnknownSeal: The relayer has not committed to this batch.
            TooEarly: The gate is still open.
            BookClosed: The reveal window is over.
        """
        config = self.market.config
        key = interval, relayer, seal_of(relayer, interval, orders, salt)
        self._require_committed(key)
        if now < config.gate_closure(interval):
            raise TooEarly(f"It is {now}: reveal from {config.gate_closure(interval)} on.")
        if now >= config.book_closure(interval):
            raise BookClosed(f"It is {now}: batches were revealed before {config.book_closure(interval)}.")
        posting = None
        if self.market.takes_orders(interval):
            posting = self.market.post(interval, orders, now=now, revealed=True)
        self._committed.remove(key)
        kept = 0 if posting is None else self._kept(interval, orders, len(posting.skipped))
        self.burnt += kept
        self.owed[relayer] = self.owed.get(relayer, 0) + config.bond - kept
        return posting

    def collect(self, relayer: str) -> int:
        """Pay a relayer what it is owed, and return how much it is, base units."""
        return self.owed.pop(relayer, 0)

    def forfeit(self, interval: int, relayer: str, seal: bytes, *, now: int) -> None:
        """Burn the bond of a batch that was not revealed in time.

        Raises:
            UnknownSeal: There is no such batch, or it was revealed or forfeited before.
            RevealNotOver: It can still be revealed.
        """
        key = interval, relayer, seal
        self._require_committed(key)
        closure = self.market.config.book_closure(interval)
        if now < closure:
            raise RevealNotOver(f"It is {now}: the batch can be revealed until {closure}.")
        self._committed.remove(key)
        self.burnt += self.market.config.bond

    def _kept(self, interval: int, orders: Sequence[SignedOrder], skipped: int) -> int:
        """What is burnt of the bond of a batch of which so many orders were left out, base units."""
        if not skipped:
            return 0
        # Above an envelope orders count neither way: else they would make others' shares smaller for nothing.
        above = sum(self.market.is_above_envelope(interval, each.order) for each in orders)
        if skipped == above:
            return 0
        return -(-self.market.config.bond * (skipped - above) // (len(orders) - above))  # rounded up

    def _require_committed(self, key: tuple[int, str, bytes]) -> None:
        if key not in self._committed:
            raise UnknownSeal(f"{key[1]} is not committed to this batch of interval {key[0]}.")
