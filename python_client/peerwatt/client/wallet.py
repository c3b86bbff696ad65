"""A prosumer's wallet: its account in the market, from deposit to bill, exit and energy tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3.types import TxReceipt

from peerwatt.chain import Deployment, Network, Sender, send_together
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

    def __init__(
        self,
        network: Network,
        deployment: Deployment,
        key: LocalAccount,
        account: int,
        *,
        owner: ChecksumAddress | None = None,
    ) -> None:
        """Open a wallet.

        Args:
            network: the chain.
            deployment: the market's contracts.
            key: the wallet's.
            account: index of its account.
            owner: whose account it is, as the registry says; the registry is asked where it is not given.

        Raises:
            InputError: the key is not the one that the account is registered for.
        """
        self.account = account
        self.client = MarketClient(network, deployment, Sender(network, key))
        if owner is None:
            owner = self.client.registry.functions.walletOf(account).call()
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
        [receipt] = deposit_together([(self, amount)])
        return receipt

    def withdraw(self, amount: int) -> TxReceipt:
        """Pay base units from the account to the wallet."""
        return self.client.withdraw(self.account, amount)

    def commit_order(self, order: SignedOrder) -> SealedBatch:
        """Offer without a relayer in a sealed market: a batch of one, committed to before gate closure."""
        return SealedPhase(self.client).commit(order.order.interval, [order])

    def reveal_order(self, batch: SealedBatch) -> PostedBatch:
        """Show the order after gate closure; the bond is owed to the wallet then."""
        return SealedPhase(self.client).reveal(batch)

    def collect_bonds(self) -> TxReceipt:
        """Be paid what the sealed phase owes the wallet of bonds that are back."""
        return SealedPhase(self.client).collect()

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


def open_wallets(network: Network, deployment: Deployment, keys: Mapping[int, LocalAccount]) -> list[Wallet]:
    """Open the wallets of several accounts; the registry is asked for all of them at once.

    Args:
        network: the chain.
        deployment: the market's contracts.
        keys: of the wallets, by account.

    Raises:
        InputError: a key is not the one that its account is registered for.
    """
    registry = deployment.contract(network, "ParticipantRegistry").functions
    owners = network.read_many([registry.walletOf(account) for account in keys])
    return [
        Wallet(network, deployment, key, account, owner=owner)
        for (account, key), owner in zip(keys.items(), owners, strict=True)
    ]


def deposit_together(deposits: Sequence[tuple[Wallet, int]]) -> list[TxReceipt]:
    """Pay base units from the tokens of several wallets into their accounts, in as few blocks as they fit in.

    Args:
        deposits: wallets of one market, at least one, and what each pays in.

    Returns:
        The receipts of the deposits.

    Raises:
        ContractReverted: a wallet has too few tokens; the others' deposits stand.
    """
    network = deposits[0][0].client.network
    approvals, payments = [], []
    for wallet, amount in deposits:
        client = wallet.client
        approve = client.payment_token.functions.approve(client.market.address, amount)
        approvals.append((client.sender, approve))
        payments.append((client.sender, client.market.functions.deposit(wallet.account, amount)))
    send_together(network, approvals)
    return send_together(network, payments)
