"""What the network can carry of each connection in one interval, as the committee signs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from eth_hash.auto import keccak

from peerwatt.messages.domain import TypedMessage, hash_struct
from peerwatt.messages.errors import require_bytes32, require_uint
from peerwatt.messages.roster import ROSTER_PAGE, EnvelopeLimits, encode_limits


@dataclass(frozen=True, slots=True)
class OperatingEnvelope(TypedMessage):
    """What the oracle committee signs about a page of participants: it can narrow what they may offer, and do
    nothing else.

    Its domain is that of the contract that takes it, which every market for these participants reads.

    Attributes:
        interval: Number of the delivery period.
        page: Accounts ``[96 * page, 96 * (page + 1))``.
        feeder_hash: 32 bytes, identity of the feeder that was computed on.
        inputs_hash: 32 bytes, identity of everything else that the limits follow from.
        limits: One for each account of the page, in their order.

    Raises:
        FieldError: A field does not fit its on-chain type.
    """

    TYPE: ClassVar[str] = (
        "OperatingEnvelope(uint32 interval,uint16 page,bytes32 feederHash,bytes32 inputsHash,bytes limits)"
    )

    interval: int
    page: int
    feeder_hash: bytes
    inputs_hash: bytes
    limits: tuple[EnvelopeLimits, ...]

    def __post_init__(self) -> None:
        require_uint(self.interval, 32, "OperatingEnvelope.interval")
        require_uint(self.page, 16, "OperatingEnvelope.page")
        require_bytes32(self.feeder_hash, "OperatingEnvelope.feeder_hash")
        require_bytes32(self.inputs_hash, "OperatingEnvelope.inputs_hash")
        object.__setattr__(self, "limits", tuple(self.limits))

    def values(self) -> dict[str, int | bytes]:
        """The fields under their EIP-712 names."""
        return {
            "interval": self.interval,
            "page": self.page,
            "feederHash": self.feeder_hash,
            "inputsHash": self.inputs_hash,
            "limits": encode_limits(self.limits),
        }

    def struct_hash(self) -> bytes:
        """EIP-712's ``hashStruct``; the limits enter as their hash."""
        *words, limits = self.values().values()
        assert isinstance(limits, bytes)
        return hash_struct(self.TYPE, *words, keccak(limits))

    @property
    def by_account(self) -> Iterator[tuple[int, EnvelopeLimits]]:
        """Each account of the page with its limits."""
        return enumerate(self.limits, self.page * ROSTER_PAGE)
