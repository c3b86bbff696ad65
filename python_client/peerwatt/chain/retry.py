"""Asking a node again: what may be asked again, how long, and what is said when that is over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from peerwatt.chain.errors import NodeBusy, UnreachableChain

log: Final = logging.getLogger(__name__)

Answer = TypeVar("Answer")

PATIENCE_SECONDS: Final = 60.0
"""How long a node is asked again that answers nothing usable, or takes no more requests, s."""
ABSENT_SECONDS: Final = 2.0
"""How long an address is tried again at which nothing listens, s: a node that is not there stays away."""
LATE_SECONDS: Final = 10.0
"""How long a replica is waited for that has not seen a block yet, s."""
FIRST_WAIT_SECONDS: Final = 0.2
LONGEST_WAIT_SECONDS: Final = 8.0

READS: Final = ("eth_get", "net_", "web3_", "txpool_")
"""How the names of methods begin that change nothing."""
REPEATABLE: Final = frozenset(
    {
        "eth_accounts",
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_gasPrice",
        "eth_maxPriorityFeePerGas",
        "eth_syncing",
        # The same signed bytes are the same transaction, however often they arrive.
        "eth_sendRawTransaction",
        "evm_setAutomine",
        "evm_snapshot",
        "miner_start",
        "miner_stop",
    }
)
"""The other methods that may be sent again when their answer is lost."""


def is_repeatable(method: str) -> bool:
    """Whether a request may be sent again that a node may have acted on already."""
    return method in REPEATABLE or method.startswith(READS)


@dataclass(eq=False)
class Trouble(Exception):
    """Why an attempt gave no answer.

    Attributes:
        cause: in a few words.
        wait_seconds: how long the node asks to wait; 0 where it does not say.
        busy: whether it did nothing and only takes no more requests for now.
        connected: whether it took the request.
        patience: how long trying again can help at most, s; 0 where it cannot.
    """

    cause: str
    wait_seconds: float = 0.0
    busy: bool = False
    connected: bool = True
    patience: float = PATIENCE_SECONDS

    def __str__(self) -> str:
        return self.cause


@dataclass(frozen=True)
class Patience:
    """How long an endpoint is asked again.

    Attributes:
        endpoint: what error messages call it.
        seconds: at most, all attempts and waits together, s.
    """

    endpoint: str
    seconds: float = PATIENCE_SECONDS

    def ask(self, attempt: Callable[[], Answer], repeatable: bool) -> Answer:
        """What an attempt returns, tried again while it ends in a `Trouble` that trying again can mend.

        Args:
            attempt: one request and its answer.
            repeatable: whether the request may be sent again when the node may have acted on it.

        Raises:
            UnreachableChain: no attempt gave an answer (`NodeBusy` where the node takes no more requests).
        """
        begun = time.monotonic()

        def over(state: RetryCallState) -> bool:
            trouble = _trouble(state)
            if trouble.connected and not trouble.busy and not repeatable:
                return True
            limit = min(self.seconds, trouble.patience)
            return time.monotonic() - begun + state.upcoming_sleep > limit

        def tell(state: RetryCallState) -> None:
            log.debug("%s: %s: asked again in %.1f s", self.endpoint, _trouble(state), state.upcoming_sleep)

        def give_up(state: RetryCallState) -> Answer:
            raise self._given_up(_trouble(state), state.attempt_number, time.monotonic() - begun)

        asking = Retrying(
            retry=retry_if_exception_type(Trouble),
            wait=_wait,
            stop=over,
            before_sleep=tell,
            retry_error_callback=give_up,
        )
        return asking(attempt)

    def _given_up(self, trouble: Trouble, attempts: int, seconds: float) -> UnreachableChain:
        cause = trouble.cause
        if trouble.wait_seconds > 0:
            cause += f", asks to wait {trouble.wait_seconds:.0f} s"
        if attempts > 1:
            cause += f"; given up after {attempts} attempts in {seconds:.0f} s"
        if trouble.busy:
            return NodeBusy(self.endpoint, cause)
        return UnreachableChain(self.endpoint, cause, connected=trouble.connected)


_exponential: Final = wait_random_exponential(multiplier=2 * FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS)


def _wait(state: RetryCallState) -> float:
    """Longer each time and never in step with others, but no less than the node asks for."""
    drawn = float(_exponential(state))
    return max(_trouble(state).wait_seconds, FIRST_WAIT_SECONDS / 2 + drawn)


def _trouble(state: RetryCallState) -> Trouble:
    assert state.outcome is not None
    trouble = state.outcome.exception()
    assert isinstance(trouble, Trouble)
    return trouble


def wait_asked_for(retry_after: str | None, now: float) -> float:
    """What a `Retry-After` header asks for, s: a number of seconds or a date (RFC 9110, 10.2.3).

    Args:
        retry_after: the header's value; None where there is none.
        now: Unix time, s.
    """
    if not retry_after:
        return 0.0
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return 0.0
