"""Market designs of the literature behind one protocol: orders in; allocation, prices and payments out."""

from peerwatt.market.mechanisms.orders import Book, Orders, Terms
from peerwatt.market.mechanisms.outcome import Outcome, Trade
from peerwatt.market.mechanisms.protocol import Mechanism
from peerwatt.market.mechanisms.registry import DESIGNS, MECHANISMS, design, mechanism

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
