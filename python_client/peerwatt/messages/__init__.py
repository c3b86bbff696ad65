"""The EIP-712 messages of a market and the packed forms in which its contract reads and commits to data."""

from peerwatt.messages.attestation import MeterAttestation, MeterCorrection
from peerwatt.messages.batch_word import (
    ZERO_HASH,
    clearing_hash,
    decisions_hash,
    gated_commitment,
    metered_commitment,
    metered_hash,
    posted_commitment,
    posted_commitments,
    settled_commitment,
)
from peerwatt.messages.clearing import NO_TRADE, Clearing, MarginalTick
from peerwatt.messages.decision import (
    DECISION_LENGTH,
    UNLIMITED_SURPLUS,
    Decision,
    decode_decisions,
    encode_decisions,
)
from peerwatt.messages.domain import Domain
from peerwatt.messages.errors import CodecError, FieldError, SignatureError
from peerwatt.messages.network_report import NetworkReport
from peerwatt.messages.operating_envelope import OperatingEnvelope
from peerwatt.messages.order import Order, SignedOrder, Step
from peerwatt.messages.order_codec import (
    PlacedStep,
    Record,
    decode_order,
    decode_orders,
    decode_records,
    encode_orders,
    encode_records,
)
from peerwatt.messages.quorum import signers_word
from peerwatt.messages.reading import (
    MAX_READING,
    MISSING,
    READING_LENGTH,
    Reading,
    decode_readings,
    encode_readings,
)
from peerwatt.messages.registers import require_own_registers, require_succession
from peerwatt.messages.roster import NO_LIMITS, ROSTER_PAGE, EnvelopeLimits, decode_limits, encode_limits
from peerwatt.messages.sealed_batch import seal_of
from peerwatt.messages.signature import SIGNATURE_LENGTH, address_of
from peerwatt.messages.signature_forms import compact_signature
from peerwatt.messages.signed_reading import (
    MAX_REGISTER,
    MeterReading,
    SignedReading,
    decode_signed_reading,
    decode_signed_readings,
    encode_signed_readings,
    require_ascending,
)
from peerwatt.messages.terms import TermsWord
from peerwatt.messages.vocabulary import (
    MAX_LANE_TOTAL,
    MAX_PRICE,
    MAX_STEP_QUANTITY,
    MAX_STEPS,
    TICKS,
    ReadingStatus,
    Side,
    SkipReason,
)
from peerwatt.verdict import Verdict

__all__ = [
    "DECISION_LENGTH",
    "MAX_LANE_TOTAL",
    "MAX_PRICE",
    "MAX_READING",
    "MAX_REGISTER",
    "MAX_STEPS",
    "MAX_STEP_QUANTITY",
    "MISSING",
    "NO_LIMITS",
    "NO_TRADE",
    "READING_LENGTH",
    "ROSTER_PAGE",
    "SIGNATURE_LENGTH",
    "TICKS",
    "UNLIMITED_SURPLUS",
    "ZERO_HASH",
    "Clearing",
    "CodecError",
    "Decision",
    "Domain",
    "EnvelopeLimits",
    "FieldError",
    "MarginalTick",
    "MeterAttestation",
    "MeterCorrection",
    "MeterReading",
    "NetworkReport",
    "OperatingEnvelope",
    "Order",
    "PlacedStep",
    "Reading",
    "ReadingStatus",
    "Record",
    "Side",
    "SignatureError",
    "SignedOrder",
    "SignedReading",
    "SkipReason",
    "Step",
    "TermsWord",
    "Verdict",
    "address_of",
    "clearing_hash",
    "compact_signature",
    "decisions_hash",
    "decode_decisions",
    "decode_limits",
    "decode_order",
    "decode_orders",
    "decode_readings",
    "decode_records",
    "decode_signed_reading",
    "decode_signed_readings",
    "encode_decisions",
    "encode_limits",
    "encode_orders",
    "encode_readings",
    "encode_records",
    "encode_signed_readings",
    "gated_commitment",
    "metered_commitment",
    "metered_hash",
    "posted_commitment",
    "posted_commitments",
    "require_ascending",
    "require_own_registers",
    "require_succession",
    "seal_of",
    "settled_commitment",
    "signers_word",
]
