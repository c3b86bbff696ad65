"""Market designs of the literature behind one protocol: orders in; allocation, prices and payments out."""

from peerwatt.market.mechanisms.orders import Book, Orders, Terms
from peerwatt.market.mechanisms.outcome import Outcome, Trade
from peerwatt.market.mechanisms.protocol import Mechanism
from peerwatt.market.mechanisms.registry import MECHANISMS, mechanism

__all__ = ["MECHANISMS", "Book", "Mechanism", "Orders", "Outcome", "Terms", "Trade", "mechanism"]
