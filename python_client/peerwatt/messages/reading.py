"""Meter readings: what a meter signs, and what a batch's packed readings and overrulings hold."""

from dataclasses import dataclass
from typing import ClassVar

from peerwatt.messages.domain import Domain, TypedMessage
from peerwatt.messages.errors import require_uint
from peerwatt.messages.vocabulary import READING_BITS, ReadingStatus


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
        require_uint(self.imported, 32, "MeterReading.imported")
        require_uint(self.exported, 32, "MeterReading.exported")
        require_uint(self.import_register, 48, "MeterReading.import_register")
        require_uint(self.export_register, 48, "MeterReading.export_register")

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
    """A meter's own reading as an overruling carries it: interval and participant follow from its place.

    Attributes:
        position: Position of the participant's order in the batch, from 0.
        imported: Energy drawn from the grid in the interval, Wh.
        exported: Energy fed into the grid in the interval, Wh.
        import_register: Cumulative import register at the interval's end, Wh.
        export_register: Cumulative export register at the interval's end, Wh.
        signature: 64 bytes, by the meter's device key.

    Raises:
        FieldError: The position does not fit its packed form.
    """

    position: int
    imported: int
    exported: int
    import_register: int
    export_register: int
    signature: bytes

    def __post_init__(self) -> None:
        require_uint(self.position, 16, "SignedReading.position")

    def message(self, interval: int, participant: int) -> MeterReading:
        """The message that the meter signed."""
        return MeterReading(
            interval, participant, self.imported, self.exported, self.import_register, self.export_register
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One order's entry in a batch's packed readings.

    Attributes:
        status: Who vouches for it.
        imported: Energy drawn from the grid in the interval, Wh, below ``2**31``.
        exported: Energy fed into the grid in the interval, Wh, below ``2**31``.

    Raises:
        FieldError: A field does not fit its packed form.
    """

    status: ReadingStatus
    imported: int
    exported: int

    def __post_init__(self) -> None:
        require_uint(self.imported, READING_BITS, "Reading.imported")
        require_uint(self.exported, READING_BITS, "Reading.exported")


MISSING = Reading(ReadingStatus.MISSING, 0, 0)
"""The entry of a meter that nobody read."""
