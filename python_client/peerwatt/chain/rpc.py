"""A chain behind an address: a node of our own, a developer's node, or a live chain."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import requests
from eth_typing import URI, ChecksumAddress
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.exceptions import TimeExhausted, Web3Exception, Web3RPCError
from web3.middleware import AttributeDictMiddleware
from web3.types import RPCEndpoint, RPCResponse, TxReceipt

from peerwatt.chain.contract import Block, Call
from peerwatt.chain.endpoint import Posts, is_loopback
from peerwatt.chain.errors import ChainClockError, NotMined, TransactionRefused, UnreachableChain
from peerwatt.chain.network import GAS_PRICE, MINING_SECONDS, Network
from peerwatt.chain.nodes import LocalNode
from peerwatt.chain.read_memory import ReadMemory
from peerwatt.chain.receipts import receipt_of
from peerwatt.chain.reverts import ErrorTable, revert_data
from peerwatt.errors import ChainError

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 300.0
# How often a live chain is asked whether a transaction is mined, elsewhere and on this machine.
POLL_SECONDS = 0.2
# Most requests that are sent together.
BATCH = 100
LOOPBACK_POLL_SECONDS = 0.01

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
        self._posts = Posts(url, (min(CONNECT_SECONDS, answer_seconds), answer_seconds))
        super().__init__(cast(URI, url), session=self._posts.session, exception_retry_configuration=None)
        self._url = url
        self._errors = errors
        self.memory = ReadMemory()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        known = self.memory.recall(method, params)
        if known is not None:
            return known
        with self._silence_named():
            response = super().make_request(method, params)
        self.memory.keep(method, params, response)
        if method in ("eth_call", "eth_estimateGas"):
            self._raise_refusal(response)
        return response

    def make_batch_request(
        self, batch_requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        with self._silence_named():
            data = self._posts.post(self.encode_batch_rpc_request(batch_requests))
            said: Any = self.decode_rpc_response(data)
        # One answer to all is an error.
        return sorted(said, key=_number) if isinstance(said, list) else said

    def _make_request(self, method: RPCEndpoint, request_data: bytes) -> bytes:
        return self._posts.post(request_data)

    def ask(self, method: str, params: Sequence[list[Any]]) -> list[Any]:
        """The results of one method for several parameters, `BATCH` of them in a request.

        Past web3's middleware, so that nothing of it is formatted.

        Raises:
            UnreachableChain: nothing answers, or no JSON-RPC.
            ContractReverted: a contract refused a call.
            Web3RPCError: the node refused one.
        """
        results = []
        for first in range(0, len(params), BATCH):
            for response in self._ask(RPCEndpoint(method), params[first : first + BATCH]):
                if "error" in response:
                    if method == "eth_call":
                        self._raise_refusal(response)
                    raise Web3RPCError(str(response["error"]), rpc_response=response)
                results.append(response["result"])
        return results

    def _ask(self, method: RPCEndpoint, params: Sequence[list[Any]]) -> list[RPCResponse]:
        if len(params) == 1:
            return [self.make_request(method, params[0])]
        known = [self.memory.recall(method, each) for each in params]
        unknown = [(method, each) for each, answer in zip(params, known, strict=True) if answer is None]
        answers = self.make_batch_request(unknown) if unknown else []
        if not isinstance(answers, list):
            # An endpoint that takes one request at a time refuses the whole batch.
            return [self.make_request(method, each) for each in params]
        for (_, each), answer in zip(unknown, answers, strict=True):
            self.memory.keep(method, each, answer)
        fresh = iter(answers)
        return [next(fresh) if answer is None else answer for answer in known]

    def _raise_refusal(self, response: RPCResponse) -> None:
        data = revert_data(cast(Mapping[str, Any], response))
        if data is not None:
            raise self._errors.decode(data)

    @contextmanager
    def _silence_named(self) -> Iterator[None]:
        """Whatever HTTP says of a failure, as a typed error."""
        try:
            yield
        except requests.RequestException as error:
            raise UnreachableChain(self._url, _cause(error)) from None
        except ValueError:
            raise UnreachableChain(self._url, "what answers does not speak JSON-RPC") from None


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
        self._provider = _Provider(url, self.errors, answer_seconds)
        # Without web3's validation, which asks for the chain id before every call: it was asked for once.
        self.web3 = Web3(self._provider, middleware=[AttributeDictMiddleware])
        self._poll_seconds = LOOPBACK_POLL_SECONDS if is_loopback(url) else POLL_SECONDS
        self._giver: ChecksumAddress | None = None
        self._require_chain(chain_id)
        self._client = self._client_name() if sealed else ""
        if sealed:
            self._request(*STOP_MINING[self._client])
            self._provider.memory.on = True
        self._newest = super().latest_timestamp()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._provider.memory.forget()
        self._provider.memory.on = False
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
        [transaction] = self._taken("eth_sendRawTransaction", [["0x" + raw_transaction.hex()]])
        return transaction

    def submit_all(self, raw_transactions: Sequence[bytes]) -> list[HexBytes]:
        if self._client != "anvil":
            # Ganache takes up a batch's transactions in no order, and an endpoint for hire limits batches.
            return super().submit_all(raw_transactions)
        return self._taken("eth_sendRawTransaction", [["0x" + raw.hex()] for raw in raw_transactions])

    def receipts(
        self, transactions: Sequence[HexBytes], wait_seconds: float = MINING_SECONDS
    ) -> list[TxReceipt]:
        if not self.controls_time:
            end = time.monotonic() + wait_seconds
            return [self._awaited(transaction, end, wait_seconds) for transaction in transactions]
        asked = [[transaction.to_0x_hex()] for transaction in transactions]
        receipts = self._provider.ask("eth_getTransactionReceipt", asked)
        for transaction, receipt in zip(transactions, receipts, strict=True):
            if receipt is None:
                raise self._never_mined(transaction)
        return [receipt_of(receipt) for receipt in receipts]

    def _awaited(self, transaction: HexBytes, end: float, wait_seconds: float) -> TxReceipt:
        """The receipt of a transaction that a live chain mines by itself until `end`."""
        left = max(0.0, end - time.monotonic())
        try:
            return self.web3.eth.wait_for_transaction_receipt(transaction, left, self._poll_seconds)
        except TimeExhausted:
            raise NotMined(self.endpoint, transaction.to_0x_hex(), wait_seconds) from None

    def _answers(self, calls: Sequence[Call], block: Block, sender: ChecksumAddress | None) -> list[bytes]:
        number = block if isinstance(block, str) else hex(block)
        origin = {} if sender is None else {"from": sender}
        asked = [[{"to": call.to, "data": "0x" + call.data.hex(), **origin}, number] for call in calls]
        try:
            return [bytes.fromhex(data[2:]) for data in self._provider.ask("eth_call", asked)]
        except Web3RPCError as error:
            raise ChainError(f"{self.endpoint}: eth_call failed: {_message(error)}") from None

    def _balances(self, accounts: Sequence[ChecksumAddress]) -> list[int]:
        if not self.controls_time:
            return super()._balances(accounts)
        asked = [[account, "latest"] for account in accounts]
        return [int(wei, 16) for wei in self._provider.ask("eth_getBalance", asked)]

    def gas_price(self) -> int:
        return GAS_PRICE if self.controls_time else self.web3.eth.gas_price * 5 // 4

    def _transaction_counts(self, accounts: Sequence[ChecksumAddress]) -> list[int]:
        if not self.controls_time:
            return super()._transaction_counts(accounts)
        asked = [[account, "pending"] for account in accounts]
        return [int(count, 16) for count in self._provider.ask("eth_getTransactionCount", asked)]

    def _development_transfers(self, transfers: Sequence[tuple[ChecksumAddress, int]]) -> list[HexBytes]:
        if self._giver is None:
            accounts = self._request("eth_accounts", [])
            if not accounts:
                to, wei = transfers[0]
                raise TransactionRefused(
                    f"{self.endpoint}: {to} lacks {wei} wei and this chain has no development account to "
                    "give it: send it ether first"
                )
            self._giver = Web3.to_checksum_address(accounts[0])
        fields = {"from": self._giver, "gas": hex(21_000), "gasPrice": hex(self.gas_price())}
        return [
            self._taken("eth_sendTransaction", [[{**fields, "to": to, "value": hex(wei)}]])[0]
            for to, wei in transfers
        ]

    def _taken(self, method: str, params: Sequence[list[Any]]) -> list[HexBytes]:
        """The hashes of transactions that are sent, a refusal as a typed error."""
        try:
            return [HexBytes(sent) for sent in self._provider.ask(method, params)]
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


def _number(response: Mapping[str, Any]) -> int:
    """Which request a response answers."""
    return int(response["id"])


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
