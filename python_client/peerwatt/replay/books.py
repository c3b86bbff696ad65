"""Whether the chain and the reference twin say the same, and whether nothing came from nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from peerwatt.client import MarketClient
from peerwatt.market.energy_market import MarketTwin
from peerwatt.messages import Clearing, TermsWord


@dataclass(frozen=True)
class Books:
    """The market's books on chain at one moment.

    Attributes:
        balances: cash (base units) and energy (Wh) of every account.
        debt: what accounts other than the supplier owe, base units.
        delivered: peer energy settled as delivered, Wh.
        taken_out: energy credit taken out as tokens, Wh.
        tokens: what the market holds of the payment token, base units.
    """

    balances: tuple[tuple[int, int], ...]
    debt: int
    delivered: int
    taken_out: int
    tokens: int

    @property
    def conservation_error(self) -> int:
        """By how much they do not add up: base units of cash plus Wh of energy; 0 when all is right.

        Cash over all accounts must equal the token balance; energy over all accounts and what was taken out
        must equal what meters recorded as delivered.
        """
        cash = sum(cash for cash, _ in self.balances) - self.tokens
        energy = sum(energy for _, energy in self.balances) + self.taken_out - self.delivered
        return abs(cash) + abs(energy)


def read_books(client: MarketClient, accounts: int) -> Books:
    """Read the books of a market with so many accounts."""
    balances, (debt, delivered, taken_out), tokens = client.books(accounts)
    return Books(tuple(balances), debt, delivered, taken_out, tokens)


@dataclass(frozen=True)
class SettledOnChain:
    """An interval on chain after its settlement.

    Attributes:
        terms: what it was settled by.
        clearing: as the gate left it.
        commitments: of every batch, 32 bytes each.
        books: the market's, afterwards.
    """

    terms: TermsWord
    clearing: Clearing
    commitments: tuple[bytes, ...]
    books: Books


def differences(settled: SettledOnChain, twin: MarketTwin, interval: int) -> list[str]:
    """Everything in which chain and twin differ after an interval; empty when they are equal.

    Compared to the Wh and the base unit: the clearing as gated, the terms, every batch's commitment, every
    account's cash and energy, and the totals.
    """
    reference, books, terms = twin.interval(interval), settled.books, settled.terms
    found: list[str] = []

    def compare(what: str, chain: object, expected: object) -> None:
        if chain != expected:
            found.append(f"interval {interval}, {what}: {chain} on chain, {expected} in the reference")

    expected = reference.terms
    compare("clearing", settled.clearing, expected.clearing)
    compare("verdict", terms.verdict, expected.verdict)
    compare("volume", terms.volume, expected.volume)
    compare("delivered", terms.delivered, expected.delivered)
    compare("loss rate", terms.loss_rate, expected.loss_rate)
    compare("batches", len(settled.commitments), len(reference.batches))
    for number, (word, batch) in enumerate(zip(settled.commitments, reference.batches, strict=False)):
        compare(f"batch {number}", word.hex(), batch.commitment.hex())
    compare("accounts", len(books.balances), len(twin.ledger))
    for account, balance in enumerate(books.balances):
        own = twin.ledger[account]
        compare(f"account {account} (cash, energy)", balance, (own.cash, own.energy))
    compare("debt", books.debt, twin.ledger.total_debt)
    compare("delivered in all", books.delivered, twin.ledger.delivered)
    compare("taken out", books.taken_out, twin.ledger.taken_out)
    return found
