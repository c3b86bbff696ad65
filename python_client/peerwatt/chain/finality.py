"""When a receipt counts: mined, on the chain as it is now, and deep enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from peerwatt.chain.blocks import quantity
from peerwatt.chain.errors import NodeRefused
from peerwatt.errors import ChainError, InputError

Tag = Literal["safe", "finalized"]
TAGS: Final[tuple[Tag, ...]] = ("safe", "finalized")


class Node(Protocol):
    """What is asked."""

    def ask(self, method: str, params: list[Any]) -> Any:
        """The result of a JSON-RPC request."""


@dataclass(frozen=True)
class Finality:
    """How deep a transaction must lie before it counts.

    Attributes:
        confirmations: blocks that must hold it or lie on top of it. 1 is right where blocks are final at once
            (QBFT, IBFT, Tendermint) and where what is lost is sent again.
        tag: `safe` or `finalized`, where the chain itself says what is final; the confirmations count too.
    """

    confirmations: int = 1
    tag: Tag | None = None

    @classmethod
    def parse(cls, text: str, where: str) -> Finality:
        """The finality that a text names: a number of blocks, `safe` or `finalized`.

        Args:
            text: as the user wrote it.
            where: the user wrote it.

        Raises:
            InputError: it names none.
        """
        for tag in TAGS:
            if text == tag:
                return cls(tag=tag)
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 10_000:
            raise InputError(f"{where}: {text!r}: give a number of blocks from 1 on, safe or finalized")
        return cls(int(text))

    def holds(self, node: Node, receipt: Mapping[str, Any]) -> bool:
        """Whether a receipt counts.

        Args:
            node: the chain.
            receipt: as JSON has it.
        """
        if receipt.get("blockHash") is None or receipt.get("blockNumber") is None:
            # Some nodes give receipts of what still waits.
            return False
        number = quantity(receipt["blockNumber"])
        if self.confirmations > 1 and self._head(node, "latest") < number + self.confirmations - 1:
            return False
        if self.tag is not None and self._head(node, self.tag) < number:
            return False
        block = node.ask("eth_getBlockByNumber", [hex(number), False])
        return block is not None and str(block["hash"]).lower() == str(receipt["blockHash"]).lower()

    def _head(self, node: Node, tag: str) -> int:
        """Number of the newest block of a kind; -1 where there is none yet."""
        try:
            block = node.ask("eth_getBlockByNumber", [tag, False])
        except NodeRefused as refused:
            raise ChainError(
                f"{refused.endpoint}: this chain does not say which blocks are {tag} ({refused.message}): "
                "give PEERWATT_FINALITY a number of blocks"
            ) from None
        return -1 if block is None else quantity(block["number"])
