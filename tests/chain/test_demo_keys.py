"""Demonstration keys follow from seed, role and index alone."""

from eth_utils import keccak

from peerwatt.chain import demo_account, demo_private_key


def test_key_is_the_stated_hash() -> None:
    assert demo_private_key(7, "meter", 3) == keccak(text="peerwatt demo key|7|meter|3")


def test_seed_role_and_index_each_make_another_key() -> None:
    keys = {demo_private_key(*what) for what in [(1, "a", 0), (2, "a", 0), (1, "b", 0), (1, "a", 1)]}
    assert len(keys) == 4


def test_account_belongs_to_the_key() -> None:
    assert bytes(demo_account(1, "a").key) == demo_private_key(1, "a")
