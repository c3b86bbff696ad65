"""A sealed market on a chain, its relayers' bonds, and its twin."""

from dataclasses import replace
from typing import Any

from onchain import (
    CONFIG,
    ETHER,
    FIRST_INTERVAL,
    METERING_OPERATOR,
    TARIFF,
    OnChainMarket,
    participants,
    wallet,
)

from peerwatt.chain import Sender
from peerwatt.client import MarketClient, SealedPhase
from peerwatt.market import FIRST_PARTICIPANT, MarketTwin, SealedBatches
from peerwatt.messages import address_of

BOND = 5_000_000
SEALED = replace(CONFIG, reveal_window=60, bond=BOND)
INTERVAL = FIRST_INTERVAL
COMMITTING = SEALED.start(INTERVAL) - 1000
CLOSURE, BOOK_CLOSURE = SEALED.gate_closure(INTERVAL), SEALED.book_closure(INTERVAL)


def phase_of(market: OnChainMarket, number: int) -> SealedPhase:
    """The sealed phase through a relayer that has some bonds to give."""
    key = wallet(700 + number)
    market.network.fund({key.address: ETHER})
    client = MarketClient(market.network, market.deployment, Sender(market.network, key))
    market.sender.send(market.client.payment_token.functions.mint(key.address, 3 * BOND))
    client.sender.send(client.payment_token.functions.approve(sealed_contract(market).address, 2**255))
    return SealedPhase(client)


def sealed_contract(market: OnChainMarket) -> Any:
    return market.deployment.contract(market.network, "SealedBatches")


def tokens(phase: SealedPhase) -> int:
    """What a relayer has, and what it is owed."""
    client = phase.client
    return int(client.payment_token.functions.balanceOf(client.sender.address).call()) + phase.owed()


def twin_of(market: OnChainMarket) -> SealedBatches:
    twin = MarketTwin(SEALED, TARIFF, market.domain, address_of(METERING_OPERATOR))
    twin.register(participants(market.size))
    for account, (cash, _) in enumerate(market.client.accounts(FIRST_PARTICIPANT + market.size)):
        twin.deposit(account, cash)
    return SealedBatches(twin)


def conserved(market: OnChainMarket, bonds: int, *owed: SealedPhase) -> None:
    """Cash is what the market holds; the sealed phase holds the bonds that are out, owed and burnt."""
    cash = market.client.accounts(market.client.account_count())
    assert sum(balance for balance, _ in cash) == market.client.token_balance()
    back = sum(phase.owed() for phase in owed)
    assert SealedPhase(market.client).held() == bonds * BOND + back + burnt(market)


def burnt(market: OnChainMarket) -> int:
    return int(sealed_contract(market).functions.burnt().call())
