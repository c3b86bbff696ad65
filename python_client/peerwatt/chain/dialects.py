"""What nodes say, each in its own words: too many requests, not yet, already known, a contract's refusal.

One table per meaning. Codes and texts are those of Geth, Erigon, Nethermind, Besu, OpenEthereum, Ganache,
Hardhat, Anvil and of the gateways that sell access to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

BUSY_STATUS: Final = 429
GATEWAY_STATUSES: Final = frozenset({408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529, 530})
"""HTTP statuses after which the same request may be answered."""

_BUSY_CODES: Final = frozenset({429, -32005, -32007, -32016, -32029, -32090, -32097, -32098})
_TOO_FAST: Final = re.compile(
    r"rate.{0,3}limit|too many (?:concurrent )?requests?\b|requests? (?:limit|count|rate)|request limit"
    r"|(?:requests?|credits?|units?) per |per second|compute unit|throughput|throttl"
    r"|try again (?:later|in|after)",
    re.IGNORECASE,
)
_BUSY: Final = re.compile(
    r"quota|overload|exceeded .{0,40}(?:capacity|credits|plan|rps)|(?:is|are|too) busy|limit exceeded"
    r"|daily .{0,20}(?:limit|cap)\b",
    re.IGNORECASE,
)
_TOO_MUCH: Final = re.compile(r"returned more than|response size|too many (?:results|logs)", re.IGNORECASE)
"""Of an answer, and not of requests: asked again it is as long."""
_LATE: Final = re.compile(
    r"header (?:for hash )?not found|unknown block|block (?:\w+ )?(?:was )?not (?:found|available yet)"
    r"|could not find block|indexing is in progress|after last accepted|beyond (?:the )?(?:current )?head"
    r"|no healthy|no (?:available )?(?:upstream|backend)|upstream|service unavailable|bad gateway"
    r"|gateway time|temporarily|internal server error|connection (?:reset|refused)"
    r"|node is (?:syncing|starting)",
    re.IGNORECASE,
)
_ABSENT: Final = re.compile(
    r"not found|unknown (?:block|transaction)|could not find|no such|does not exist|beyond .{0,20}head"
    r"|indexing is in progress|after last accepted",
    re.IGNORECASE,
)
_KNOWN: Final = re.compile(
    r"already[ _]?(?:known|imported|exists|in (?:the )?(?:mem)?pool)|(?<!un)known transaction"
    r"|transaction with (?:the )?same hash|OK_ALREADY",
    re.IGNORECASE,
)
_NONCE_USED: Final = re.compile(
    r"nonce.{0,25}(?:too low|used|expired|less than|lower)|(?:invalid|incorrect|old) .{0,15}nonce|OldNonce"
    r"|nonce of .{0,60}too low|expected nonce to be|account.{0,20}nonce of",
    re.IGNORECASE,
)
_OUTBID: Final = re.compile(
    r"replacement|same nonce|nonce .{0,30}already (?:used|waits|pending)|gas ?price .{0,30}to replace",
    re.IGNORECASE,
)
_FEE_TOO_LOW: Final = re.compile(
    r"underpriced|(?:gas ?price|fee|tip|effective).{0,40}(?:too low|below|less than|lower than)|FeeTooLow"
    r"|max fee per gas|below .{0,20}(?:minimum|base fee)",
    re.IGNORECASE,
)
_OUT_OF_GAS: Final = re.compile(
    r"out.?of.?gas|gas required exceeds|exceeds? .{0,20}(?:block )?gas.?limit|intrinsic gas"
    r"|gas limit.{0,20}(?:exceed|too (?:low|high))|gas uint64 overflow|gas allowance|ran out of gas",
    re.IGNORECASE,
)
_REFUSED: Final = re.compile(r"revert|VM execution error|VM Exception", re.IGNORECASE)
_REASON: Final = re.compile(
    r"(?:execution reverted|reverted with reason string|revert)\b[:\s]+'?(?P<reason>[^'].*?)'?$",
    re.IGNORECASE | re.DOTALL,
)
_HEX: Final = re.compile(
    r"(?:reverted\s*|revert:?\s*|output:?\s*)?(?:0x)?(?P<digits>(?:[0-9a-f]{2})*)\s*", re.IGNORECASE
)
_DATA_KEYS: Final = (
    "data",
    "result",
    "return",
    "returnValue",
    "output",
    "error",
    "originalError",
    "cause",
    "info",
)
_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}")


def is_busy(code: object, message: str, may_be_long: bool = False) -> bool:
    """Whether a node only takes no more requests for now: it did nothing of what was asked.

    Args:
        code: of the error.
        message: of the error.
        may_be_long: whether the request may ask for too much at once: the same codes, and often the same
            words, say that.
    """
    if _TOO_FAST.search(message):
        return True
    if _TOO_MUCH.search(message):
        return False
    return not may_be_long and (code in _BUSY_CODES or bool(_BUSY.search(message)))


def is_late(message: str) -> bool:
    """Whether the node, or the replica that answered, has not seen yet what was asked about."""
    return bool(_LATE.search(message))


def is_absent(message: str) -> bool:
    """Whether an error only says that a block, a transaction or a receipt is not there."""
    return bool(_ABSENT.search(message))


def is_known(message: str) -> bool:
    """Whether exactly this transaction was handed over before."""
    return bool(_KNOWN.search(message))


def is_nonce_used(message: str) -> bool:
    """Whether a mined transaction has this nonce."""
    return bool(_NONCE_USED.search(message))


def is_outbid(message: str) -> bool:
    """Whether a transaction waits that has this nonce, and a price that is not enough below this one's."""
    return bool(_OUTBID.search(message))


