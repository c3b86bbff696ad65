"""The market's operator: registers participants and suspends them."""

from __future__ import annotations

from typing import Final

from peerwatt.client import MarketClient
from peerwatt.client.market import Registration
from peerwatt.roles.appointments import Action


class Operator:
    """The operator, with its key. It cannot touch an account."""

    actions: Final = frozenset[Action]()

    def __init__(self, client: MarketClient) -> None:
        """
        Args:
            client: the market, through the operator's key.
        """
        self._client = client
        self._waiting: list[Registration] = []

    def accept(self, registration: Registration) -> None:
        """Let somebody in with the next step; accounts are given in the order of acceptance."""
        self._waiting.append(registration)

    def step(self, now: int) -> None:
        """Register whoever waits, in one transaction.

        Raises:
            ContractReverted: the registry refused one of them; all of them wait still.
        """
        if self._waiting:
            self._client.register(self._waiting)
            self._waiting.clear()
