"""JSON-RPC over HTTP: every request answered by its own response, or by a typed error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from peerwatt.chain.blocks import as_expected
from peerwatt.chain.dialects import (
    error_of,
    is_absent,
    is_busy,
    is_late,
    is_out_of_gas,
    message_of,
    reason_of,
    revert_data,
)
from peerwatt.chain.errors import ContractReverted, NodeRefused, OutOfGas, UnreachableChain
from peerwatt.chain.exchange import Exchange
from peerwatt.chain.read_memory import ReadMemory
from peerwatt.chain.redaction import Redaction
from peerwatt.chain.retry import (
    LATE_SECONDS,
    PATIENCE_SECONDS,
    Patience,
    Trouble,
    is_repeatable,
)
from peerwatt.chain.reverts import ErrorTable
from peerwatt.errors import ChainError

Answer = TypeVar("Answer")

BATCH: Final = 100
"""Most requests that are sent together."""
LOGS_SECONDS: Final = 3.0
"""How long a range of logs is asked for again that gives no answer, s."""
BATCH_SECONDS: Final = 1.0
"""How long several requests in one are sent again that get no answer, before fewer are: many endpoints count
each of them, and some close the connection, s."""
SIMULATIONS: Final = ("eth_call", "eth_estimateGas")
"""What a contract answers, or refuses."""
LOOKUPS: Final = (
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getTransactionByHash",
    "eth_getTransactionReceipt",
)
"""Whose answer is null where nothing is found; some nodes say an error instead."""


class JsonRpcProvider(JSONBaseProvider):
    """One endpoint, asked until it answers, in the dialect that it has.

    Attributes:
        endpoint_uri: the address, with whatever secret is in it.
        memory: what was read of a chain that only this program changes.
        redaction: what must not be shown of the endpoint's address.
    """

    def __init__(self, url: str, errors: ErrorTable, answer_seconds: float, patience_seconds: float) -> None:
        """
        Args:
            url: http or https address.
            errors: decodes what contracts refuse.
            answer_seconds: how long one answer may take.
            patience_seconds: how long it is asked again that gives none.
        """
        super().__init__()
        self.endpoint_uri = url
        self.memory = ReadMemory()
        self.redaction = Redaction(url)
        self._errors = errors
        self._exchange = Exchange(url, self.redaction, answer_seconds)
        self._patience = Patience(self.redaction.shown, min(patience_seconds, PATIENCE_SECONDS))
        self._hurry = Patience(self.redaction.shown, min(patience_seconds, BATCH_SECONDS))
        self._batch = BATCH
        self._numbers = 0

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """As web3 asks; an error of the node is raised here, typed."""
        known = self.memory.recall(method, params)
        if known is not None:
            return known
        found = self._result(method, params)
        if isinstance(found, ChainError):
            raise found
        response = _response(found)
        self.memory.keep(method, params, response)
        return response

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Whether a chain answers; as web3 asks."""
        return isinstance(self._result("eth_chainId", []), str)

    def ask(self, method: str, params: Sequence[list[Any]]) -> list[Any]:
        """The results of one method for several parameters, as JSON has them.

        Raises:
            UnreachableChain: nothing answers, or no JSON-RPC.
            ContractReverted: a contract refused a call.
            OutOfGas: a call or an estimate needs more gas than there is.
            NodeRefused: the node refused one.
        """
        found = self.answers(method, params)
        for each in found:
            if isinstance(each, ChainError):
                raise each
        return found

    def answers(self, method: str, params: Sequence[list[Any]]) -> list[Any]:
        """As `ask`, with the node's and the contracts' refusals as values among the results.

        Past web3's middleware, so that nothing of it is formatted.

        Raises:
            UnreachableChain: nothing answers, or no JSON-RPC.
        """
        found = [self.memory.recall(method, each) for each in params]
        results: list[Any] = [None if known is None else known["result"] for known in found]
        unknown = [place for place, known in enumerate(found) if known is None]
        while unknown:
            now, unknown = unknown[: self._batch], unknown[self._batch :]
            fresh = self._together(method, [params[place] for place in now])
            for place, result in zip(now, fresh, strict=True):
                results[place] = result
                if not isinstance(result, ChainError):
                    self.memory.keep(method, params[place], _response(result))
        return results

    def _together(self, method: str, params: Sequence[list[Any]]) -> list[Any]:
        """The results of several requests in one, or one by one where the node does not take several."""
        if len(params) == 1 or self._batch <= 1:
            return [self._result(method, each) for each in params]
        if len(params) > self._batch:
            half = len(params) // 2
            return self._together(method, params[:half]) + self._together(method, params[half:])
        numbers = [self._number() for _ in params]
        body = _encoded(
            [_request(number, method, each) for number, each in zip(numbers, params, strict=True)]
        )

        def attempt() -> dict[int, Any] | None:
            said = self._exchange.said(body)
            if not isinstance(said, list):
                return None
            return {number: each for each in said if (number := _number_of(each)) in numbers}

        try:
            said = self._hurry.ask(attempt, is_repeatable(method))
        except UnreachableChain as error:
            if not error.connected or not is_repeatable(method):
                raise
            said = None
        if not said:
            # It refuses so many requests at once: an error for all of them, answers to none, or nothing.
            self._batch = len(params) // 2
            return self._together(method, params)
        results = []
        for number, each in zip(numbers, params, strict=True):
            try:
                results.append(self._meaning(method, each, said.get(number)))
            except Trouble:
                # This one alone is missing, or comes too early.
                results.append(self._result(method, each))
        return results

    def _result(self, method: str, params: Any) -> Any:
        """The result of one request, or the refusal of the node or of a contract.

        Raises:
            UnreachableChain: no attempt gave an answer.
        """
        number = self._number()
        body = _encoded(_request(number, method, params))
        repeated = False

        def attempt() -> Any:
            nonlocal repeated
            try:
                said = self._exchange.said(body)
                if isinstance(said, list) and len(said) == 1:
                    [said] = said
                if isinstance(said, Mapping) and _number_of(said) not in (None, number):
                    raise Trouble("the answer to another request")
                return self._meaning(method, params, said, repeated)
            except Trouble as trouble:
                repeated = repeated or (trouble.connected and not trouble.busy)
                if method == "eth_getLogs" and not trouble.busy:
                    # A shorter range mends more than asking again does.
                    trouble.patience = min(trouble.patience, LOGS_SECONDS)
                raise

        return self._patience.ask(attempt, is_repeatable(method))

    def _meaning(self, method: str, params: Any, said: Any, repeated: bool = False) -> Any:
        """The result of a response, or the refusal that it is.

        Raises:
            Trouble: it is neither, or asking again may give another.
        """
        if not isinstance(said, Mapping):
            raise Trouble("no answer to one of several requests")
        error = error_of(said)
        if error is None:
            if "result" not in said:
                raise Trouble("an answer without a result")
            try:
                return as_expected(method, said["result"])
            except ChainError as unreadable:
                return NodeRefused(self.redaction.shown, method, None, str(unreadable), repeated)
        if method in SIMULATIONS:
            data = revert_data(said)
            if data is not None:
                return self._refusal(method, params, data, reason_of(said))
        code, message = error.get("code"), self.redaction.clean(message_of(error))
        if is_busy(code, message, method == "eth_getLogs" and not _is_single(params)):
            raise Trouble(message, busy=True)
        if method in LOOKUPS and is_absent(message):
            return None
        refused: ChainError = NodeRefused(self.redaction.shown, method, code, message, repeated)
        if method in SIMULATIONS and is_out_of_gas(message):
            refused = OutOfGas(f"{self.redaction.shown}: {method} needs more gas than there is: {message}")
        elif is_late(message) and method != "eth_getLogs":
            raise Trouble(message, patience=LATE_SECONDS)
        return refused

    def _refusal(self, method: str, params: Any, data: bytes, reason: str) -> ContractReverted:
        if not data and method == "eth_estimateGas" and params:
            # Some nodes keep the data of a refused call only.
            called = self._result("eth_call", [params[0], "latest"])
            if isinstance(called, ContractReverted):
                return called
        if not data and reason:
            return ContractReverted("Error", {"reason": self.redaction.clean(reason)}, b"")
        return self._errors.decode(data)

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers


def _is_single(params: Any) -> bool:
    """Whether the logs of one block alone are asked for."""
    return bool(params) and params[0].get("fromBlock") == params[0].get("toBlock")


def _response(result: Any) -> RPCResponse:
    """A result as web3 wants it, also when it is recalled."""
    return cast(RPCResponse, {"jsonrpc": "2.0", "id": 0, "result": result})


def _request(number: int, method: str, params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params or [], "id": number}


def _encoded(said: Any) -> bytes:
    return json.dumps(said, default=_plain).encode()


def _plain(value: Any) -> Any:
    """JSON of what web3 puts into parameters."""
    if isinstance(value, bytes | bytearray):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no parameter of a request")


def _number_of(response: Any) -> int | None:
    """Which request a response answers; None where it does not say."""
    number = response.get("id") if isinstance(response, Mapping) else None
    if isinstance(number, str) and number.isascii() and number.isdigit():
        return int(number)
    return number if isinstance(number, int) and not isinstance(number, bool) else None
