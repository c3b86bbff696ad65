"""What a relayer takes in: orders that the market would take, by what is known of it when they come.

Anybody can reach a relayer's port. What a stranger made up must not stand in the way of the owner's own
order, fill the disk, or spend the relayer's gas on what the market refuses.
"""

from __future__ import annotations

from typing import Final

from peerwatt.client import MarketClient, MarketView
from peerwatt.client.market_view import Registered
from peerwatt.errors import InputError
from peerwatt.market.market_rules import MarketConfig
from peerwatt.messages import Side, SignedOrder, SkipReason
from peerwatt.roles.ports import is_signed_by

AHEAD_S: Final = 86_400
"""How long before an interval takes orders a relayer keeps one for it, s: a day ahead is what homes plan."""

MOST_AGAIN: Final = 3
"""How often an account may order again for an interval after the market skipped its order: each costs gas."""

_FINAL: Final = {
    SkipReason.DUPLICATE_ORDER: "the account has an order in that interval already",
    SkipReason.UNKNOWN_PARTICIPANT: "it was registered after the interval had opened: order for a later one",
}
"""Reasons that hold for every order of the account in that interval."""


class Admission:
    """The checks of one relayer."""

    def __init__(self, client: MarketClient, config: MarketConfig, view: MarketView) -> None:
        """
        Args:
            client: the market.
            config: its parameters.
            view: of its chain.
        """
        self._client = client
        self._config = config
        self._view = view
        self._followed = -1

    def require(self, signed: SignedOrder, skipped: tuple[SkipReason, int], now: int) -> None:
        """Refuse an order that the market would not take, now or when it is posted.

        Args:
            signed: the order.
            skipped: why the market left out the account's order for that interval before, if it did, and how
                often it has ordered again.
            now: the chain's clock, Unix time in s.

        Raises:
            InputError: it would not, and why.
        """
        order, config = signed.order, self._config
        where = f"order of account {order.participant} for interval {order.interval}"
        self._require_time(order.interval, where, now)
        if order.participant not in self._view.participants:
            self._follow()
        participant = self._view.participants.get(order.participant)
        if participant is None:
            raise InputError(f"{where}: nobody is registered under that account")
        if order.crosses_itself():
            raise InputError(
                f"{where}: it bids what it asks or more and would buy from itself: ask above the bids"
            )
        if not order.is_canonical():
            raise InputError(f"{where}: give 1 to 8 steps, none empty, in ascending order of side and tick")
        for side, limit in _limits(participant, config).items():
            if order.total(side) > limit:
                raise InputError(
                    f"{where}: {order.total(side)} Wh to {side.name.lower()}, "
                    f"its connection carries {limit} Wh"
                )
        if not is_signed_by(order, signed.signature, self._client.domain, participant.order_key):
            raise InputError(f"{where}: not signed by the account's order key, {participant.order_key}")
        self._require_other_chance(order.participant, where, *skipped)

    def _follow(self) -> None:
        """Look for new participants, once per block: strangers may ask as often as they like."""
        newest = self._client.network.latest_timestamp()
        if newest != self._followed:
            self._view.follow()
            self._followed = newest

    def _require_time(self, interval: int, where: str, now: int) -> None:
        closure = self._config.gate_closure(interval)
        if now >= closure:
            raise InputError(f"{where}: its gate closed {now - closure} s ago: order for a later interval")
        last = self._config.last_open(now + AHEAD_S)
        if interval > last:
            raise InputError(f"{where}: orders are kept up to interval {last}, a day ahead: come again then")

    def _require_other_chance(self, account: int, where: str, skipped: SkipReason, again: int) -> None:
        if again >= MOST_AGAIN:
            raise InputError(f"{where}: the market skipped {again + 1} of them: order for the next interval")
        if skipped in _FINAL:
            raise InputError(f"{where}: the market skipped it: {_FINAL[skipped]}")
        if skipped == SkipReason.BELOW_MARGIN:
            free = int(self._client.market.functions.freeBalance(account).call())
            if free < 0:
                raise InputError(
                    f"{where}: the market skipped it: {-free} base units are missing from the account's "
                    "margin: deposit them and order again"
                )


def _limits(participant: Registered, config: MarketConfig) -> dict[Side, int]:
    """Most that a connection carries in an interval, Wh."""
    limits = participant.limits
    return {
        Side.BUY: config.energy_limit(limits.imported),
        Side.SELL: config.energy_limit(limits.exported),
    }
