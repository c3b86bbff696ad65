"""The metering operator's statements: on all readings of an interval, and on corrected ones of a batch."""

from dataclasses import dataclass
from typing import ClassVar

from peerwatt.messages.domain import TypedMessage
from peerwatt.messages.errors import require_bytes32, require_uint


@dataclass(frozen=True, slots=True)
class MeterAttestation(TypedMessage):
    """The readings of all batches of an interval, signed by the metering operator.

    Attributes:
        interval: Number of the delivery period.
        metered: 32 bytes over the words of all batches with their readings, see ``metered_hash``: they bind
            every reading to the order that it is of.
        delivered: Peer energy that the interval's sellers delivered, Wh.

    Raises:
        FieldError: A field does not fit its on-chain type.
    """

    TYPE: ClassVar[str] = "MeterAttestation(uint32 interval,bytes32 metered,uint40 delivered)"

    interval: int
    metered: bytes
    delivered: int

    def __post_init__(self) -> None:
        require_uint(self.interval, 32, "MeterAttestation.interval")
        require_bytes32(self.metered, "MeterAttestation.metered")
        require_uint(self.delivered, 40, "MeterAttestation.delivered")

    def values(self) -> dict[str, int | bytes]:
        """The fields under their EIP-712 names."""
        return {"interval": self.interval, "metered": self.metered, "delivered": self.delivered}


@dataclass(frozen=True, slots=True)
class MeterCorrection(TypedMessage):
    """Corrected readings of one batch, signed by the metering operator.

    Attributes:
        interval: Number of the delivery period.
        batch: Number of the batch in it.
        run: Number of the settlement that follows from it, higher than any before; the first was 1.
        metered: 32 bytes, the batch's word with the corrected readings, see ``metered_commitment``.
        delivered: Peer energy that the interval's sellers delivered by the corrected readings, Wh.

    Raises:
        FieldError: A field does not fit its on-chain type.
    """

    TYPE: ClassVar[str] = (
        "MeterCorrection(uint32 interval,uint16 batch,uint16 run,bytes32 metered,uint40 delivered)"
    )

    interval: int
    batch: int
    run: int
    metered: bytes
    delivered: int

    def __post_init__(self) -> None:
        require_uint(self.interval, 32, "MeterCorrection.interval")
        require_uint(self.batch, 16, "MeterCorrection.batch")
        require_uint(self.run, 16, "MeterCorrection.run")
        require_bytes32(self.metered, "MeterCorrection.metered")
        require_uint(self.delivered, 40, "MeterCorrection.delivered")

    def values(self) -> dict[str, int | bytes]:
        """The fields under their EIP-712 names."""
        return {
            "interval": self.interval,
            "batch": self.batch,
            "run": self.run,
            "metered": self.metered,
            "delivered": self.delivered,
        }
