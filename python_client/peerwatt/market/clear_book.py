"""A one-off call auction on a list of bids and asks, for anyone who wants to check a book by hand.

The matching, the price and the sharing at the margin are those of the market; prices are base units per Wh
directly instead of ticks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypedDict

from peerwatt.errors import InputError
from peerwatt.market.auction import cross
from peerwatt.market.merit_order import Level, MarginalLevel
from peerwatt.market.pro_rata import share
from peerwatt.messages import Side
from peerwatt.messages.vocabulary import VOLUME_BITS
from peerwatt.tables.problems import SHOWN, quoted

MAX_QUANTITY: Final = (1 << VOLUME_BITS) - 1
"""Largest quantity of one entry, Wh: what the market's volume field holds, about 1.1 TWh."""

MAX_PRICE: Final = (1 << 32) - 1
"""Largest price of one entry, base units per Wh."""

_FIELDS: Final = ("id", "side", "price", "quantity")
_SIDES: Final = {"buy": Side.BUY, "bid": Side.BUY, "sell": Side.SELL, "ask": Side.SELL}

Id = str | int
"""Name of an entry."""


class BookResult(TypedDict):
    """The clearing of a book.

    Attributes:
        price: Uniform price, base units per Wh; None when nothing trades.
        volume: Matched energy, Wh.
        fills: Wh of every entry, 0 where it did not trade.
    """

    price: int | None
    volume: int
    fills: dict[Id, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One bid or ask.

    Attributes:
        id: Its name, unique in the book.
        side: Buy or sell.
        price: Limit price, base units per Wh.
        quantity: Energy offered, Wh.
    """

    id: Id
    side: Side
    price: int
    quantity: int


def clear_book(entries: object) -> BookResult:
    """Clear a book of bids and asks.

    The price is the midpoint, rounded down, of the prices that clear the book. Entries at the marginal price
    share what is left for them pro rata, in whole Wh and in the order of the list, see ``pro_rata``.

    Args:
        entries: A list of ``{"id", "side", "price", "quantity"}``: the side ``buy`` (or ``bid``) or ``sell``
            (or ``ask``), price in base units per Wh, quantity in Wh, both integers.

    Raises:
        InputError: The book is no list, or an entry cannot be used; the error names the entry and the field.
    """
    book = parse_book(entries)
    bids = [entry for entry in book if entry.side == Side.BUY]
    asks = [entry for entry in book if entry.side == Side.SELL]
    fills: dict[Id, int] = {entry.id: 0 for entry in book}
    crossing = cross(merit_order(bids, Side.BUY), merit_order(asks, Side.SELL))
    if crossing is None:
        return {"price": None, "volume": 0, "fills": fills}
    fills |= fill_side(bids, crossing.bid, Side.BUY)
    fills |= fill_side(asks, crossing.ask, Side.SELL)
    return {"price": crossing.price, "volume": crossing.volume, "fills": fills}


def merit_order(entries: Iterable[Entry], side: Side) -> list[Level]:
    """The entries of one side as levels, best price first."""
    totals: dict[int, int] = {}
    for entry in entries:
        totals[entry.price] = totals.get(entry.price, 0) + entry.quantity
    return [Level(price, totals[price]) for price in sorted(totals, reverse=side == Side.BUY)]


def fill_side(entries: Iterable[Entry], marginal: MarginalLevel, side: Side) -> dict[Id, int]:
    """What every entry of one side gets, Wh."""
    fills: dict[Id, int] = {}
    queued = 0
    for entry in entries:
        if entry.price == marginal.price:
            fills[entry.id] = share(queued, entry.quantity, marginal.filled, marginal.total)
            queued += entry.quantity
        else:
            better = entry.price > marginal.price if side == Side.BUY else entry.price < marginal.price
            fills[entry.id] = entry.quantity if better else 0
    return fills


def parse_book(entries: object) -> list[Entry]:
    """Read a book, strictly.

    Raises:
        InputError: The book is no list, or an entry cannot be used.
    """
    if not isinstance(entries, list):
        raise InputError(f"The book is of type {type(entries).__name__}: give a list of entries.")
    book = [_parse_entry(entry, number) for number, entry in enumerate(entries, start=1)]
    first_with: dict[str, int] = {}
    for number, entry in enumerate(book, start=1):
        # JSON has no integer keys: ids that look alike there are alike.
        if (earlier := first_with.setdefault(str(entry.id), number)) != number:
            raise InputError(
                f"Entry {number}: id {_shown(entry.id)} is taken by entry {earlier}; give every entry its "
                "own."
            )
    return book


def _parse_entry(entry: object, number: int) -> Entry:
    try:
        return _read_entry(entry)
    except InputError as error:
        named = f" (id {_shown(entry['id'])})" if isinstance(entry, Mapping) and "id" in entry else ""
        raise InputError(f"Entry {number}{named}: {error}") from None


def _read_entry(entry: object) -> Entry:
    if not isinstance(entry, Mapping):
        raise InputError(f"it is {_shown(entry)}; give an object with {', '.join(_FIELDS)}.")
    for key in entry:
        if key not in _FIELDS:
            raise InputError(f"unknown key {_shown(key)}; allowed are {', '.join(_FIELDS)}.")
    for key in _FIELDS:
        if key not in entry:
            raise InputError(f"{key} is missing; every entry needs {', '.join(_FIELDS)}.")
    name, side = entry["id"], entry["side"]
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        raise InputError("id must be a name or an integer.")
    if not isinstance(side, str) or side not in _SIDES:
        raise InputError(f"side is {_shown(side)}; use buy (or bid) or sell (or ask).")
    price = _read_integer(entry["price"], 0, MAX_PRICE, "price", "base units per Wh")
    quantity = _read_integer(entry["quantity"], 1, MAX_QUANTITY, "quantity", "Wh")
    return Entry(name, _SIDES[side], price, quantity)


def _read_integer(value: object, least: int, most: int, field: str, unit: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(f"{field} is {_shown(value)}; give an integer from {least} to {most} ({unit}).")
    return value


def _shown(value: object) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)[:SHOWN]
