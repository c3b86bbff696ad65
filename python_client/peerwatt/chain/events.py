"""Reading a contract's events, a bounded range of blocks at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from peerwatt.chain.contract import ContractEvent, EventData
from peerwatt.chain.log_ranges import LONGEST

BLOCKS_PER_REQUEST: Final = LONGEST
"""Most blocks whose events are asked for at once."""


def events_since(event: ContractEvent, block: int, **topics: Any) -> Iterator[EventData]:
    """A contract's events of one kind from a block on, oldest first; asked for as far as they are taken.

    Args:
        event: e.g. `contract.events.Reported()`.
        block: where to begin.
        topics: values that its indexed arguments must have, by name.
    """
    newest = int(event.network.web3.eth.block_number)
    for first in range(block, newest + 1, BLOCKS_PER_REQUEST):
        last = min(first + BLOCKS_PER_REQUEST - 1, newest)
        yield from event.get_logs(topics, from_block=first, to_block=last)
