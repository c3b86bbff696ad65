"""The network oracle's verdict on one cleared interval."""

from dataclasses import dataclass
from typing import ClassVar

from peerwatt.messages.domain import TypedMessage
from peerwatt.messages.errors import require_bytes32, require_uint
from peerwatt.verdict import Verdict


@dataclass(frozen=True, slots=True)
class NetworkReport(TypedMessage):
    """What the oracle committee signs about an interval: it can reduce trade, and do nothing else.

    Attributes:
        interval: Number of the delivery period.
        verdict: Accept, cap, curtail or void.
        volume: Accepted volume, Wh.
        loss_rate: Losses as a share of the accepted energy, ppm; used where the decisions carry none.
        feeder_hash: 32 bytes, identity of the feeder that was checked.
        inputs_hash: 32 bytes, identity of the power flow's inputs.
        clearing_hash: 32 bytes, the outcome that was judged, see ``clearing_hash``.
        decisions_hash: 32 bytes over the packed decisions of all batches, zero when there are none.

    Raises:
        FieldError: A field does not fit its on-chain type.
    """

    TYPE: ClassVar[str] = (
        "NetworkReport(uint32 interval,uint8 verdict,uint40 volume,uint24 lossRate,bytes32 feederHash,"
        "bytes32 inputsHash,bytes32 clearingHash,bytes32 decisionsHash)"
    )

    interval: int
    verdict: Verdict
    volume: int
    loss_rate: int
    feeder_hash: bytes
    inputs_hash: bytes
    clearing_hash: bytes
    decisions_hash: bytes

    def __post_init__(self) -> None:
        require_uint(self.interval, 32, "NetworkReport.interval")
        require_uint(self.verdict, 8, "NetworkReport.verdict")
        require_uint(self.volume, 40, "NetworkReport.volume")
        require_uint(self.loss_rate, 24, "NetworkReport.loss_rate")
        require_bytes32(self.feeder_hash, "NetworkReport.feeder_hash")
        require_bytes32(self.inputs_hash, "NetworkReport.inputs_hash")
        require_bytes32(self.clearing_hash, "NetworkReport.clearing_hash")
        require_bytes32(self.decisions_hash, "NetworkReport.decisions_hash")

    def values(self) -> dict[str, int | bytes]:
        """The fields under their EIP-712 names."""
        return {
            "interval": self.interval,
            "verdict": int(self.verdict),
            "volume": self.volume,
            "lossRate": self.loss_rate,
            "feederHash": self.feeder_hash,
            "inputsHash": self.inputs_hash,
            "clearingHash": self.clearing_hash,
            "decisionsHash": self.decisions_hash,
        }
