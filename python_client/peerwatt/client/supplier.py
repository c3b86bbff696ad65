"""The supplier: whose connections it stands for, and what it must hold for that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from web3.types import TxReceipt

from peerwatt.client.market import MarketClient, Registration
from peerwatt.client.wallet import Wallet, deposit_together
from peerwatt.errors import ChainError, InputError
from peerwatt.market.ledger import SystemAccount
from peerwatt.market.market_rules import MarketConfig, Tariff


class CoverMissing(ChainError):
    """The supplier does not stand for a connection that is to be registered; nothing was sent.

    Attributes:
        needed: the cover that it takes, Wh.
        deposit: what the supplier's account lacks for it, base units.
    """

    def __init__(self, cover: int, needed: int, deposit: int) -> None:
        self.needed, self.deposit = needed, deposit
        super().__init__(
            f"the supplier covers connections of {cover} Wh, and with these there are {needed} Wh: its "
            f"wallet deposits {deposit} base units and covers them by `peerwatt supplier cover {needed}`"
        )


@dataclass(frozen=True)
class Standing:
    """What the supplier stands for.

    Attributes:
        registered: what all connections that were ever registered carry in an interval, both directions, Wh.
        cover: what it stands for, Wh; never less.
        cash: what its account holds, base units.
        debt: what others owe, for which it stands, base units.
        margin: what its account must hold besides for intervals to open, base units.
    """

    registered: int
    cover: int
    cash: int
    debt: int
    margin: int

    @property
    def free(self) -> int:
        """What it can withdraw, base units; below 0 no interval opens."""
        return self.cash - self.debt - self.margin


def standing(client: MarketClient) -> Standing:
    """What the supplier of a market stands for, read in one request."""
    registry, market = client.registry.functions, client.market.functions
    registered, cover, (cash, _), (debt, _, _), margin = client.network.read_many(
        [
            registry.totalEnergyLimit(),
            registry.supplierCover(),
            market.account(SystemAccount.SUPPLIER),
            market.totals(),
            market.marginOf(SystemAccount.SUPPLIER),
        ]
    )
    return Standing(registered, cover, cash, debt, margin)


def lacking(client: MarketClient, cover: int) -> int:
    """What the supplier's account lacks to stand for so many Wh of connections, base units."""
    found, config = standing(client), client.config()
    return max(0, config.ring_size * config.margin_price * (cover - found.cover) - found.free)


def cover_with(client: MarketClient, newcomers: Iterable[Registration]) -> int:
    """The cover that registering some more participants takes, Wh."""
    config, registered = client.config(), client.registry.functions.totalEnergyLimit().call()
    return int(registered) + sum(_carried(config, newcomer) for newcomer in newcomers)


def require_cover(client: MarketClient, newcomers: Iterable[Registration]) -> None:
    """See whether the supplier stands for some more participants.

    Raises:
        CoverMissing: it does not.
    """
    needed = cover_with(client, newcomers)
    cover = int(client.registry.functions.supplierCover().call())
    if needed > cover:
        raise CoverMissing(cover, needed, lacking(client, needed))


def _carried(config: MarketConfig, newcomer: Registration) -> int:
    limits = newcomer.participant.import_limit, newcomer.participant.export_limit
    return sum(map(config.energy_limit, limits))


class Supplier:
    """The supplier with its wallet, which is account 0's.

    Attributes:
        wallet: the account.
    """

    def __init__(self, wallet: Wallet) -> None:
        """
        Raises:
            InputError: the wallet is another account's.
        """
        if wallet.account != SystemAccount.SUPPLIER:
            raise InputError(f"account {wallet.account} is not the supplier's: its account is 0")
        self.wallet = wallet

    def cover(self, wh: int) -> TxReceipt:
        """Stand for so many Wh of connection limit in an interval, of all who were ever registered.

        What the account lacks for it is paid in first, from the wallet's tokens: an account that lacks it
        keeps every interval from opening.

        Raises:
            InputError: more is registered, or the wallet has too few tokens; nothing was sent.
        """
        client, registry = self.wallet.client, self.wallet.client.registry.functions
        registered = int(registry.totalEnergyLimit().call())
        if not registered <= wh < 1 << 64:
            raise InputError(
                f"cover {wh}: connections of {registered} Wh are registered; cover at least these"
            )
        missing = lacking(client, wh)
        if missing:
            tokens = int(client.payment_token.functions.balanceOf(client.sender.address).call())
            if tokens < missing:
                raise InputError(
                    f"cover {wh}: takes a deposit of {missing} base units, and the wallet "
                    f"{client.sender.address} has {tokens}: send it {missing - tokens} more"
                )
            deposit_together([(self.wallet, missing)])
        return client.sender.send(registry.setSupplierCover(wh))

    def accept_tariff(self, first: int, tariff: Tariff) -> TxReceipt:
        """Let the tariff count that the operator proposes from an interval on.

        Raises:
            ContractReverted: `NotProposed`, or `TooSoon` by now.
        """
        registry = self.wallet.client.registry.functions
        return self.wallet.client.sender.send(registry.acceptTariff(first, astuple(tariff)))

    def suspend(self, account: int, suspended: bool = True) -> TxReceipt:
        """Take no more orders of a participant, or no longer keep them from being taken."""
        registry = self.wallet.client.registry.functions
        return self.wallet.client.sender.send(registry.setSuspended(account, suspended))
