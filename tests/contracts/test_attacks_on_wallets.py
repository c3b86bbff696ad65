"""Wallets that are lost, hostile, or another's to replace: nobody's silence locks what is others'."""

from onchain import CONFIG, ETHER, FIRST_INTERVAL, OnChainMarket, wallet
from refusals import refused

from peerwatt.chain import Sender
from peerwatt.client import MarketClient
from peerwatt.market import FIRST_PARTICIPANT, SystemAccount

START = CONFIG.start(FIRST_INTERVAL)
SUPPLIER = SystemAccount.SUPPLIER


def as_new(market: OnChainMarket, number: int) -> MarketClient:
    """The market through a wallet that no account has yet."""
    key = wallet(900 + number)
    market.network.fund({key.address: ETHER})
    return MarketClient(market.network, market.deployment, Sender(market.network, key))


def released(market: OnChainMarket, account: int, by: Sender) -> None:
    """Suspended for a lap and made to leave, by somebody who is not its wallet."""
    functions = market.client.market.functions
    by.send(market.client.registry.functions.setSuspended(account, True))
    market.at(market.network.latest_timestamp() + CONFIG.lap)
    by.send(functions.requestExit(account))
    by.send(functions.finishExit(account))
    assert market.margin(account) == 0


def test_lost_wallet_locks_neither_its_own_nor_the_suppliers_margin(market: OnChainMarket) -> None:
    functions, registry = market.client.market.functions, market.client.registry.functions
    before, new = market.margin(SUPPLIER), as_new(market, 0)
    market.at(START)
    refused("NotWallet", lambda: market.sender.send(functions.requestExit(4)))
    market.at(START + 10)
    market.sender.send(registry.setSuspended(4, True))
    market.at(START + 10 + CONFIG.lap - 1)
    refused("NotWallet", lambda: market.sender.send(functions.requestExit(4)))
    market.at(START + 10 + CONFIG.lap)
    refused("NotWallet", lambda: new.sender.send(functions.requestExit(4)))
    market.sender.send(functions.requestExit(4))
    market.sender.send(functions.finishExit(4))
    assert (market.margin(4), market.margin(SUPPLIER)) == (0, before - before // market.size)

    cash = market.client.accounts(5)[4][0]
    market.at(START + 100_000)
    market.sender.send(registry.proposeWallet(4, new.sender.address))
    market.at(START + 100_000 + CONFIG.recovery_delay - 1)
    refused("VetoNotOver", lambda: new.sender.send(registry.acceptWallet(4)))
    refused("NotAllowed", lambda: market.sender.send(registry.acceptWallet(4)))
    refused("NotWallet", lambda: new.withdraw(4, cash))
    market.at(START + 100_000 + CONFIG.recovery_delay + 10)
    new.sender.send(registry.acceptWallet(4))
    new.withdraw(4, cash)
    refused("NotWallet", lambda: market.as_wallet(4).withdraw(4, 0))


def test_operator_takes_no_account_whose_wallet_vetoes(market: OnChainMarket) -> None:
    registry, thief = market.client.registry.functions, as_new(market, 0)
    owner = market.as_wallet(4).sender
    market.sender.send(registry.proposeWallet(4, thief.sender.address))
    refused("NotAllowed", lambda: market.as_wallet(5).sender.send(registry.vetoWallet(4)))
    market.at(market.network.latest_timestamp() + CONFIG.recovery_delay + 10)
    owner.send(registry.vetoWallet(4))
    refused("NotAllowed", lambda: thief.sender.send(registry.acceptWallet(4)))
    assert registry.walletOf(4).call() == owner.address
    assert registry.proposedWallet(4).call() == ["0x" + "00" * 20, 0]


def test_later_proposal_waits_anew(market: OnChainMarket) -> None:
    registry, first, second = market.client.registry.functions, as_new(market, 0), as_new(market, 1)
    market.sender.send(registry.proposeWallet(4, first.sender.address))
    market.at(market.network.latest_timestamp() + CONFIG.recovery_delay)
    market.sender.send(registry.proposeWallet(4, second.sender.address))
    refused("NotAllowed", lambda: first.sender.send(registry.acceptWallet(4)))
    refused("VetoNotOver", lambda: second.sender.send(registry.acceptWallet(4)))


def test_suppliers_lost_wallet_is_replaced_like_anybodys(market: OnChainMarket) -> None:
    registry, new = market.client.registry.functions, as_new(market, 0)
    market.sender.send(registry.proposeWallet(SUPPLIER, new.sender.address))
    market.at(market.network.latest_timestamp() + CONFIG.recovery_delay)
    new.sender.send(registry.acceptWallet(SUPPLIER))
    cover = registry.supplierCover().call()
    refused("NotAllowed", lambda: market.as_wallet(SUPPLIER).sender.send(registry.setSupplierCover(cover)))
    new.sender.send(registry.setSupplierCover(cover))


def test_everybody_leaves_and_the_supplier_takes_all_that_is_its_own(market: OnChainMarket) -> None:
    """Two leave by themselves, the rest cannot or will not: the supplier waits for nobody."""
    functions = market.client.market.functions
    supplier = market.as_wallet(SUPPLIER)
    accounts = range(FIRST_PARTICIPANT, FIRST_PARTICIPANT + market.size)
    for account in accounts:
        if account < 6:
            owner = market.as_wallet(account)
            owner.sender.send(functions.requestExit(account))
            owner.sender.send(functions.finishExit(account))
            owner.withdraw(account, market.client.accounts(account + 1)[account][0])
        else:
            released(market, account, market.sender if account % 2 else supplier.sender)
    assert market.margin(SUPPLIER) == 0
    supplier.withdraw(SUPPLIER, market.client.accounts(1)[0][0])
    left = market.client.accounts(FIRST_PARTICIPANT + market.size)
    assert left[SUPPLIER] == (0, 0)
    assert sum(cash for cash, _ in left) == market.client.token_balance()
