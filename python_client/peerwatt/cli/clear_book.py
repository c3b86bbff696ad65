"""`peerwatt clear-book`: clear a book of bids and asks by the reference twin."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from peerwatt.cli.console import AsJson, print_json
from peerwatt.errors import InputError

_EXAMPLE = '[{"id": "a", "side": "buy", "price": 250, "quantity": 400}, …]'


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("clear-book")(clear_book)


def clear_book(
    book: Annotated[str, typer.Argument(help="JSON file, or - for standard input.", metavar="BOOK.json")],
    as_json: AsJson = True,
) -> None:
    """Clear a book and print price, volume and fills as JSON, with or without --json.

    The book is a list of {"id", "side", "price", "quantity"}: side buy or sell, price in base units per Wh,
    quantity in Wh, both integers.
    """
    from peerwatt.market import clear_book as clear

    entries = _read(book)
    try:
        print_json(clear(entries))
    except InputError as error:
        raise InputError(f"{book}: {error}") from None


def _read(book: str) -> Any:
    try:
        text = sys.stdin.read() if book == "-" else Path(book).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{book}: no such file; give a JSON file such as {_EXAMPLE}") from None
    except OSError as error:
        raise InputError(f"{book}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{book}: is not UTF-8 text: {error.reason} at byte {error.start}") from None
    try:
        return json.loads(text, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        place = f"{book}:{error.lineno}:{error.colno}"
        raise InputError(f"{place}: is not JSON: {error.msg}; a book is {_EXAMPLE}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{book}: cannot be used: {error}") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON lets a key stand twice and the last one win: in a book that is a mistake
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} is given twice in one entry; keep one")
        found[key] = value
    return found
