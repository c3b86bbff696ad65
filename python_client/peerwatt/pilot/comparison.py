"""Whether the chain and the reference twin say the same, and whether nothing came from nowhere."""

from __future__ import annotations

from peerwatt.client import MarketClient
from peerwatt.market.twin import MarketTwin


def differences(client: MarketClient, twin: MarketTwin, interval: int) -> list[str]:
    """Everything in which chain and twin differ after an interval; empty when they are equal.

    Compared to the Wh and the base unit: the clearing as gated, the terms, every batch's commitment, every
    account's cash and energy, and the totals.
    """
    state, reference = client.interval(interval), twin.interval(interval)
    found: list[str] = []

    def compare(what: str, chain: object, expected: object) -> None:
        if chain != expected:
            found.append(f"interval {interval}, {what}: {chain} on chain, {expected} in the reference")

    terms, expected = state.terms, reference.terms
    compare("clearing", state.clearing, expected.clearing)
    compare("verdict", terms.verdict, expected.verdict)
    compare("volume", terms.volume, expected.volume)
    compare("delivered", terms.delivered, expected.delivered)
    compare("loss rate", terms.loss_rate, expected.loss_rate)
    compare("batches", state.batches, len(reference.batches))
    for number, batch in enumerate(reference.batches):
        compare(f"batch {number}", client.batch_commitment(interval, number).hex(), batch.commitment.hex())
    balances = [(balance.cash, balance.energy) for balance in twin.ledger]
    for account, (chain, own) in enumerate(zip(client.accounts(len(balances)), balances, strict=True)):
        compare(f"account {account} (cash, energy)", chain, own)
    debt, delivered, taken_out = client.totals()
    compare("debt", debt, twin.ledger.total_debt)
    compare("delivered in all", delivered, twin.ledger.delivered)
    compare("taken out", taken_out, twin.ledger.taken_out)
    return found


def conservation_error(client: MarketClient, accounts: int) -> int:
    """By how much the chain's books do not add up: base units of cash plus Wh of energy; 0 when all is right.

    Cash over all accounts must equal the market's token balance; energy over all accounts and what was taken out
    must equal what meters recorded as delivered.
    """
    balances = client.accounts(accounts)
    _, delivered, taken_out = client.totals()
    cash = sum(cash for cash, _ in balances) - client.token_balance()
    energy = sum(energy for _, energy in balances) + taken_out - delivered
    return abs(cash) + abs(energy)
