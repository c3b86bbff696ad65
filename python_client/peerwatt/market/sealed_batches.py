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
from peerwatt.market.ledger import SystemAccount
from peerwatt.market.order_book import Posting
from peerwatt.messages import SignedOrder, seal_of


class SealedBatches:
    """The batches that relayers have committed to, with one bond held for each until it is revealed.

    A batch that is not revealed within the reveal window is not posted, and its bond goes to the community's
    account.

    Attributes:
        market: The market that the batches are posted to.
    """

    def __init__(self, market: MarketTwin) -> None:
        self.market = market
        self._committed: set[tuple[int, str, bytes]] = set()

    @property
    def held(self) -> int:
        """The bonds that are held, base units."""
        return len(self._committed) * self.market.config.bond

    def commit(self, relayer: str, interval: int, seal: bytes, *, now: int) -> None:
        """Commit a relayer to a batch, and take its bond.

        Args:
            relayer: Address of who commits.
            interval: The delivery period.
            seal: 32 bytes, as `seal_of` gives them.
            now: Unix time.

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

    def reveal(
        self, relayer: str, interval: int, orders: Sequence[SignedOrder], salt: bytes, *, now: int
    ) -> Posting | None:
        """Post a batch that the relayer has committed to, and return its bond.

        Returns:
            What became of the orders; None when the interval is not open and the supplier is below its
            margin. The bond is returned then too.

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
        return posting

    def forfeit(self, interval: int, relayer: str, seal: bytes, *, now: int) -> None:
        """Pay the bond of a batch that was not revealed in time into the community's account.

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
        self.market.deposit(SystemAccount.COMMUNITY, self.market.config.bond)

    def _require_committed(self, key: tuple[int, str, bytes]) -> None:
        if key not in self._committed:
            raise UnknownSeal(f"{key[1]} is not committed to this batch of interval {key[0]}.")
