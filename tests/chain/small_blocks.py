"""An Anvil whose blocks have a gas limit of choice, as a private chain's genesis may set it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from peerwatt.chain import nodes
from tests.chain.conftest import GENESIS


@contextmanager
def small_blocks(gas_limit: int) -> Iterator[str]:
    """A fresh Anvil that mines by itself; its address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nodes, "BLOCK_GAS_LIMIT", gas_limit)
        node = nodes.LocalNode("anvil", GENESIS)
    try:
        yield node.url
    finally:
        node.close()
