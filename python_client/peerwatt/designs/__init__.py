"""Market designs of the literature behind one protocol: orders in; allocation, prices and payments out."""

from peerwatt.designs.orders import Book, Orders, Terms
from peerwatt.designs.outcome import Outcome, Trade
from peerwatt.designs.protocol import Mechanism
from peerwatt.designs.registry import DESIGNS, MECHANISMS, design, mechanism

__all__ = [
    "DESIGNS",
    "MECHANISMS",
    "Book",
    "Mechanism",
    "Orders",
    "Outcome",
    "Terms",
    "Trade",
    "design",
    "mechanism",
]
