"""How a `RoughNode` misbehaves: one function a mode, around what the node behind it says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.rough_node import RoughNode

Json = dict[str, Any]
Forward = Callable[[Json], Json]
Mode = Callable[["RoughNode", str, Json, Forward], Json]

MODES: dict[str, Mode] = {}
"""What is done with one request, by name."""


@dataclass(eq=False)
class Fault(Exception):
    """An answer that is none: an HTTP status, a part of an answer, or a closed connection."""

    status: int = 0
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int = 0
    """How many bytes are announced and not sent."""


def mode(name: str) -> Callable[[Mode], Mode]:
    """Offer a function as a mode."""

    def offer(function: Mode) -> Mode:
        MODES[name] = function
        return function

    return offer


def error(request: Json | None, code: Any, message: str, data: Any = None) -> Json:
    """An answer that refuses."""
    found = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return {"jsonrpc": "2.0", "id": None if request is None else request["id"], "error": found}


# Over HTTP: every K-th request, or the first K of a kind.


@mode("429")
def _429(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    if node.count("429") % int(k or 3) == 0:
        said = error(request, 429, "Too Many Requests")
        raise Fault(429, json.dumps(said).encode(), {"Retry-After": "1"})
    return forward(request)


@mode("429html")
def _429html(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    if node.count("429html") % int(k or 3) == 0:
        raise Fault(429, b"<html>slow down</html>")
    return forward(request)


@mode("429rpc")
def _429rpc(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    if node.count("429rpc") % int(k or 3) == 0:
        return error(request, -32005, "daily request count exceeded, request rate limited")
    return forward(request)


@mode("units")
def _units(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    if node.count("units") % int(k or 3) == 0:
        return error(
            request, 429, "Your app has exceeded its compute units per second capacity. Please retry."
        )
    return forward(request)


@mode("html")
def _html(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    if node.count("html") % int(k or 3) == 0:
        raise Fault(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>")
    return forward(request)


@mode("html200")
def _html200(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    if node.count("html200") % int(k or 3) == 0:
        raise Fault(200, b"<!doctype html><title>We will be back</title>")
    return forward(request)


@mode("503")
def _503(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    if node.count("503") % int(k or 3) == 0:
        raise Fault(503, json.dumps(error(request, -32000, "no healthy upstream")).encode())
    return forward(request)


@mode("drop")
def _drop(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    if node.count("drop") % int(k or 3) == 0:
        raise Fault
    return forward(request)


@mode("cut")
def _cut(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    said = json.dumps(forward(request)).encode()
    if node.count("cut") % int(k or 3) == 0:
        raise Fault(200, said[: len(said) // 2], cut=len(said) - len(said) // 2)
    return forward(request)


@mode("truncated")
def _truncated(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    said = json.dumps(forward(request)).encode()
    if node.count("truncated") % int(k or 3) == 0:
        raise Fault(200, said[: len(said) // 2])
    return json.loads(said)  # type: ignore[no-any-return]


@mode("empty")
def _empty(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    if node.count("empty") % int(k or 3) == 0:
        raise Fault(200, b"")
    return forward(request)


@mode("slow")
def _slow(node: RoughNode, seconds: str, request: Json, forward: Forward) -> Json:
    time.sleep(float(seconds or 0.2))
    return forward(request)


@mode("wrongids")
def _wrongids(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    said = forward(request)
    return {**said, "id": 10**9} if node.count("wrongids") % int(k or 3) == 0 else said


@mode("stray")
def _stray(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    """The answer to the request before, as a proxy gives it that lost count."""
    said = forward(request)
    before, node.last = node.last, said
    return before if before is not None and node.count("stray") % int(k or 3) == 0 else said


@mode("textids")
def _textids(node: RoughNode, _: str, request: Json, forward: Forward) -> Json:
    return {**forward(request), "id": str(request["id"])}


@mode("dead")
def _dead(node: RoughNode, status: str, request: Json, forward: Forward) -> Json:
    raise Fault(int(status or 0), b"<html>gone</html>")


# Transactions and receipts.


@mode("dropsend")
def _dropsend(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    said = forward(request)
    if request["method"] == "eth_sendRawTransaction" and node.count("dropsend") <= int(k or 1):
        raise Fault
    return said


@mode("alreadyknown")
def _alreadyknown(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    said = forward(request)
    sent = request["method"] == "eth_sendRawTransaction" and "result" in said
    if sent and node.count("alreadyknown") <= int(k or 1):
        return error(request, -32000, "already known")
    return said


@mode("stalenonce")
def _stalenonce(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    """The count of a replica that lags by K transactions."""
    said = forward(request)
    if request["method"] == "eth_getTransactionCount":
        return {**said, "result": hex(max(0, int(said["result"], 16) - int(k or 1)))}
    return said


@mode("dropreceipt")
def _dropreceipt(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    if request["method"] == "eth_getTransactionReceipt" and node.count("dropreceipt") <= int(k or 1):
        raise Fault
    return forward(request)


@mode("nullreceipt")
def _nullreceipt(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    asked = request["method"] == "eth_getTransactionReceipt"
    if asked and node.count("nullreceipt", request["params"][0]) <= int(k or 2):
        return {"jsonrpc": "2.0", "id": request["id"], "result": None}
    return forward(request)


@mode("indexing")
def _indexing(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    asked = request["method"] == "eth_getTransactionReceipt"
    if asked and node.count("indexing", request["params"][0]) <= int(k or 2):
        return error(request, -32000, "transaction indexing is in progress")
    return forward(request)


@mode("pendingreceipt")
def _pendingreceipt(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    """A receipt without a block, as Parity and some second layers give one to what still waits."""
    said = forward(request)
    asked = request["method"] == "eth_getTransactionReceipt" and said.get("result")
    if asked and node.count("pendingreceipt", request["params"][0]) <= int(k or 2):
        nowhere = {"blockNumber": None, "blockHash": None, "transactionIndex": None, "logs": []}
        return {**said, "result": {**said["result"], **nowhere}}
    return said


# Logs.


def _range(node: RoughNode, request: Json) -> tuple[int, int] | None:
    if request["method"] != "eth_getLogs" or "fromBlock" not in request["params"][0]:
        return None
    first, last = (request["params"][0].get(key, "latest") for key in ("fromBlock", "toBlock"))
    return (
        node.head() if first == "latest" else int(first, 16),
        node.head() if last == "latest" else int(last, 16),
    )


LOG_LIMITS: dict[str, tuple[int, Any, str]] = {
    "": (200, -32600, "You can make eth_getLogs requests with up to a {0} block range."),
    "infura": (200, -32005, "query returned more than 10000 results"),
    "limit": (200, -32005, "limit exceeded"),
    "400": (400, -32602, "Log response size exceeded. this block range should work: [0x1, 0x2]"),
    "413": (413, -32000, "eth_getLogs is limited to a {0} range"),
    "timeout": (200, -32000, "query timeout exceeded"),
    "500": (500, -32603, "Internal error"),
}
"""How endpoints refuse a range that is too long: HTTP status, code and text, by the name of the mode."""


def _log_mode(name: str, status: int, code: Any, text: str) -> None:
    @mode(f"logrange{name}")
    def logrange(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
        found = _range(node, request)
        if found is not None and found[1] - found[0] + 1 > int(k or 100):
            said = error(request, code, text.format(k or 100))
            if status != 200:
                raise Fault(status, json.dumps(said).encode())
            return said
        return forward(request)


for _name, _how in LOG_LIMITS.items():
    _log_mode(_name, *_how)


@mode("logcount")
def _logcount(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    said = forward(request)
    if request["method"] == "eth_getLogs" and len(said.get("result") or []) > int(k or 1):
        return error(request, -32005, "query returned more than 10000 results")
    return said


@mode("emptylogs")
def _emptylogs(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    """A replica that lags: logs of the newest K blocks are left out."""
    said = forward(request)
    if request["method"] == "eth_getLogs":
        newest = node.head() - int(k or 5)
        said["result"] = [log for log in said["result"] if int(log["blockNumber"], 16) <= newest]
    return said


# Blocks and state.


@mode("lagcall")
def _lagcall(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    """Behind a balancer: the replica has not seen the newest block when it is asked first."""
    if request["method"] == "eth_call" and str(request["params"][1]).startswith("0x"):
        block = request["params"][1]
        if int(block, 16) >= node.head() and node.count("lagcall", block) <= int(k or 1):
            return error(request, -32000, "header not found")
    return forward(request)


@mode("pruned")
def _pruned(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    depth = 0
    if request["method"] == "eth_call" and str(request["params"][1]).startswith("0x"):
        depth = node.head() - int(request["params"][1], 16)
    if depth > int(k or 0):
        return error(request, -32000, "missing trie node 4ad1f2c5b0 (path ) state 0x4ad1 is not available")
    return forward(request)


def _is_block(request: Json, said: Json) -> bool:
    return request["method"].startswith("eth_getBlockBy") and bool(said.get("result"))


@mode("poa")
def _poa(node: RoughNode, size: str, request: Json, forward: Forward) -> Json:
    """Clique, QBFT, IBFT, Bor: the signers' seals are in the header."""
    said = forward(request)
    if _is_block(request, said):
        said["result"]["extraData"] = "0x" + "d8" * int(size or 97)
    return said


