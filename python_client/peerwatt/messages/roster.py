"""Participants and their limits, as the registry and the operating envelopes pack them.

Participants lie in pages of contract code, 96 accounts to a page. The registry keeps one word of each page, a
bit for each account that is suspended and the address of the code that holds the entries::

    255..160    159..0
    suspended   code

The code is a byte that is no entry's, then 52 bytes an account; the entries of system accounts are zero::

    415..256    255..224            223..192            191..176             175..160             159..0
    order key   import limit, Wh    export limit, Wh    import, 100 W each   export, 100 W each   meter key

An envelope names limits in 32 bits an account, and the chain keeps them as energies in 64::

    31..16               15..0                  63..32             31..0
    import, 100 W each   export, 100 W each     import limit, Wh   export limit, Wh
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from peerwatt.messages.errors import CodecError, require_uint
from peerwatt.messages.packed_word import Field
from peerwatt.messages.vocabulary import POWER_BITS

ROSTER_PAGE: Final = 96
"""Accounts that one page of the registry holds, and one envelope speaks of."""

PAGE_CODE: Final = Field(0, 160)

ENTRY_LENGTH: Final = 52
"""Bytes of one account in a page of the registry."""
ENTRY_POWERS: Final = Field(160, 32)

LIMITS_LENGTH: Final = 4
"""Bytes of one account's limits in an envelope."""
IMPORT_POWER: Final = Field(16, POWER_BITS)
EXPORT_POWER: Final = Field(0, POWER_BITS)

MAX_CONNECTION_LIMIT: Final = EXPORT_POWER.largest
"""Largest limit of a connection, units of 100 W."""

ENERGIES_LENGTH: Final = 8
"""Bytes of one account's limits as the chain keeps an envelope's."""
IMPORT_ENERGY: Final = Field(32, 32)
EXPORT_ENERGY: Final = Field(0, 32)


@dataclass(frozen=True, slots=True)
class EnvelopeLimits:
    """How much one connection may be offered to import and export, in the unit of connection limits.

    Attributes:
        imported: Units of 100 W.
        exported: Units of 100 W.

    Raises:
        FieldError: A limit does not fit 16 bits.
    """

    imported: int
    exported: int

    def __post_init__(self) -> None:
        require_uint(self.imported, IMPORT_POWER.bits, "EnvelopeLimits.imported")
        require_uint(self.exported, EXPORT_POWER.bits, "EnvelopeLimits.exported")


NO_LIMITS: Final = EnvelopeLimits(0, 0)
"""Nothing may be offered; also the entry of a system account, which offers nothing."""


def encode_limits(limits: Iterable[EnvelopeLimits]) -> bytes:
    """Pack the limits of an envelope."""
    return b"".join(
        (IMPORT_POWER.holding(each.imported) | EXPORT_POWER.holding(each.exported)).to_bytes(
            LIMITS_LENGTH, "big"
        )
        for each in limits
    )


def decode_limits(packed: bytes) -> tuple[EnvelopeLimits, ...]:
    """Read the limits of an envelope back.

    Raises:
        CodecError: The bytes end within an entry.
    """
    return tuple(map(_limits, _accounts(packed, LIMITS_LENGTH)))


def decode_energy_limits(packed: bytes) -> tuple[tuple[int, int], ...]:
    """Read the limits that the chain keeps of an envelope.

    Returns:
        Per account what it may import and export in the interval, Wh.

    Raises:
        CodecError: The bytes end within an entry.
    """
    return tuple(
        (IMPORT_ENERGY.of(pair), EXPORT_ENERGY.of(pair)) for pair in _accounts(packed, ENERGIES_LENGTH)
    )


def page_code(word: int) -> bytes:
    """The address, 20 bytes, of the code that holds the entries of a page."""
    return PAGE_CODE.of(word).to_bytes(PAGE_CODE.bits // 8, "big")


def connection_limits(code: bytes) -> tuple[EnvelopeLimits, ...]:
    """What the connections of a page can carry; ``NO_LIMITS`` for a system account.

    Args:
        code: The code at the page's address; empty for a page without accounts.

    Raises:
        CodecError: The code ends within an entry.
    """
    return tuple(_limits(ENTRY_POWERS.of(entry)) for entry in _accounts(code[1:], ENTRY_LENGTH))


def _limits(pair: int) -> EnvelopeLimits:
    return EnvelopeLimits(IMPORT_POWER.of(pair), EXPORT_POWER.of(pair))


def _accounts(packed: bytes, width: int) -> Iterable[int]:
    """The entries of a vector that has one for each account of a page."""
    if len(packed) % width:
        raise CodecError(f"limits: {len(packed)} bytes: give {width} for each participant.")
    return (int.from_bytes(packed[at : at + width], "big") for at in range(0, len(packed), width))