def is_fee_too_low(message: str) -> bool:
    """Whether the node wants a higher price."""
    return bool(_FEE_TOO_LOW.search(message)) and not is_outbid(message)


def is_out_of_gas(message: str) -> bool:
    """Whether gas was what was missing."""
    return bool(_OUT_OF_GAS.search(message))


def error_of(response: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The error of a JSON-RPC response as an object; None where it has none."""
    error = response.get("error")
    if error is None and "result" not in response and isinstance(response.get("message"), str):
        error = response
    if error is None:
        return None
    return error if isinstance(error, Mapping) else {"message": str(error)}


def message_of(error: Mapping[str, Any]) -> str:
    """What an error says, on one line."""
    message = error.get("message")
    said = message if isinstance(message, str) else str(message or error)
    data = error.get("data")
    if isinstance(data, str) and not data.startswith("0x") and data not in said:
        # Nethermind and OpenEthereum say the cause there.
        said = f"{said} {data}"
    return " ".join(said.split())


def revert_data(response: Mapping[str, Any]) -> bytes | None:
    """The revert data of a JSON-RPC response, or `None` when the response reports no revert."""
    error = error_of(response)
    if error is None:
        return None
    message = message_of(error)
    for data in _data({key: value for key, value in error.items() if key != "message"}, 0):
        if data or (_REFUSED.search(message) and not is_out_of_gas(message)):
            return data
    if is_out_of_gas(message):
        return None
    found = re.search(r"0x(?:[0-9a-fA-F]{2}){4,}", message)
    if found and _REFUSED.search(message):
        return bytes.fromhex(found.group()[2:])
    return b"" if _REFUSED.search(message) else None


def reason_of(response: Mapping[str, Any]) -> str:
    """The reason that a refusal without data names in its message; empty where it names none."""
    error = error_of(response)
    found = _REASON.search(message_of(error)) if error is not None else None
    return found["reason"].strip() if found else ""


def _data(value: Any, depth: int) -> Iterator[bytes]:
    """Revert data anywhere in an error: bare, behind a word, or nested in objects."""
    if isinstance(value, str):
        found = _HEX.fullmatch(value)
        if (
            found
            and (found["digits"] or value.lower().endswith("0x"))
            and ("0x" in value.lower() or len(found["digits"]) >= 8)
        ):
            yield bytes.fromhex(found["digits"])
    elif isinstance(value, Mapping) and depth < 5:
        # Ganache 6 named the data after the transaction.
        keys = [*_DATA_KEYS, *(key for key in value if isinstance(key, str) and _HASH.fullmatch(key))]
        for key in keys:
            if key in value:
                yield from _data(value[key], depth + 1)
    elif isinstance(value, list) and depth < 5:
        for each in value:
            yield from _data(each, depth + 1)
