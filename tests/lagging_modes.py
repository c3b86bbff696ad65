"""More ways in which a node lags, for a `RoughNode`: importing this offers them."""

from __future__ import annotations

from tests.rough_modes import Forward, Json, mode
from tests.rough_node import RoughNode


@mode("mixedlogs")
def _mixed_logs(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    """Several nodes behind an address: their logs come twice, the newest first."""
    said = forward(request)
    if request["method"] == "eth_getLogs" and "result" in said:
        return {**said, "result": [log for log in reversed(said["result"]) for _ in range(2)]}
    return said


@mode("stalehead")
def _stale_head(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    """Every other time the newest block is one of a node that lags by K."""
    latest = request["method"] == "eth_getBlockByNumber" and request["params"][0] == "latest"
    if latest and node.count("stalehead") % 2:
        older = hex(max(0, node.head() - int(k or 3)))
        return forward({**request, "params": [older, *request["params"][1:]]})
    return forward(request)


@mode("latetransactions")
def _late_transactions(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    """A transaction that has logs is not there the first K times it is asked for."""
    asked = request["method"] == "eth_getTransactionByHash"
    if asked and node.count("latetransactions", request["params"][0]) <= int(k or 2):
        return {"jsonrpc": "2.0", "id": request["id"], "result": None}
    return forward(request)


@mode("lateblocks")
def _late_blocks(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    """A replica that has not indexed the newest K blocks: it has neither their logs nor their receipts."""
    said = forward(request)
    newest = node.head() - int(k or 3)
    if request["method"] == "eth_getLogs":
        return {**said, "result": [log for log in said["result"] if int(log["blockNumber"], 16) <= newest]}
    found = said.get("result") if request["method"] == "eth_getTransactionReceipt" else None
    return {**said, "result": None} if found and int(found["blockNumber"], 16) > newest else said


@mode("nobloom")
def _no_bloom(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    """A chain whose headers have no filter: nothing in them says that a block has logs."""
    said = forward(request)
    if request["method"].startswith("eth_getBlockBy") and said.get("result"):
        said["result"]["logsBloom"] = "0x" + "00" * 256
    return said
