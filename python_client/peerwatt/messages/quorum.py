"""Who signed a report or envelope: a word with a bit for each member of the committee, the first lowest."""

from collections.abc import Iterable


def signers_word(members: Iterable[int]) -> int:
    """The word in which the bits of these members are set, each named once by its place in the committee."""
    return sum(1 << member for member in members)
