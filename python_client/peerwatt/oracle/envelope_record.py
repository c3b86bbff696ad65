"""What a member signed before gate closures: at most one envelope per interval and page, on disk before it is
shown to anyone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from peerwatt.errors import InputError
from peerwatt.messages import Domain, OperatingEnvelope, decode_limits, encode_limits
from peerwatt.messages.domain import word
from peerwatt.oracle.report_bytes import as_hex

_FIXED_BYTES = 4 * 32
"""Interval, page, and the hashes of feeder and inputs, an ABI word each."""


@dataclass(frozen=True)
class OwnEnvelope:
    """An envelope under one member's signature.

    Attributes:
        envelope: the message.
        digest: 32 bytes, what was signed.
        signature: 64 bytes.
    """

    envelope: OperatingEnvelope
    digest: bytes
    signature: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The envelope and its signature as JSON has it; limits in units of 100 W, by account."""
        return {
            "interval": self.envelope.interval,
            "page": self.envelope.page,
            "feeder_hash": as_hex(self.envelope.feeder_hash),
            "inputs_hash": as_hex(self.envelope.inputs_hash),
            "limits": {
                str(account): {"imported": limits.imported, "exported": limits.exported}
                for account, limits in self.envelope.by_account
            },
            "digest": as_hex(self.digest),
            "signature": as_hex(self.signature),
        }


class EnvelopeRecord:
    """The envelopes that a member signed.

    Args:
        database: of `open_state`, or of `read_state` for reading alone.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def sign_once(
        self, envelopes: Sequence[OperatingEnvelope], domain: Domain, sign: Callable[[bytes], bytes]
    ) -> list[OwnEnvelope]:
        """Sign an interval's envelopes unless some were signed for it: the member stands by those.

        Args:
            envelopes: one for every page of one interval.
            domain: of the contract that takes them.
            sign: from digest to signature.

        Returns:
            What is signed for the interval; it is on disk.
        """
        with self._database:
            # From here to the commit no other process can write: two members on one file still sign once.
            self._database.execute("BEGIN IMMEDIATE")
            found = self.of_interval(envelopes[0].interval)
            if found:
                return found
            digests = [envelope.digest(domain) for envelope in envelopes]
            signed = [
                OwnEnvelope(envelope, digest, sign(digest))
                for envelope, digest in zip(envelopes, digests, strict=True)
            ]
            self._database.executemany(
                "INSERT INTO envelopes VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        own.envelope.interval,
                        own.envelope.page,
                        own.digest,
                        own.signature,
                        encoded_envelope(own.envelope),
                    )
                    for own in signed
                ],
            )
        return signed

    def of_interval(self, interval: int) -> list[OwnEnvelope]:
        """What was signed for an interval, in the order of the pages."""
        rows = self._database.execute(
            "SELECT envelope, digest, signature FROM envelopes WHERE interval = ? ORDER BY page", (interval,)
        )
        return [OwnEnvelope(decoded_envelope(packed), *signed) for packed, *signed in rows]


def encoded_envelope(envelope: OperatingEnvelope) -> bytes:
    """An envelope in bytes: its first four fields as ABI words, then its limits."""
    fixed = word(envelope.interval) + word(envelope.page) + envelope.feeder_hash + envelope.inputs_hash
    return fixed + encode_limits(envelope.limits)


def decoded_envelope(packed: bytes) -> OperatingEnvelope:
    """The envelope that `encoded_envelope` packed.

    Raises:
        InputError: it is too short for one.
        CodecError: its limits end within an entry.
        FieldError: a number does not fit its field.
    """
    if len(packed) < _FIXED_BYTES:
        raise InputError(f"an envelope has at least {_FIXED_BYTES} bytes, not {len(packed)}")
    interval, page, feeder_hash, inputs_hash = (packed[at : at + 32] for at in range(0, _FIXED_BYTES, 32))
    return OperatingEnvelope(
        int.from_bytes(interval, "big"),
        int.from_bytes(page, "big"),
        feeder_hash,
        inputs_hash,
        decode_limits(packed[_FIXED_BYTES:]),
    )
