"""The market's operator: registers and suspends participants, proposes tariffs, schedules committees."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import astuple
from typing import Final

from eth_typing import ChecksumAddress

from peerwatt.chain import Call, ContractReverted
from peerwatt.client import MarketClient
from peerwatt.client.market import Registration
from peerwatt.client.supplier import require_cover
from peerwatt.market.market_rules import Tariff
from peerwatt.roles.appointments import Action

log: Final = logging.getLogger(__name__)


class Operator:
    """The operator, with its key, which also administers the oracle's committee."""

    actions: Final = frozenset[Action]()

    def __init__(self, client: MarketClient) -> None:
        """
        Args:
            client: the market, through the operator's key.
        """
        self._client = client
        self._registrations: list[Registration] = []
        self._changes: list[tuple[str, Call]] = []

    # What it is asked for; done with the next step, in this order

    def accept(self, registration: Registration) -> None:
        """Let somebody in; accounts are given in the order of acceptance."""
        self._registrations.append(registration)

    def suspend(self, account: int, suspended: bool = True) -> None:
        """Take no more orders of a participant, or take them again. What it has posted still settles."""
        call = self._client.registry.functions.setSuspended(account, suspended)
        self._changes.append((f"{'suspend' if suspended else 'readmit'} account {account}", call))

    def propose_tariff(self, first: int, tariff: Tariff) -> None:
        """Ask the supplier to let other prices count from an interval on that takes no orders yet."""
        call = self._client.registry.functions.proposeTariff(first, astuple(tariff))
        self._changes.append((f"propose the tariff from interval {first} on", call))

    def schedule_committee(self, first: int, members: Sequence[ChecksumAddress], quorum: int) -> None:
        """Let another committee report from an interval on that does not take orders yet."""
        call = self._client.gate.functions.scheduleCommittee(first, list(members), quorum)
        self._changes.append((f"committee from interval {first} on", call))

    def step(self, now: int) -> None:
        """Register whoever waits, in one transaction, and make every change that was asked for.

        A change that the contracts refuse is logged with their reason, and keeps no other back.

        Raises:
            CoverMissing: the supplier does not stand for them; all of them wait still.
            ContractReverted: the registry refused a registration; all of them wait still.
        """
        if self._registrations:
            require_cover(self._client, self._registrations)
            self._client.register(self._registrations)
            self._registrations.clear()
        changes, self._changes = self._changes, []
        for what, call in changes:
            try:
                self._client.sender.send(call)
            except ContractReverted as refused:
                log.warning("%s: refused: %s", what, refused)
