"""The hashes by which the market commits to data that it does not store.

A batch's word starts as the commitment to its records and grows by one hash per phase that added something:
``posted``, then ``gated``, then ``metered``. Whoever settles shows the data again and the hashes must agree.
A tag tells the two later kinds apart, so that nobody can show readings as if they were decisions.
"""

from collections.abc import Iterable
from typing import Final

from eth_hash.auto import keccak

from peerwatt.messages.domain import word

ZERO_HASH: Final = bytes(32)

_GATED_TAG: Final = b"\x01"
_METERED_TAG: Final = b"\x02"


def posted_commitment(interval: int, batch: int, records: bytes) -> bytes:
    """A batch's word after ``post``.

    Args:
        interval: Number of the delivery period.
        batch: Number of the batch in the interval, from 0.
        records: The packed records of the orders that were not skipped.
    """
    return keccak(interval.to_bytes(4, "big") + batch.to_bytes(2, "big") + records)


def gated_commitment(commitment: bytes, decisions: bytes) -> bytes:
    """A batch's word after a report that carried decisions."""
    return keccak(_GATED_TAG + commitment + keccak(decisions))


def metered_commitment(commitment: bytes, readings: bytes) -> bytes:
    """A batch's word after its readings were attested or overruled."""
    return keccak(_METERED_TAG + commitment + keccak(readings))


def batches_hash(posted: Iterable[bytes]) -> bytes:
    """The hash chain over an interval's batches in posting order: ``h' = keccak256(h || posted)``."""
    chain = ZERO_HASH
    for commitment in posted:
        chain = keccak(chain + commitment)
    return chain


def clearing_hash(interval: int, clearing_word: int, batches: bytes) -> bytes:
    """The outcome that a network report judges.

    Args:
        interval: Number of the delivery period.
        clearing_word: The clearing word as it stood right after clearing.
        batches: The interval's ``batches_hash``.
    """
    return keccak(word(interval) + word(clearing_word) + batches)


def decisions_hash(decisions: Iterable[bytes]) -> bytes:
    """The hash of the packed decisions of all batches; zero for a report that carries none."""
    hashes = b"".join(map(keccak, decisions))
    return keccak(hashes) if hashes else ZERO_HASH


def readings_hash(readings: Iterable[bytes]) -> bytes:
    """The hash of the packed readings of all batches, however many there are."""
    return keccak(b"".join(map(keccak, readings)))