@mode("aura")
def _aura(node: RoughNode, _: str, request: Json, forward: Forward) -> Json:
    """Headers of OpenEthereum: no mix hash, no nonce, an author, seal fields, and nothing of later forks."""
    said = forward(request)
    if _is_block(request, said):
        block = said["result"]
        for name in (
            "mixHash",
            "nonce",
            "baseFeePerGas",
            "withdrawals",
            "withdrawalsRoot",
            "totalDifficulty",
        ):
            block.pop(name, None)
        block |= {
            "author": block["miner"],
            "miner": None,
            "sealFields": ["0x84161e2f91"],
            "signature": "ab" * 65,
        }
        block |= {"step": "370093457", "size": None, "extraData": "0xdb83"}
    return said


@mode("decimals")
def _decimals(node: RoughNode, _: str, request: Json, forward: Forward) -> Json:
    """Numbers of a header as decimals, as JSON's own numbers, and with leading zeros."""
    said = forward(request)
    if _is_block(request, said):
        block = said["result"]
        block["timestamp"] = str(int(block["timestamp"], 16))
        block["gasLimit"] = int(block["gasLimit"], 16)
        block["number"] = f"0x{int(block['number'], 16):08x}"
    return said


@mode("legacy")
def _legacy(node: RoughNode, _: str, request: Json, forward: Forward) -> Json:
    """A chain before EIP-1559."""
    if request["method"] in ("eth_feeHistory", "eth_maxPriorityFeePerGas"):
        return error(request, -32601, f"the method {request['method']} does not exist/is not available")
    said = forward(request)
    if _is_block(request, said):
        said["result"].pop("baseFeePerGas", None)
    return said


