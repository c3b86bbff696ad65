"""What was read of a chain that only this program changes: true until the next request that may change it."""

from __future__ import annotations

import json
from typing import Any, Final

from web3.types import RPCResponse

READS: Final = frozenset(
    {
        "eth_blockNumber",
        "eth_call",
        "eth_getBalance",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getCode",
        "eth_getLogs",
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
    }
)
"""Methods whose answers are kept. Others may send to the chain too: nothing is kept of what waits to be
mined, and no count of an account's transactions."""


class ReadMemory:
    """Answers of a node, by method and parameters.

    Attributes:
        on: whether anything is kept; only of a chain whose blocks are sealed by this program alone.
    """

    def __init__(self, *, on: bool = False) -> None:
        self.on = on
        self._answers: dict[tuple[str, str], RPCResponse] = {}

    def recall(self, method: str, params: Any) -> RPCResponse | None:
        """The answer to a request if it is known; a request that may change the chain makes all forgotten."""
        if not self.on:
            return None
        if method not in READS:
            if not method.startswith(("eth_get", "web3_", "eth_chainId", "eth_accounts")):
                self.forget()
            return None
        return self._answers.get((method, _text(params)))

    def keep(self, method: str, params: Any, response: RPCResponse) -> None:
        """Keep an answer, unless it is an error, or there was nothing to answer with yet."""
        if self.on and method in READS and response.get("result") is not None and "pending" not in params:
            self._answers[method, _text(params)] = response
            if method == "eth_getBlockByNumber" and params[0] == "latest":
                number: Any = response["result"]["number"]
                self._answers[method, _text([number, *params[1:]])] = response

    def forget(self) -> None:
        """The chain is another one now."""
        self._answers.clear()


def _text(params: Any) -> str:
    """Parameters as a key; what is no JSON by what it prints as."""
    return json.dumps(params, sort_keys=True, default=str)
