"""What a transaction on a live chain offers for its gas, at most how much, and how much more when stuck."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median_low
from typing import Any, Final, Protocol

from peerwatt.chain.blocks import quantity
from peerwatt.chain.errors import NodeRefused, TransactionRefused

GWEI: Final = 10**9
CAP_WEI: Final = 500 * GWEI
"""Most that is offered per gas where nothing else is said."""
HISTORY_BLOCKS: Final = 20
"""How many blocks the tip follows from."""
BASE_FEES_AHEAD: Final = 2
"""How many times the next block's base fee is offered: it doubles within six full blocks."""
RAISE_PERCENT: Final = 25
"""How much more is offered for what is stuck."""
LEAST_RAISE_PERCENT: Final = 13
"""Nodes keep the old transaction for less: most ask for 10 %, some for 12.5 %."""


class Node(Protocol):
    """What the offer follows from."""

    endpoint: str

    def ask(self, method: str, params: list[Any]) -> Any:
        """The result of a JSON-RPC request."""


@dataclass(frozen=True)
class Offer:
    """What a transaction offers, wei per gas.

    Attributes:
        most: `maxFeePerGas`, or the gas price where the chain has no base fee.
        tip: `maxPriorityFeePerGas`; None where the chain has no base fee.
    """

    most: int
    tip: int | None = None

    def fields(self) -> dict[str, int]:
        """Of the transaction."""
        if self.tip is None:
            return {"gasPrice": self.most}
        return {"maxFeePerGas": self.most, "maxPriorityFeePerGas": self.tip}


@dataclass(frozen=True)
class FeePolicy:
    """What is offered.

    With a base fee (EIP-1559): twice the next block's base fee and a tip; the tip is what the node advises or
    what the median of the last 20 blocks paid, whichever is more. Without one, or where the node does not
    know `eth_feeHistory`: the node's gas price and a quarter.

    Attributes:
        cap_wei: most that is ever offered per gas, wei.
    """

    cap_wei: int = CAP_WEI

    def offer(self, node: Node) -> Offer:
        """What to offer now.

        Raises:
            TransactionRefused: the chain asks for more than the cap.
        """
        fees = _market(node)
        if fees is None:
            price = quantity(node.ask("eth_gasPrice", []))
            self._require(node, price, "gas price")
            return Offer(min(self.cap_wei, price * 5 // 4))
        base, tip = fees
        self._require(node, base, "base fee")
        most = min(self.cap_wei, BASE_FEES_AHEAD * base + tip)
        return Offer(most, min(tip, most))

    def raised(self, old: Offer, now: Offer | None) -> Offer | None:
        """What to offer in place of an offer that is stuck; None where the cap leaves too little room.

        Args:
            old: the offer that is stuck.
            now: what would be offered for a new transaction; None where that is unknown.
        """
        most = (
            _more(old.most, RAISE_PERCENT) if now is None else max(_more(old.most, RAISE_PERCENT), now.most)
        )
        most = min(self.cap_wei, most)
        if most < _more(old.most, LEAST_RAISE_PERCENT):
            return None
        if old.tip is None:
            return Offer(most)
        advised = 0 if now is None or now.tip is None else now.tip
        return Offer(most, min(most, max(_more(old.tip, RAISE_PERCENT), advised)))

    def _require(self, node: Node, price: int, what: str) -> None:
        if price > self.cap_wei:
            raise TransactionRefused(
                f"{node.endpoint}: the {what} is {price / GWEI:.9g} gwei, at most {self.cap_wei / GWEI:.9g} "
                "are offered: wait, or allow more in PEERWATT_MAX_FEE_GWEI"
            )


def base_fee(node: Node) -> int | None:
    """The next block's base fee, wei per gas; None where the chain has none or the node does not say."""
    fees = _market(node)
    return None if fees is None else fees[0]


def _market(node: Node) -> tuple[int, int] | None:
    """The next block's base fee and a tip, wei per gas."""
    try:
        history = node.ask("eth_feeHistory", [hex(HISTORY_BLOCKS), "latest", [50]])
        bases = [quantity(fee) for fee in history["baseFeePerGas"]]
        tips = [quantity(reward[0]) for reward in history.get("reward") or () if reward]
    except (NodeRefused, TypeError, KeyError, ValueError, IndexError):
        return None
    block = node.ask("eth_getBlockByNumber", ["latest", False])
    if not bases or not block or block.get("baseFeePerGas") is None:
        # Some nodes answer with zeros for a chain that has no base fee.
        return None
    return bases[-1], max(_advised_tip(node, bases[-1]), median_low(tips) if tips else 0)


def _advised_tip(node: Node, base: int) -> int:
    for method, less in (("eth_maxPriorityFeePerGas", 0), ("eth_gasPrice", base)):
        try:
            return max(0, quantity(node.ask(method, [])) - less)
        except (NodeRefused, ValueError):
            continue
    return 0


def _more(price: int, percent: int) -> int:
    """A price raised by so many percent, and by 1 wei at least: rounded up."""
    return max(price + 1, -(-price * (100 + percent) // 100))