@mode("zerogas")
def _zerogas(node: RoughNode, _: str, request: Json, forward: Forward) -> Json:
    said = forward(request)
    return {**said, "result": "0x0"} if request["method"] == "eth_gasPrice" else said


# What a contract's refusal looks like.


def _refusal(request: Json, said: Json) -> str | None:
    """The revert data of a refused call, in hex."""
    found = said.get("error")
    if not found or request["method"] not in ("eth_call", "eth_estimateGas") or not found.get("data"):
        return None
    data = found["data"]
    return str(data if isinstance(data, str) else data.get("result") or data.get("data"))


def _dialect(name: str, say: Callable[[str], tuple[Any, str, Any]]) -> None:
    @mode(name)
    def dialect(node: RoughNode, _: str, request: Json, forward: Forward) -> Json:
        said = forward(request)
        data = _refusal(request, said)
        return said if data is None else error(request, *say(data))


_EXECUTION = "VM Exception while processing transaction: revert"
_GANACHE_6 = {"stack": "c: VM Exception", "name": "c"}

_dialect("besu", lambda data: (-32000, "Execution reverted", data))
_dialect("besu3", lambda data: (3, "Execution reverted", data))
_dialect("erigon", lambda data: (3, "execution reverted", data))
_dialect("nethermind", lambda data: (-32015, "VM execution error.", f"Reverted {data}"))
_dialect("nethermindnew", lambda data: (-32015, "execution reverted", data))
_dialect("hardhat", lambda data: (-32603, f"Error: {_EXECUTION}", {"message": _EXECUTION, "data": data}))
_dialect("ganache7", lambda data: (-32000, _EXECUTION, {"hash": None, "result": data, "message": "revert"}))
_dialect("ganache6", lambda data: (-32000, _EXECUTION, {"0x" + "ab" * 32: {"return": data}, **_GANACHE_6}))
_dialect("barehex", lambda data: (-32000, "execution reverted", data[2:]))
_dialect("nested", lambda data: (-32603, "Internal error", {"originalError": {"code": 3, "data": data}}))
_dialect("textonly", lambda data: (-32000, f"execution reverted: {data}", None))


@mode("nodata")
def _nodata(node: RoughNode, _: str, request: Json, forward: Forward) -> Json:
    """Estimates are refused without data; calls have it."""
    said = forward(request)
    if request["method"] == "eth_estimateGas" and _refusal(request, said):
        return error(request, -32000, "execution reverted")
    return said


@mode("status500")
def _status500(node: RoughNode, _: str, request: Json, forward: Forward) -> Json:
    """Errors of JSON-RPC under an HTTP status of their own."""
    said = forward(request)
    if "error" in said:
        raise Fault(500, json.dumps(said).encode())
    return said


@mode("noaccounts")
def _noaccounts(node: RoughNode, _: str, request: Json, forward: Forward) -> Json:
    """An endpoint for hire: it holds no keys."""
    if request["method"] == "eth_accounts":
        return error(request, -32601, "the method eth_accounts does not exist/is not available")
    return forward(request)
