"""The reference twin beside a market: told the chain's transactions in order, and compared with the chain.

Nobody asks it anything: it can look at a live market as well as at a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from peerwatt.client import MarketClient, MarketTransaction
from peerwatt.market.ledger import SystemAccount
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.messages import Clearing, TermsWord
from peerwatt.replay.books import Books, SettledOnChain, differences, read_books
from peerwatt.replay.told_twin import ToldTwin

Settled = Callable[[int, Sequence[int]], None]
"""Told an interval and what its settlement changed, base units, by account."""
MONEY: Final = frozenset({"deposit", "withdraw", "correct"})
"""Calls that change balances besides the settlements."""
_SAVED: Final = (
    *("mismatched", "first_difference", "conservation_error", "books"),
    *("_told", "_purses", "_money_moved"),
)
"""Attributes that a replay goes on with."""


class TwinObserver:
    """Compares one market with its reference.

    Attributes:
        mismatched: the intervals in which chain and reference differ.
        first_difference: the first difference that was found, or nothing.
        conservation_error: the largest error found at any time, base units plus Wh.
        books: the market's, when they were read last.
        settled: told of every settlement.
    """

    def __init__(
        self,
        client: MarketClient,
        config: MarketConfig,
        tariff: Tariff,
        metering_operator: str,
    ) -> None:
        """
        Args:
            client: the market, for reading.
            config: what it was created with.
            tariff: the first one.
            metering_operator: address of the key that attests.
        """
        self.mismatched: set[int] = set()
        self.first_difference = ""
        self.conservation_error = 0
        self._client = client
        self._founded = config, tariff, client.domain, metering_operator
        self.settled: Settled = lambda interval, cash: None
        self._history: list[MarketTransaction] = []
        self._told = ToldTwin(*self._founded)
        self.books: Books = read_books(client, len(SystemAccount))
        self._purses: dict[str, int] = {}
        self._money_moved = False

    def forget(self, before: int) -> None:
        """Forget intervals that are settled and that nobody will correct, up to one."""
        self._told.market.forget(before)

    def save(self) -> object:
        """The reference and what was found so far; to be called after `check`."""
        return {name: getattr(self, name) for name in _SAVED}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `save` gave."""
        for name in _SAVED:
            setattr(self, name, saved[name])

    # What the follower tells

    def take(self, transaction: MarketTransaction) -> None:
        """As `Observer` has it."""
        if not self._client.network.controls_time:
            self._history.append(transaction)
        self._money_moved |= transaction.call in MONEY
        self._note_bonds(transaction)
        difference = self._told.apply(transaction)
        if difference:
            self._differ(transaction.interval or 0, difference)

    def take_back(self, block: int) -> None:
        """As `Observer` has it: the reference is made again from what is still on the chain."""
        kept = [transaction for transaction in self._history if transaction.block <= block]
        self._history.clear()
        self._purses.clear()
        self._told = ToldTwin(*self._founded)
        for transaction in kept:
            self.take(transaction)

    def read_books(self) -> None:
        """Read the market's books, without comparing them."""
        self.books = read_books(self._client, len(self._told.market.ledger))
        self._money_moved = False

    def compare_books(self) -> None:
        """Read the market's books and compare every account, where money moved without a settlement."""
        self.read_books()
        ledger = self._told.market.ledger
        for account, balance in enumerate(self.books.balances):
            expected = ledger[account].cash, ledger[account].energy
            if balance != expected:
                self._differ(
                    0, f"account {account} (cash, energy): {balance} on chain, {expected} in the reference"
                )
        self.conservation_error = max(self.conservation_error, self.books.conservation_error)

    def check(self) -> None:
        """Compare the books and every interval that was settled since the last time; to be called when the
        follower is at the chain's newest block.
        """
        if self._told.sealed is not None:
            self._check_bonds()
        if not self._told.settled:
            return
        before, self.books = self.books, read_books(self._client, len(self._told.market.ledger))
        if len(self._told.booked) == 1 and not self._money_moved:
            # Nothing else was booked since: the chain's own balances tell what the settlement changed.
            [interval] = self._told.booked
            pairs = zip(self.books.balances, before.balances, strict=True)
            self._told.booked[interval] = [now[0] - then[0] for now, then in pairs]
        for interval, cash in self._told.booked.items():
            self.settled(interval, cash)
        self._told.booked.clear()
        self._money_moved = False
        for interval, batches in self._told.settled.items():
            words = [self._client.batch_commitment(interval, batch) for batch in range(len(batches))]
            terms, clearing = next(iter(batches.values()))
            settled = SettledOnChain(
                TermsWord.unpack(terms), Clearing.unpack(clearing), tuple(words), self.books
            )
            for difference in differences(settled, self._told.market, interval):
                self._differ(interval, difference)
        self._told.settled.clear()
        self.conservation_error = max(self.conservation_error, self.books.conservation_error)

    def _differ(self, interval: int, difference: str) -> None:
        self.mismatched.add(interval)
        self.first_difference = self.first_difference or difference

    def _note_bonds(self, transaction: MarketTransaction) -> None:
        """Note what a relayer had before it first committed."""
        bond = self._told.market.config.bond
        for said in transaction.named("Committed"):
            if said["relayer"] not in self._purses:
                left = self._client.payment_token.functions.balanceOf(said["relayer"]).call()
                self._purses[said["relayer"]] = int(left) + bond

    def _check_bonds(self) -> None:
        """What the sealed phase holds, on chain as in the reference, and what relayers have left are their
        purses.
        """
        assert self._told.sealed is not None
        tokens = self._client.payment_token.functions
        held = int(tokens.balanceOf(self._client.deployment.addresses["SealedBatches"]).call())
        left = sum(int(tokens.balanceOf(relayer).call()) for relayer in self._purses)
        error = abs(held - self._told.sealed.held) + abs(left + held - sum(self._purses.values()))
        self.conservation_error = max(self.conservation_error, error)
