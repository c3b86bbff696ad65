"""How many orders go into one batch: a transaction is bounded in bytes by nodes, and in gas by the chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from peerwatt.chain import TRANSACTION_GAS_CAP, Network
from peerwatt.chain.gas_limits import block_gas_limit
from peerwatt.market.market_rules import BATCH_ORDERS, MarketConfig
from peerwatt.messages import ROSTER_PAGE, SignedOrder, encode_orders

MOST_BYTES: Final = 128 * 1024
"""Most that common nodes take of one transaction (`txMaxSize` of go-ethereum's pool), bytes."""
ENVELOPE_BYTES: Final = 1024
"""Left for the transaction around the orders: its fields, the call's arguments and the signature."""

# Bounds of what `post` and `reveal` use, gas: a test holds them against batches on cold storage.
CALL_GAS: Final = 2_000_000
"""Of a call without its orders: it may open the interval, and write every word of the tick book first."""
PAGE_GAS: Final = 80_000
"""Of a page of 96 accounts: its connections, its envelope, and who has posted."""
ORDER_GAS: Final = 6_000
"""Of an order: calldata, record and signature."""
STEP_GAS: Final = 1_000
"""Of each of its steps."""


@dataclass(frozen=True)
class BatchSize:
    """What one batch may come to.

    Attributes:
        bytes: of the packed orders.
        gas: of the transaction that posts or reveals them.
        orders: as many as the market takes at once.
    """

    bytes: int = MOST_BYTES - ENVELOPE_BYTES
    gas: int = TRANSACTION_GAS_CAP * 4 // 5
    orders: int = BATCH_ORDERS

    @classmethod
    def on(cls, network: Network, config: MarketConfig) -> BatchSize:
        """What a market and its chain take: the newest block says how much gas one may use.

        A fifth of it is left, as a sender asks for more than it expects to use.

        Raises:
            ChainError: the chain does not answer.
        """
        gas = min(block_gas_limit(network), TRANSACTION_GAS_CAP) * 4 // 5
        return cls(gas=gas, orders=config.batch_orders)

    def split(self, orders: Sequence[SignedOrder]) -> Iterator[Sequence[SignedOrder]]:
        """Orders as batches that fit, in their order; one order is a batch in any case."""
        first, packed, gas, pages = 0, 0, CALL_GAS, set[int]()
        for position, signed in enumerate(orders):
            page, length, own = _page(signed), len(encode_orders([signed])), _own_gas(signed)
            more = own + (0 if page in pages else PAGE_GAS)
            full = position - first == self.orders or packed + length > self.bytes or gas + more > self.gas
            if position > first and full:
                yield orders[first:position]
                first, packed, gas, pages = position, 0, CALL_GAS, set()
                more = own + PAGE_GAS
            packed, gas = packed + length, gas + more
            pages.add(page)
        if orders:
            yield orders[first:]

    @staticmethod
    def gas_of(orders: Sequence[SignedOrder]) -> int:
        """A bound of what posting or revealing orders as one batch uses."""
        return CALL_GAS + PAGE_GAS * len({_page(each) for each in orders}) + sum(map(_own_gas, orders))


def _page(signed: SignedOrder) -> int:
    return signed.order.participant // ROSTER_PAGE


def _own_gas(signed: SignedOrder) -> int:
    return ORDER_GAS + STEP_GAS * len(signed.order.steps)
