"""What the market keeps of a batch: one hash, the batch's word. Who calls the market shows the data again.

::

    posted    keccak(interval in 5 bytes, batch in 2, the batch before as posted or zero, records)
    gated     keccak(0x01, posted, keccak(decisions))             if the report carried decisions
    metered   keccak(0x02, posted or gated, keccak(readings))     if readings came
    settled   keccak(0x03, what it was before, terms, clearing)   and again with every correction

A posted word contains the one before it, so the last batch's word commits to the records of all batches. An
interval's number is below 2^32, so the first byte of what is hashed is 0 for a posted word and 1, 2 or 3 for
the others: no word can be taken for one of another step.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from eth_hash.auto import keccak

from peerwatt.messages.domain import word
from peerwatt.messages.terms import TERMS_LENGTH

ZERO_HASH: Final = bytes(32)

GATED_TAG: Final = b"\x01"
METERED_TAG: Final = b"\x02"
_SETTLED_TAG: Final = b"\x03"
_INTERVAL_LENGTH: Final = 5
_BATCH_LENGTH: Final = 2


def posted_commitment(interval: int, batch: int, previous: bytes, records: bytes) -> bytes:
    """A batch's word after ``post``; it commits to the batches before as well.

    Args:
        interval: Number of the delivery period.
        batch: Number of the batch in the interval, from 0.
        previous: 32 bytes, the same of the batch before; ``ZERO_HASH`` for the first.
        records: The packed records of the orders that were not skipped.
    """
    numbers = interval.to_bytes(_INTERVAL_LENGTH, "big") + batch.to_bytes(_BATCH_LENGTH, "big")
    return keccak(numbers + previous + records)


def posted_commitments(interval: int, batches: Iterable[bytes]) -> tuple[bytes, ...]:
    """The words of an interval's batches after ``post``.

    Args:
        interval: Number of the delivery period.
        batches: The packed records of each batch, in posting order, from the first on.
    """
    words: list[bytes] = []
    for number, records in enumerate(batches):
        words.append(posted_commitment(interval, number, words[-1] if words else ZERO_HASH, records))
    return tuple(words)


def gated_commitment(commitment: bytes, decisions: bytes) -> bytes:
    """A batch's word after a report that carried decisions."""
    return keccak(GATED_TAG + commitment + keccak(decisions))


def metered_commitment(commitment: bytes, readings: bytes) -> bytes:
    """A batch's word after its readings were attested or overruled."""
    return keccak(METERED_TAG + commitment + keccak(readings))


def settled_commitment(commitment: bytes, terms_word: int, clearing_word: int) -> bytes:
    """A batch's word after it was settled or corrected.

    Args:
        commitment: Its word before it was first settled, with the readings that it is now settled by.
        terms_word: The packed terms of ``BatchSettled`` or ``BatchCorrected``.
        clearing_word: The clearing of that event.
    """
    return keccak(_SETTLED_TAG + commitment + terms_word.to_bytes(TERMS_LENGTH, "big") + word(clearing_word))


def clearing_hash(interval: int, clearing_word: int, posted: Sequence[bytes]) -> bytes:
    """The outcome that a network report judges.

    Args:
        interval: Number of the delivery period.
        clearing_word: The clearing word as it stood right after clearing.
        posted: The words of the interval's batches after ``post``, of which the last commits to all.
    """
    return keccak(word(interval) + word(clearing_word) + (posted[-1] if posted else ZERO_HASH))


def decisions_hash(decisions: Iterable[bytes]) -> bytes:
    """The hash of the packed decisions of all batches; zero for a report that carries none."""
    hashes = b"".join(map(keccak, decisions))
    return keccak(hashes) if hashes else ZERO_HASH


def metered_hash(commitments: Iterable[bytes], readings: Iterable[bytes]) -> bytes:
    """The hash of all batches' words with their readings, which an attestation signs.

    Args:
        commitments: The words of the interval's batches before there are readings.
        readings: Packed, of each batch; of an empty one the word stays as it is.
    """
    both = zip(commitments, readings, strict=True)
    return keccak(b"".join(metered_commitment(word, packed) if packed else word for word, packed in both))
