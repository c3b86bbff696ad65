"""The text in a file that somebody hands in: its encoding found, and what is no text named."""

from __future__ import annotations

import codecs
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from peerwatt.errors import InputError

MEBIBYTE = 1 << 20
MAX_FILE_BYTES = 256 * MEBIBYTE
"""Far above a year of seconds; what is larger is no table of a meter or of a neighbourhood."""

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
"""How a file begins that says its encoding; UTF-32's first two bytes are those of UTF-16."""

NO_TEXT = (
    (b"PK\x03\x04", "a ZIP archive, as an Excel workbook (.xlsx) is: save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls): save the sheet as CSV"),
    (b"%PDF", "a PDF: ask for the data as CSV"),
    (b"PAR1", "Parquet: write it as CSV"),
    (b"SQLite format 3", "an SQLite database: export the table as CSV"),
)
"""What people hand in under a table's name, by its first bytes."""

WESTERN = frozenset((*map(chr, range(128)), *map(chr, range(0xC0, 0x100)), *"€°µ²³§·´«»½"))
"""What texts of western Europe in cp1252 consist of: a table has too few letters for a library to tell."""

GREEN_BUTTON = ("naesb.org/espi", "IntervalReading", "IntervalBlock")
GZIP = b"\x1f\x8b"
_SAMPLE = 4096


@dataclass(frozen=True)
class Text:
    """A file's text.

    Attributes:
        text: decoded, without byte order mark, line ends as they were.
        encoding: its name, as people say it.
        certain: whether the bytes themselves say so; otherwise a library's best guess.
    """

    text: str
    encoding: str
    certain: bool


def read_text(path: Path, encoding: str | None = None) -> Text:
    """Read a file that is meant to be text; what is packed with gzip is unpacked.

    Args:
        path: the file.
        encoding: its encoding, where somebody knows it.

    Raises:
        InputError: it cannot be read, or is something else; without the path.
    """
    raw = _bytes(path)
    if raw.startswith(GZIP) or path.suffix.lower() == ".gz":
        raw = _unpacked(raw)
    for start, what in NO_TEXT:
        if raw.startswith(start):
            raise InputError(f"is {what}")
    if encoding is not None:
        return _named(raw, encoding)
    for mark, codec, name in BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return _decoded(raw, codec, name)
    if b"\0" in raw:
        return _without_mark(raw)
    try:
        return Text(raw.decode("utf-8"), "UTF-8", True)
    except UnicodeDecodeError as error:
        return _guessed(raw, error)


def not_utf8(text: Text, what: str) -> str | None:
    """Why a text of which every character counts is refused, or None where its encoding is certain."""
    if text.certain:
        return None
    return (
        f"is not UTF-8 text; it looks like {text.encoding}, and {what} must be exact: save it as UTF-8 "
        "(Excel: CSV UTF-8)"
    )


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputError("is a directory, not a file")
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise InputError("no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > MAX_FILE_BYTES:
        raise InputError(f"is larger than {MAX_FILE_BYTES // MEBIBYTE} MiB: no table of this kind; split it")
    return raw


def _unpacked(raw: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(raw, MAX_FILE_BYTES + 1)
        if len(found) <= MAX_FILE_BYTES and not unpacker.unconsumed_tail:
            # all members of the archive, checksums compared
            return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error):
        raise InputError("cannot be unpacked: it is damaged, cut short, or not packed with gzip") from None
    raise InputError(
        f"unpacks to more than {MAX_FILE_BYTES // MEBIBYTE} MiB: no table of this kind; split it"
    )


def refuse_markup(text: str) -> None:
    """Refuse what is text and no table.

    Raises:
        InputError: it is XML, HTML or JSON; named, without the path.
    """
    start = text[:_SAMPLE].lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        raise InputError("is a web page (HTML), not CSV: some portals name it .xls or .csv; save it as CSV")
    if start.startswith("<"):
        if any(word in text for word in GREEN_BUTTON):
            raise InputError(
                "is Green Button data (ESPI XML), not CSV: download the CSV, which the same portals offer"
            )
        raise InputError("is XML, not CSV: export it as CSV")
    if start.startswith(("{", "[{")):
        raise InputError("is JSON, not CSV: export it as CSV")


def _named(raw: bytes, encoding: str) -> Text:
    try:
        codec = codecs.lookup(encoding).name
    except LookupError:
        raise InputError(
            f"there is no encoding {encoding!r}: utf-8, utf-16, cp1252 and latin-1 are usual"
        ) from None
    return _decoded(raw, "utf-8-sig" if codec == "utf-8" else codec, encoding)


def _decoded(raw: bytes, codec: str, name: str) -> Text:
    try:
        return Text(raw.decode(codec), name, True)
    except (UnicodeError, LookupError) as error:
        reason = (
            f"{error.reason} at byte {error.start}" if isinstance(error, UnicodeDecodeError) else str(error)
        )
        raise InputError(f"is not {name} text: {reason}") from None


def _without_mark(raw: bytes) -> Text:
    """UTF-16 whose writer left the mark out: every other byte of digits and commas is zero."""
    even, odd = raw[0:_SAMPLE:2], raw[1:_SAMPLE:2]
    for codec, zeros, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > 0.9 * len(zeros) and letters.count(0) < 0.1 * len(letters):
            return _decoded(raw, codec, "UTF-16 without byte order mark")
    raise InputError("is not text: it has zero bytes, as a lock file or a program's own format has")


def _guessed(raw: bytes, error: UnicodeDecodeError) -> Text:
    try:
        western = raw.decode("cp1252")
    except UnicodeDecodeError:
        western = ""
    if western and WESTERN.issuperset(western):
        return Text(western, "cp1252 (Windows)", False)
    # slow to import, and nearly all files are UTF-8
    from charset_normalizer import from_bytes

    best = from_bytes(raw).best()
    if best is None:
        raise InputError(f"is not UTF-8 text: {error.reason} at byte {error.start}")
    return Text(str(best), best.encoding, False)
