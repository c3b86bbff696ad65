"""Every key of a pilot on a local chain, derived from its seed: for demonstration, worthless elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from peerwatt.chain import demo_account, demo_private_key


@dataclass(frozen=True)
class PilotKeys:
    """The keys of one pilot.

    Attributes:
        seed: what all of them follow from.
    """

    seed: int

    @property
    def operator(self) -> LocalAccount:
        """Registers participants and schedules the committee."""
        return demo_account(self.seed, "operator")

    @property
    def metering_operator(self) -> LocalAccount:
        """Attests readings."""
        return demo_account(self.seed, "metering operator")

    @property
    def relayer(self) -> LocalAccount:
        """Carries everybody's orders."""
        return demo_account(self.seed, "relayer")

    @property
    def keeper(self) -> LocalAccount:
        """Clears, expires and settles."""
        return demo_account(self.seed, "keeper")

    def system_wallet(self, account: int) -> LocalAccount:
        """Wallet of a system account: supplier, grid operator, metering operator, community."""
        return demo_account(self.seed, "system wallet", account)

    def wallet(self, account: int) -> LocalAccount:
        """Holds a participant's money."""
        return demo_account(self.seed, "wallet", account)

    def order_key(self, account: int) -> LocalAccount:
        """Signs a participant's orders."""
        return demo_account(self.seed, "order", account)

    def meter_key(self, account: int) -> LocalAccount:
        """Signs a participant's meter readings."""
        return demo_account(self.seed, "meter", account)

    def salt(self, interval: int) -> bytes:
        """Seals the relayer's batch of an interval, 32 bytes: the same gas in every replay of a seed."""
        return demo_private_key(self.seed, "salt", interval)

    def committee_member(self, index: int) -> LocalAccount:
        """Signs network reports."""
        return demo_account(self.seed, "committee", index)
