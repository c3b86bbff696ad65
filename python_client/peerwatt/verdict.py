"""The verdict on an interval, for the grid gate, the chain, the committee, the record and the report alike.

It lies on the ground, beside the errors: `grid` decides it and `messages` signs it, and neither of these two
rooms imports the other.
"""

from enum import IntEnum
from typing import Final


class Verdict(IntEnum):
    """What the grid gate decided about a cleared interval, in the numbers of the contract (`Terms.sol`).

    As text, in files, tables and pages, a verdict is its name in lower case: ``curtail``.
    """

    NONE = 0
    """Nobody has decided yet."""
    ACCEPT = 1
    """Every fill is accepted."""
    CAP = 2
    """The merit order is accepted up to a smaller volume than was matched."""
    CURTAIL = 3
    """Individual fills are reduced, each by its own entry of the decisions."""
    VOID = 4
    """Nothing is accepted."""
    EXPIRED = 5
    """No report came by its deadline: nothing is accepted, and everybody pays and earns the grid tariff."""

    def __str__(self) -> str:
        return self.name.lower()

    def __format__(self, form: str) -> str:
        return format(str(self), form)

    @classmethod
    def named(cls, text: str) -> "Verdict":
        """The verdict of that name, as `str` writes it.

        Raises:
            ValueError: There is none.
        """
        for verdict in cls:
            if str(verdict) == text:
                return verdict
        raise ValueError(f"{text!r} is no verdict: give one of {', '.join(map(str, cls))}")

    @property
    def cuts(self) -> bool:
        """Whether the network could not carry everything that was cleared and forecast."""
        return self in (Verdict.CAP, Verdict.CURTAIL, Verdict.VOID)

    @property
    def is_unconstrained(self) -> bool:
        """Whether all surplus earns the feed-in tariff, and all that was bought and not drawn.

        Under a constrained grid surplus earns it up to what a report allows: that is what makes an inverter
        obey. What was bought and not drawn earns nothing there: who buys and does not draw would be paid
        before who exports. Where the committee was silent the market falls back to the grid tariff, which
        pays for both.
        """
        return self in (Verdict.ACCEPT, Verdict.EXPIRED)


DECIDED: Final = tuple(verdict for verdict in Verdict if verdict != Verdict.NONE)
"""The verdicts that an interval can have in the end, in the order of their numbers."""
