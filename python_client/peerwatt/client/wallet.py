"""A prosumer's wallet: its account in the market, from deposit to bill, exit and energy tokens."""

from __future__ import annotations

from dataclasses import dataclass

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3.types import TxReceipt

from peerwatt.chain import Deployment, Network, Sender
from peerwatt.client.market import MarketClient
from peerwatt.client.sealed_phase import SealedBatch, SealedPhase
from peerwatt.client.state import PostedBatch
from peerwatt.errors import InputError
from peerwatt.messages import SignedOrder


@dataclass(frozen=True)
class Balance:
    """An account as its owner sees it.

    Attributes:
        cash: base units.
        energy: peer energy credit, Wh.
        margin: what must stay while the account trades, base units.
        free: what can be withdrawn now, base units; negative when the account is below its margin.
    """

    cash: int
    energy: int
    margin: int
    free: int


class Wallet:
    """One participant's wallet on one market.

    Attributes:
        account: index of its account.
        client: the market, through this wallet's key.
    """

    def __init__(self, network: Network, deployment: Deployment, key: LocalAccount, account: int) -> None:
        """Open a wallet.

        Raises:
            InputError: the key is not the one that the account is registered for.
        """
        self.account = account
        self.client = MarketClient(network, deployment, Sender(network, key))
        owner: ChecksumAddress = self.client.registry.functions.walletOf(account).call()
        if owner != key.address:
            raise InputError(
                f"account {account} is not registered for {key.address}: its wallet is {owner}; "
                "use that key or another account"
            )

    def balance(self) -> Balance:
        """What the account holds."""
        market = self.client.market.functions
        cash, energy = market.account(self.account).call()
        return Balance(
            cash, energy, market.marginOf(self.account).call(), market.freeBalance(self.account).call()
        )

    def deposit(self, amount: int) -> TxReceipt:
        """Pay base units from the wallet's tokens into the account."""
        spender = self.client.market.address
        self.client.sender.send(self.client.payment_token.functions.approve(spender, amount))
        return self.client.deposit(self.account, amount)

    def withdraw(self, amount: int) -> TxReceipt:
        """Pay base units from the account to the wallet."""
        return self.client.withdraw(self.account, amount)

    def commit_order(self, order: SignedOrder) -> SealedBatch:
        """Offer without a relayer in a sealed market: a batch of one, committed to before gate closure."""
        return SealedPhase(self.client).commit(order.order.interval, [order])

    def reveal_order(self, batch: SealedBatch) -> PostedBatch:
        """Show the order after gate closure and get the bond back."""
        return SealedPhase(self.client).reveal(batch)

    def take_out_energy(self, amount: int) -> TxReceipt:
        """Turn Wh of energy credit into tokens."""
        return self.client.sender.send(self.client.market.functions.takeOutEnergy(self.account, amount))

    def retire_energy(self, amount: int) -> TxReceipt:
        """Declare Wh of tokens consumed."""
        return self.client.sender.send(self.client.energy_token.functions.retire(amount))

    def request_exit(self) -> TxReceipt:
        """Stop posting for good, so that the margin can be released."""
        return self.client.sender.send(self.client.market.functions.requestExit(self.account))

    def finish_exit(self) -> TxReceipt:
        """Release the margin, once everything that may hold the account's orders is settled."""
        return self.client.sender.send(self.client.market.functions.finishExit(self.account))
