"""What the community's account kept, paid back on chain once the last interval is settled.

The community's wallet withdraws it and pays it into the accounts of those who traded: two kinds of calls that
every market has. Nothing in the contracts knows of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from peerwatt.chain import Network, send_together
from peerwatt.client import Wallet
from peerwatt.market.ledger import SystemAccount
from peerwatt.record.community_shares import community_shares
from peerwatt.replay.founding import ETHER_PER_KEY
from peerwatt.replay.watched import Watched
from peerwatt.scenario.keys import PilotKeys


def pay_back(
    market: Watched, network: Network, keys: PilotKeys, traded_wh: Mapping[int, int]
) -> dict[int, int]:
    """Pay back what the community's account holds beyond what it held at first.

    Args:
        market: whose last interval is settled.
        network: its chain.
        keys: of the community's wallet.
        traded_wh: peer energy of each, by account.

    Returns:
        What each was paid, base units by account.
    """
    account = SystemAccount.COMMUNITY
    market.twin.read_books()
    kept = market.twin.books.balances[account][0] - market.initial[account]
    shares = community_shares(kept, traded_wh)
    if not shares:
        return {}
    key = keys.system_wallet(account)
    network.fund({key.address: ETHER_PER_KEY})
    wallet = Wallet(network, market.client.deployment, key, account)
    client = wallet.client
    wallet.withdraw(kept)
    client.sender.send(client.payment_token.functions.approve(client.market.address, kept))
    deposit = client.market.functions.deposit
    send_together(network, [(client.sender, deposit(to, amount)) for to, amount in shares.items()])
    market.view.follow()
    market.twin.compare_books()
    return shares
