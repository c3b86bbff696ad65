"""`peerwatt clear-book`: clear a book of bids and asks by the reference twin."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from peerwatt.cli.console import AsJson, print_json
from peerwatt.errors import InputError
from peerwatt.tables.json_text import load_json
from peerwatt.tables.problems import quoted

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
    from peerwatt.tables.text_of_file import not_utf8, read_text

    if book == "-":
        text = sys.stdin.read().removeprefix("\ufeff")
    else:
        try:
            found = read_text(Path(book))
        except InputError as error:
            raise InputError(f"{book}: {error}; give a JSON file such as {_EXAMPLE}") from None
        if refused := not_utf8(found, "its names"):
            raise InputError(f"{book}: {refused}")
        text = found.text
    try:
        return load_json(text, _unique_keys)
    except json.JSONDecodeError as error:
        place = f"{book}:{error.lineno}:{error.colno}"
        raise InputError(f"{place}: is not JSON: {error.msg}; a book is {_EXAMPLE}") from None
    except InputError as error:
        raise InputError(f"{book}: {error}") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON lets a key stand twice and the last one win: in a book that is a mistake
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InputError(f"key {quoted(key)} is given twice in one entry; keep one")
        found[key] = value
    return found
