"""A small sealed market, and a relayer's key with bonds to give."""

from __future__ import annotations

from dataclasses import dataclass, replace

from peerwatt.chain import Sender
from peerwatt.client import MarketClient, SealedPhase
from peerwatt.replay.founding import ETHER_PER_KEY
from tests.client.conftest import CONFIG, SmallMarket

BOND = 5_000_000
BONDS = 100
"""How many the relayer can give at once."""
SEALED = replace(CONFIG, reveal_window=60, bond=BOND, ring_size=64)


@dataclass(frozen=True)
class SealedMarket:
    """The market through its relayer, and through everybody else.

    Attributes:
        small: the market's parties.
        client: through the relayer's key, which holds `BONDS` bonds.
    """

    small: SmallMarket
    client: MarketClient

    @classmethod
    def of(cls, small: SmallMarket, bonds: int = BONDS) -> SealedMarket:
        """Give the relayer its purse."""
        key = small.keys.relayer
        small.network.fund({key.address: ETHER_PER_KEY})
        client = MarketClient(small.network, small.deployment, Sender(small.network, key))
        small.client.sender.send(client.payment_token.functions.mint(key.address, bonds * BOND))
        return cls(small, client)

    @property
    def purse(self) -> int:
        """What the relayer has and is owed, in bonds."""
        tokens = self.client.payment_token.functions.balanceOf(self.client.sender.address).call()
        tokens += SealedPhase(self.client).owed()
        assert tokens % BOND == 0
        return int(tokens) // BOND

    @property
    def bonds_out(self) -> int:
        """Batches that are committed to, and neither revealed nor forfeited."""
        events = self.small.deployment.contract(self.small.network, "SealedBatches").events
        over = sum(
            len(events[name]().get_logs(from_block=0)) for name in ("Revealed", "Returned", "Forfeited")
        )
        return len(events.Committed().get_logs(from_block=0)) - over

    def commitments(self, interval: int) -> list[bytes]:
        """The seals that were ever committed to for an interval, as often as they were."""
        contract = self.small.deployment.contract(self.small.network, "SealedBatches")
        events = contract.events.Committed().get_logs(from_block=0, argument_filters={"interval": interval})
        return [bytes(event["args"]["seal"]) for event in events]
