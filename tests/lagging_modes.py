"""More ways in which a node lags, for a `RoughNode`: importing this offers them."""

from __future__ import annotations

from tests.rough_modes import Forward, Json, mode
from tests.rough_node import RoughNode


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
