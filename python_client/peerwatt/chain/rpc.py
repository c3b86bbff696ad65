"""A chain behind an address: a node of our own, a developer's node, or a live chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import requests
from eth_typing import URI, ChecksumAddress
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.exceptions import TimeExhausted, Web3Exception, Web3RPCError
from web3.middleware import AttributeDictMiddleware, ValidationMiddleware
from web3.types import RPCEndpoint, RPCResponse, TxParams, TxReceipt

from peerwatt.chain.errors import ChainClockError, NotMined, TransactionRefused, UnreachableChain
from peerwatt.chain.network import GAS_PRICE, MINING_SECONDS, Network
from peerwatt.chain.nodes import LocalNode
from peerwatt.chain.reverts import ErrorTable, revert_data
from peerwatt.errors import ChainError

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 300.0
# How often a live chain is asked whether a transaction is mined.
POLL_SECONDS = 0.2

# How a development node stops and resumes mining by itself, by the first word of its client version.
STOP_MINING: dict[str, tuple[str, list[Any]]] = {
    "anvil": ("evm_setAutomine", [False]),
    "ganache": ("miner_stop", []),
}
RESUME_MINING: dict[str, tuple[str, list[Any]]] = {
    "anvil": ("evm_setAutomine", [True]),
    "ganache": ("miner_start", []),
}


class _Provider(HTTPProvider):
    """JSON-RPC over HTTP whose silence and whose contracts' refusals are typed errors."""

    def __init__(self, url: str, errors: ErrorTable, answer_seconds: float) -> None:
        super().__init__(
            cast(URI, url),
            request_kwargs={"timeout": (min(CONNECT_SECONDS, answer_seconds), answer_seconds)},
            exception_retry_configuration=None,
        )
        self._url = url
        self._errors = errors

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        try:
            response = super().make_request(method, params)
        except requests.RequestException as error:
            raise UnreachableChain(self._url, _cause(error)) from None
        except ValueError:
            raise UnreachableChain(self._url, "what answers does not speak JSON-RPC") from None
        if method in ("eth_call", "eth_estimateGas"):
            data = revert_data(cast(Mapping[str, Any], response))
            if data is not None:
                raise self._errors.decode(data)
        return response


class RpcNetwork(Network):
    """A chain behind a URL.

    Sealed, it is Ganache or Anvil with its own mining switched off, and behaves as the embedded chain does.
    Otherwise it mines when it likes and keeps its own clock.

    Attributes:
        url: the address.
    """

    def __init__(
        self,
        url: str,
        *,
        sealed: bool = False,
        chain_id: int | None = None,
        node: LocalNode | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """
        Args:
            url: http or https address of the JSON-RPC endpoint.
            sealed: take over mining and time; only a development node allows it.
            chain_id: the chain id that must be found there, if one is expected.
            node: the process behind the URL, if it is ours to end.
            answer_seconds: how long an answer may take.

        Raises:
            UnreachableChain: nothing answers there.
            WrongChain: another chain answers.
            ChainClockError: it shall be sealed and is no development node.
        """
        super().__init__()
        self.url = url
        self.name = node.kind if node else url
        self.endpoint = f"{node.kind} at {url}" if node else url
        self._node = node
        self._closed = False
        self.controls_time = sealed
        self.web3 = Web3(
            _Provider(url, self.errors, answer_seconds),
            middleware=[AttributeDictMiddleware, ValidationMiddleware],
        )
        self._require_chain(chain_id)
        self._client = self._client_name() if sealed else ""
        if sealed:
            self._request(*STOP_MINING[self._client])
        self._newest = super().latest_timestamp()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._node is not None:
            self._node.close()
        elif self.controls_time:
            self._request(*RESUME_MINING[self._client])

    def latest_timestamp(self) -> int:
        # A sealed chain gets its blocks from us alone, so there is no need to ask it.
        return self._newest if self.controls_time else super().latest_timestamp()

    def _mine(self) -> None:
        if self.controls_time:
            timestamp = self._take_next_timestamp()
            self._request("evm_mine", [{"timestamp": timestamp}])
            self._newest = timestamp

    def snapshot(self) -> Any:
        return self._request("evm_snapshot", [])

    def _revert(self, snapshot: Any) -> None:
        if self._request("evm_revert", [snapshot]) is not True:
            raise ChainError(f"{self.endpoint}: no snapshot {snapshot}: each can be reverted to once")
        self._newest = super().latest_timestamp()

    def submit(self, raw_transaction: bytes) -> HexBytes:
        return self._taken(lambda: self.web3.eth.send_raw_transaction(raw_transaction))

    def receipt(self, transaction: HexBytes, wait_seconds: float = MINING_SECONDS) -> TxReceipt:
        if self.controls_time:
            return super().receipt(transaction)
        try:
            return self.web3.eth.wait_for_transaction_receipt(transaction, wait_seconds, POLL_SECONDS)
        except TimeExhausted:
            raise NotMined(self.endpoint, transaction.to_0x_hex(), wait_seconds) from None

    def gas_price(self) -> int:
        return GAS_PRICE if self.controls_time else self.web3.eth.gas_price * 5 // 4

    def _development_transfer(self, to: ChecksumAddress, wei: int) -> HexBytes:
        accounts = self._request("eth_accounts", [])
        if not accounts:
            raise TransactionRefused(
                f"{self.endpoint}: {to} lacks {wei} wei and this chain has no development account to give "
                "it: send it ether first"
            )
        giver = Web3.to_checksum_address(accounts[0])
        params = cast(
            TxParams, {"from": giver, "to": to, "value": wei, "gas": 21_000, "gasPrice": self.gas_price()}
        )
        return self._taken(lambda: self.web3.eth.send_transaction(params))

    def _taken(self, send: Callable[[], HexBytes]) -> HexBytes:
        """The result of `send`, its refusal as a typed error."""
        try:
            return send()
        except Web3RPCError as error:
            raise TransactionRefused(f"{self.endpoint}: transaction refused: {_message(error)}") from None

    def _client_name(self) -> str:
        """`anvil` or `ganache`, from what the node says of itself."""
        version = str(self._request("web3_clientVersion", []))
        name = version.split("/")[0].lower()
        if name not in STOP_MINING:
            raise ChainClockError(
                f"{self.endpoint}: {version} keeps its own clock: replay on eth-tester, or name the URL of "
                "a Ganache or Anvil node"
            )
        return name

    def _request(self, method: str, params: list[Any]) -> Any:
        """Result of a JSON-RPC call that web3 has no method for."""
        try:
            return self.web3.manager.request_blocking(RPCEndpoint(method), params)
        except Web3Exception as error:
            raise ChainError(f"{self.endpoint}: {method} failed: {_message(error)}") from None


def _message(error: Web3Exception) -> str:
    """What the node said, without the JSON around it."""
    response = getattr(error, "rpc_response", None)
    if isinstance(response, Mapping) and isinstance(response.get("error"), Mapping):
        return str(response["error"].get("message", error))
    return str(error)


def _cause(error: requests.RequestException) -> str:
    """A request's failure in a few words."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.ConnectionError):
        return "connection refused or lost"
    return str(error)
