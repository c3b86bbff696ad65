"""A report as bytes: the ABI words that the contract is given, and hex as JSON has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from peerwatt.errors import InputError
from peerwatt.messages import NetworkReport, Verdict
from peerwatt.messages.domain import word

_REPORT_KINDS = [
    member.split(" ")[0] for member in NetworkReport.TYPE[NetworkReport.TYPE.index("(") + 1 : -1].split(",")
]
REPORT_BYTES = 32 * len(_REPORT_KINDS)
"""One ABI word for each member of the type."""


def encoded(report: NetworkReport) -> bytes:
    """A report as the contract is given it: one ABI word for each of its fields."""
    return b"".join(map(word, report.values().values()))


def decoded(packed: bytes) -> NetworkReport:
    """The report that `encoded` packed.

    Raises:
        InputError: it is none.
    """
    if len(packed) != REPORT_BYTES:
        raise InputError(f"a report has {REPORT_BYTES} bytes, not {len(packed)}")
    words = [packed[at : at + 32] for at in range(0, REPORT_BYTES, 32)]
    read = [
        int.from_bytes(found, "big") if kind.startswith("uint") else found
        for kind, found in zip(_REPORT_KINDS, words, strict=True)
    ]
    try:
        return report_of(read)
    except ValueError as error:
        raise InputError(f"not a report: {error}") from None


def report_of(fields: Iterable[Any]) -> NetworkReport:
    """A report from its fields in the order of its type, as an ABI decoder gives them.

    Raises:
        ValueError: there is no such verdict, or a field does not fit.
    """
    interval, verdict, *others = fields
    return NetworkReport(interval, Verdict(verdict), *others)


def as_hex(data: bytes) -> str:
    """Bytes as they stand in JSON: lower case, with 0x."""
    return "0x" + data.hex()


def from_hex(text: str) -> bytes:
    """The bytes that `as_hex` wrote."""
    return bytes.fromhex(text.removeprefix("0x"))
