"""An endpoint that refuses to search many blocks at once for events, as most that are for hire do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from web3.middleware import Web3Middleware
from web3.types import RPCEndpoint

from peerwatt.chain import Network, events


@contextmanager
def narrow_endpoint(network: Network, blocks: int, patch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Let a network answer for so many blocks at once, and everybody ask for as many.

    Yields:
        How many blocks were asked for, by request.
    """
    asked: list[int] = []

    class Narrow(Web3Middleware):
        def wrap_make_request(self, make_request: Callable[[RPCEndpoint, Any], Any]) -> Any:
            def answer(method: RPCEndpoint, params: Any) -> Any:
                if method == "eth_getLogs":
                    first, last = (_number(params[0][key]) for key in ("fromBlock", "toBlock"))
                    asked.append(last - first + 1)
                    assert asked[-1] <= blocks, f"{asked[-1]} blocks asked for, {blocks} are answered"
                return make_request(method, params)

            return answer

    def _number(block: str | int) -> int:
        assert block != "latest"
        return block if isinstance(block, int) else int(block, 16)

    patch.setattr(events, "BLOCKS_PER_REQUEST", blocks)
    onion: Any = network.web3.middleware_onion
    onion.inject(Narrow, "narrow", layer=0)
    try:
        yield asked
    finally:
        onion.remove("narrow")
