"""How what the community's account kept is paid back: in proportion to everybody's peer energy, exactly.

Where buyers pay more than sellers get, the difference is kept by the community's account. It is its members':
whoever sold or bought a Wh among peers has the same share of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from peerwatt.record.interval_log import IntervalLog


class PeerEnergy:
    """What each participant sold and bought among peers, counted interval by interval.

    Attributes:
        traded_wh: by account.
    """

    def __init__(self) -> None:
        self.traded_wh: Counter[int] = Counter()

    def take(self, log: IntervalLog) -> None:
        """Count what was accepted in an interval."""
        for account, accepted in log.accepted.items():
            self.traded_wh[account] += accepted.sell + accepted.buy


def community_shares(kept: int, traded_wh: Mapping[int, int]) -> dict[int, int]:
    """Share an amount in proportion to energy, by largest remainders in integers.

    Args:
        kept: what is shared, base units; nothing is where it is not positive.
        traded_wh: peer energy by account.

    Returns:
        Base units by account, which sum to `kept`, of those who get any; nothing where nobody traded.
    """
    total = sum(traded_wh.values())
    if kept <= 0 or total <= 0:
        return {}
    shares = {account: kept * energy // total for account, energy in traded_wh.items()}
    missing = kept - sum(shares.values())
    first = sorted(traded_wh, key=lambda account: (-(kept * traded_wh[account] % total), account))
    for account in first[:missing]:
        shares[account] += 1
    return {account: amount for account, amount in sorted(shares.items()) if amount}
