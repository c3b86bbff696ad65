"""How tests say that the market refuses something."""

from collections.abc import Callable
from typing import Any

import pytest
from onchain import CONFIG, FIRST_INTERVAL, OnChainMarket

from peerwatt.chain import ContractReverted
from peerwatt.client import BatchData
from peerwatt.messages import SignedOrder, SkipReason


def refused(name: str, call: Callable[[], Any]) -> ContractReverted:
    """The call must be refused by the error of that name."""
    with pytest.raises(ContractReverted) as caught:
        call()
    assert caught.value.name == name, caught.value
    return caught.value


def only_skip(market: OnChainMarket, order: SignedOrder, interval: int = FIRST_INTERVAL) -> SkipReason:
    """Why the order is skipped when it is posted alone."""
    posted = market.client.post(interval, [order])
    assert posted.batch is None
    [skip] = posted.skipped
    return skip.reason


def opened(market: OnChainMarket, interval: int = FIRST_INTERVAL) -> None:
    """Let the next transaction be mined when the interval takes orders."""
    market.at(CONFIG.start(interval) - 1000)


def missing(*batches: BatchData) -> list[bytes]:
    """Readings of batches of which none was read."""
    return [b""] * len(batches)


def tried_at(market: OnChainMarket, second: int, error: str | None, call: Callable[[], Any]) -> None:
    """Whether a call at that second is taken or refused with `error`; what it did is taken back."""
    snapshot = market.network.snapshot()
    market.at(second)
    if error:
        refused(error, call)
    else:
        call()
    market.network.revert(snapshot)
