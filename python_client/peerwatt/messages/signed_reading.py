"""What a meter signs, and how ``overrule`` carries it: 86 bytes a reading, positions strictly ascending.

::

    687..672   671..640       639..608       607..560              559..512              511..0
    position   imported, Wh   exported, Wh   import register, Wh   export register, Wh   signature
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from peerwatt.messages.domain import Domain, TypedMessage
from peerwatt.messages.errors import CodecError, require_uint
from peerwatt.messages.packed_word import Field, split
from peerwatt.messages.signature import SIGNATURE_LENGTH
from peerwatt.messages.signature_forms import LONG_LENGTH, compact_signature

POSITION: Final = Field(672, 16)
IMPORTED: Final = Field(640, 32)
EXPORTED: Final = Field(608, 32)
IMPORT_REGISTER: Final = Field(560, 48)
EXPORT_REGISTER: Final = Field(512, 48)
SIGNATURE: Final = Field(0, 8 * SIGNATURE_LENGTH)

SIGNED_READING_LENGTH: Final = 86
"""Bytes of one packed signed reading."""

_FIELDS_LENGTH: Final = SIGNED_READING_LENGTH - SIGNATURE_LENGTH

MAX_REGISTER: Final = IMPORT_REGISTER.largest
"""Where a register ends, Wh: 281 TWh, more than any meter lives to count."""


@dataclass(frozen=True, slots=True)
class MeterReading(TypedMessage):
    """One interval of a meter's two registers, signed by the meter's device key.

    Attributes:
        interval: Number of the delivery period.
        participant: The participant's account index.
        imported: Energy drawn from the grid in the interval, Wh.
        exported: Energy fed into the grid in the interval, Wh.
        import_register: Cumulative import register at the interval's end, Wh.
        export_register: Cumulative export register at the interval's end, Wh.

    Raises:
        FieldError: A field does not fit its on-chain type.
    """

    TYPE: ClassVar[str] = (
        "MeterReading(uint32 interval,uint16 participant,uint32 imported,uint32 exported,"
        "uint48 importRegister,uint48 exportRegister)"
    )

    interval: int
    participant: int
    imported: int
    exported: int
    import_register: int
    export_register: int

    def __post_init__(self) -> None:
        require_uint(self.interval, 32, "MeterReading.interval")
        require_uint(self.participant, 16, "MeterReading.participant")
        require_uint(self.imported, IMPORTED.bits, "MeterReading.imported")
        require_uint(self.exported, EXPORTED.bits, "MeterReading.exported")
        require_uint(self.import_register, IMPORT_REGISTER.bits, "MeterReading.import_register")
        require_uint(self.export_register, EXPORT_REGISTER.bits, "MeterReading.export_register")

    def values(self) -> dict[str, int]:
        """The fields under their EIP-712 names."""
        return {
            "interval": self.interval,
            "participant": self.participant,
            "imported": self.imported,
            "exported": self.exported,
            "importRegister": self.import_register,
            "exportRegister": self.export_register,
        }

    def signed(self, position: int, domain: Domain, private_key: bytes) -> "SignedReading":
        """The reading with its signature, for the order at a position of a batch."""
        return SignedReading(
            position,
            self.imported,
            self.exported,
            self.import_register,
            self.export_register,
            self.sign(domain, private_key),
        )


@dataclass(frozen=True, slots=True)
class SignedReading:
    """A meter's own reading as ``overrule`` carries it: interval and participant follow from its place.

    Attributes:
        position: Position of the participant's order in the batch, from 0.
        imported: Energy drawn from the grid in the interval, Wh.
        exported: Energy fed into the grid in the interval, Wh.
        import_register: Cumulative import register at the interval's end, Wh.
        export_register: Cumulative export register at the interval's end, Wh.
        signature: 64 bytes, by the meter's device key; what a wallet gives is brought into that form.

    Raises:
        FieldError: A field does not fit its packed form.
        SignatureError: The signature is in no form that a wallet gives.
    """

    position: int
    imported: int
    exported: int
    import_register: int
    export_register: int
    signature: bytes

    def __post_init__(self) -> None:
        require_uint(self.position, POSITION.bits, "SignedReading.position")
        require_uint(self.imported, IMPORTED.bits, "SignedReading.imported")
        require_uint(self.exported, EXPORTED.bits, "SignedReading.exported")
        require_uint(self.import_register, IMPORT_REGISTER.bits, "SignedReading.import_register")
        require_uint(self.export_register, EXPORT_REGISTER.bits, "SignedReading.export_register")
        object.__setattr__(self, "signature", compact_signature(self.signature))

    def message(self, interval: int, participant: int) -> MeterReading:
        """The message that the meter signed."""
        return MeterReading(
            interval, participant, self.imported, self.exported, self.import_register, self.export_register
        )


def encode_signed_readings(readings: Iterable[SignedReading]) -> bytes:
    """Pack meter-signed readings into the ``signedReadings`` argument of ``overrule``.

    Raises:
        CodecError: The positions do not ascend strictly.
    """
    readings = tuple(readings)
    require_ascending(readings)
    return b"".join(map(_encode, readings))


def decode_signed_readings(data: bytes) -> tuple[SignedReading, ...]:
    """Read the ``signedReadings`` argument of ``overrule`` back.

    Raises:
        CodecError: The length is not a multiple of 86 bytes, or the positions do not ascend strictly.
    """
    readings = tuple(map(_decode, split(data, SIGNED_READING_LENGTH, "signed reading")))
    require_ascending(readings)
    return readings


def decode_signed_reading(data: bytes) -> SignedReading:
    """Read one meter-signed reading, whose signature may have 65 bytes as wallets give it.

    Raises:
        CodecError: The bytes hold another number of readings.
        SignatureError: The signature has a v that signatures of messages do not have, or is out of range.
    """
    if len(data) == _FIELDS_LENGTH + LONG_LENGTH:
        data = data[:_FIELDS_LENGTH] + compact_signature(data[_FIELDS_LENGTH:])
    found = decode_signed_readings(data)
    if len(found) != 1:
        raise CodecError(f"{len(found)} signed readings in one: hand them in one by one.")
    return found[0]


def require_ascending(readings: Iterable[SignedReading]) -> None:
    """Refuse signed readings whose positions do not ascend strictly, so that none can be given twice.

    Raises:
        CodecError: A position is not above the one before it.
    """
    previous = -1
    for reading in readings:
        if reading.position <= previous:
            raise CodecError(
                f"The signed reading for position {reading.position} follows one for position {previous}: "
                "sort them by position, one each."
            )
        previous = reading.position


def _encode(reading: SignedReading) -> bytes:
    packed = (
        POSITION.holding(reading.position)
        | IMPORTED.holding(reading.imported)
        | EXPORTED.holding(reading.exported)
        | IMPORT_REGISTER.holding(reading.import_register)
        | EXPORT_REGISTER.holding(reading.export_register)
        | SIGNATURE.holding(int.from_bytes(reading.signature, "big"))
    )
    return packed.to_bytes(SIGNED_READING_LENGTH, "big")


def _decode(packed: int) -> SignedReading:
    return SignedReading(
        position=POSITION.of(packed),
        imported=IMPORTED.of(packed),
        exported=EXPORTED.of(packed),
        import_register=IMPORT_REGISTER.of(packed),
        export_register=EXPORT_REGISTER.of(packed),
        signature=SIGNATURE.of(packed).to_bytes(SIGNATURE_LENGTH, "big"),
    )
