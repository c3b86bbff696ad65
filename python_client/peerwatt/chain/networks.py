"""Opening a chain by name or address."""

from __future__ import annotations

import os
from decimal import Decimal, InvalidOperation

from peerwatt.chain.fees import GWEI, FeePolicy
from peerwatt.chain.finality import Finality
from peerwatt.chain.network import DEFAULT_GENESIS_TIME, Network
from peerwatt.chain.nodes import NODES, LocalNode
from peerwatt.chain.redaction import without_urls
from peerwatt.chain.rpc import ANSWER_SECONDS, RpcNetwork
from peerwatt.errors import ChainError, InputError

EMBEDDED = "eth-tester"
# The name under which `--chain` takes the address from the environment, as Foundry's tools do.
FROM_ENVIRONMENT = "rpc"
URL_VARIABLE = "ETH_RPC_URL"
FEE_VARIABLE = "PEERWATT_MAX_FEE_GWEI"
"""Most that is offered per gas on a live chain, gwei."""
FINALITY_VARIABLE = "PEERWATT_FINALITY"
"""When a transaction counts on a live chain: a number of blocks, `safe` or `finalized`."""


def open_network(
    chain: str = EMBEDDED,
    *,
    genesis_time: int = DEFAULT_GENESIS_TIME,
    sealed: bool = False,
    chain_id: int | None = None,
    hardfork: str = "shanghai",
    answer_seconds: float = ANSWER_SECONDS,
    fees: FeePolicy | None = None,
    finality: Finality | None = None,
) -> Network:
    """Open a chain; use it in a `with` statement, or call `close()`.

    Args:
        chain: `eth-tester` (in this process), `ganache` or `anvil` (started here, on a free port), an http or
            https URL, or `rpc` for the URL in `ETH_RPC_URL`.
        genesis_time: timestamp of block 0 of a chain that is started here, s since the epoch.
        sealed: whether blocks are mined by `Network.mine` alone, at timestamps of our choice. Chains started
            here always are; a URL is only on request, and only when a Ganache or Anvil node answers there.
        chain_id: the chain id that must be found, if one is expected.
        hardfork: rules of the EVM of a chain that is started here. `shanghai` on all three gives the same gas
            on all three; `prague` (eth-tester, anvil) meters by later rules.
        answer_seconds: how long a node behind a URL may take to answer.
        fees: what transactions offer on a chain that mines by itself; by default what
            `PEERWATT_MAX_FEE_GWEI` caps.
        finality: when a transaction counts on such a chain; by default what `PEERWATT_FINALITY` says, or
            once it is in a block.

    Raises:
        UnreachableChain: nothing answers at the URL.
        WrongChain: another chain than `chain_id` answers.
        NodeMissing: Node or an npm package is not installed.
        ChainError: no such chain.
        InputError: one of the two variables cannot be used.
    """
    if chain == EMBEDDED:
        # py-evm takes most of a second to import, and only this chain needs it.
        from peerwatt.chain.embedded import EmbeddedNetwork

        return EmbeddedNetwork(genesis_time, hardfork, chain_id)
    if chain in NODES:
        node = LocalNode(chain, genesis_time, hardfork)
        try:
            return RpcNetwork(node.url, sealed=True, chain_id=chain_id, node=node)
        except BaseException:
            node.close()
            raise
    if chain == FROM_ENVIRONMENT:
        url = os.environ.get(URL_VARIABLE, "")
        if not url:
            raise ChainError(f"{URL_VARIABLE} is not set: export the address of the chain, or name a chain")
    else:
        url = chain
    if not url.startswith(("http://", "https://")):
        raise ChainError(
            f"no chain {without_urls(url)!r}: choose {EMBEDDED}, {', '.join(NODES)}, {FROM_ENVIRONMENT}, or "
            "an http(s) URL"
        )
    return RpcNetwork(
        url,
        sealed=sealed,
        chain_id=chain_id,
        answer_seconds=answer_seconds,
        fees=fees or _fees(),
        finality=finality or _finality(),
    )


def _fees() -> FeePolicy:
    """What the environment caps."""
    text = os.environ.get(FEE_VARIABLE, "")
    if not text:
        return FeePolicy()
    try:
        cap = Decimal(text) * GWEI
        if not cap.is_finite() or cap < 1:
            raise InvalidOperation
    except InvalidOperation:
        raise InputError(f"{FEE_VARIABLE}: {text!r}: give a number of gwei above 0, such as 100") from None
    return FeePolicy(int(cap))


def _finality() -> Finality:
    """What the environment waits for."""
    text = os.environ.get(FINALITY_VARIABLE, "")
    return Finality.parse(text, FINALITY_VARIABLE) if text else Finality()
