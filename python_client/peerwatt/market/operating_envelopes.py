"""Limits below those of the connections, published per page and interval, that orders must keep."""

from collections.abc import Sequence

from peerwatt.market.errors import (
    AlreadyPublished,
    GateClosed,
    LimitTooHigh,
    NotYetOpen,
    UnknownPage,
    WrongLength,
)
from peerwatt.market.market_rules import MarketConfig
from peerwatt.messages import ROSTER_PAGE, EnvelopeLimits, OperatingEnvelope


class OperatingEnvelopes:
    """The twin of the contract of that name. Whether a quorum signed is the chain's alone.

    Attributes:
        config: The market's parameters.
    """

    def __init__(self, config: MarketConfig) -> None:
        self.config = config
        self._limits: dict[tuple[int, int], tuple[EnvelopeLimits, ...]] = {}

    def publish(
        self, envelope: OperatingEnvelope, connections: Sequence[EnvelopeLimits], *, now: int | None = None
    ) -> None:
        """Take the envelope of one page and interval; the first counts.

        Args:
            envelope: What the committee signed.
            connections: What every account's connection can carry, the system accounts included.
            now: Unix time, or None to leave the clock out.

        Raises:
            NotYetOpen: The interval lies too far ahead.
            GateClosed: Gate closure has passed.
            AlreadyPublished: The page has limits for this interval.
            UnknownPage: There is no such page of participants.
            WrongLength: There is not one entry for everybody in the page.
            LimitTooHigh: A limit is above the connection's.
        """
        interval, page = envelope.interval, envelope.page
        if now is not None and interval > self.config.last_open(now):
            raise NotYetOpen(
                f"Interval {interval} takes no envelopes yet: the last open one is "
                f"{self.config.last_open(now)}."
            )
        closure = self.config.gate_closure(interval)
        if now is not None and now >= closure:
            raise GateClosed(f"Interval {interval} takes no more envelopes: its gate closed at {closure}.")
        if (interval, page) in self._limits:
            raise AlreadyPublished(f"Page {page} of interval {interval} has its limits: the first count.")
        members = connections[page * ROSTER_PAGE : (page + 1) * ROSTER_PAGE]
        if not members:
            raise UnknownPage(f"There is no page {page}: {len(connections)} accounts are registered.")
        if len(envelope.limits) != len(members):
            raise WrongLength(
                f"Page {page} has {len(members)} accounts, not {len(envelope.limits)}: give each its limits."
            )
        for (account, limits), connection in zip(envelope.by_account, members, strict=True):
            if limits.imported > connection.imported or limits.exported > connection.exported:
                raise LimitTooHigh(
                    f"Account {account} cannot carry {limits}: its connection is {connection}."
                )
        self._limits[interval, page] = envelope.limits

    def of(self, interval: int, account: int) -> EnvelopeLimits | None:
        """An account's limits in an interval; None where none were published for it."""
        page, place = divmod(account, ROSTER_PAGE)
        limits = self._limits.get((interval, page), ())
        return limits[place] if place < len(limits) else None

    def forget(self, before: int) -> None:
        """Drop the limits of the intervals before one."""
        self._limits = {key: limits for key, limits in self._limits.items() if key[0] >= before}
