"""What the community's account kept goes back to those who traded, to the base unit."""

from __future__ import annotations

import random

from peerwatt.record.community_shares import community_shares


def test_shares_are_in_proportion_and_sum_to_what_was_kept() -> None:
    assert community_shares(100, {4: 1, 5: 3}) == {4: 25, 5: 75}
    assert community_shares(7, {4: 1, 5: 1, 6: 1}) == {4: 3, 5: 2, 6: 2}
    draws = random.Random(1)
    for _ in range(500):
        traded = {account: draws.choice((0, 1, 7, 10**9)) for account in range(draws.randint(1, 6))}
        kept, total = draws.choice((1, 2, 10**12 + 7)), sum(traded.values())
        shares = community_shares(kept, traded)
        assert sum(shares.values()) == (kept if total else 0)
        for account, energy in traded.items():
            assert abs(shares.get(account, 0) * total - kept * energy) < max(total, 1)


def test_nothing_is_shared_where_nothing_was_kept_or_nobody_traded() -> None:
    assert community_shares(0, {4: 9}) == community_shares(-5, {4: 9}) == community_shares(9, {4: 0}) == {}
