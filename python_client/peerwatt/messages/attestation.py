"""The metering operator's statement about one interval."""

from dataclasses import dataclass
from typing import ClassVar

from peerwatt.messages.domain import TypedMessage
from peerwatt.messages.errors import require_bytes32, require_uint


@dataclass(frozen=True, slots=True)
class MeterAttestation(TypedMessage):
    """The readings of all batches of an interval, signed by the metering operator.

    Attributes:
        interval: Number of the delivery period.
        run: 1 for the first settlement, higher for each correction.
        readings_hash: 32 bytes over the packed readings of all batches, see ``readings_hash``.
        delivered: Peer energy that the interval's sellers delivered, Wh.

    Raises:
        FieldError: A field does not fit its on-chain type.
    """

    TYPE: ClassVar[str] = "MeterAttestation(uint32 interval,uint16 run,bytes32 readingsHash,uint40 delivered)"

    interval: int
    run: int
    readings_hash: bytes
    delivered: int

    def __post_init__(self) -> None:
        require_uint(self.interval, 32, "MeterAttestation.interval")
        require_uint(self.run, 16, "MeterAttestation.run")
        require_bytes32(self.readings_hash, "MeterAttestation.readings_hash")
        require_uint(self.delivered, 40, "MeterAttestation.delivered")

    def values(self) -> dict[str, int | bytes]:
        """The fields under their EIP-712 names."""
        return {
            "interval": self.interval,
            "run": self.run,
            "readingsHash": self.readings_hash,
            "delivered": self.delivered,
        }
