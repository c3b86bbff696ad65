"""The protocol of every mechanism: a book and terms in, an outcome out."""

from __future__ import annotations

from typing import Protocol

from peerwatt.designs.orders import Book, Terms
from peerwatt.designs.outcome import Outcome

ON_CHAIN = "on chain"
OFF_CHAIN = "off-chain only"


class Entry(Protocol):
    """How a mechanism or a design is listed.

    Attributes:
        name: What it is called on the command line.
        title: One line for people.
        source: The paper it is from.
        runs: `ON_CHAIN` where the market contract has this pricing rule, else `OFF_CHAIN`.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def runs(self) -> str: ...


class Mechanism(Entry, Protocol):
    """Orders in; allocation, prices and payments out. Implementations are frozen dataclasses."""

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        ...
