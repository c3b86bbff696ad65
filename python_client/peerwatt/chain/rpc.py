"""A chain behind an address: a node of our own, a developer's node, or a live chain."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import Web3
from web3.middleware import AttributeDictMiddleware
from web3.types import TxReceipt

from peerwatt.chain.contract import Block, Call
from peerwatt.chain.dialects import is_fee_too_low, is_known, is_nonce_used, is_outbid
from peerwatt.chain.endpoint import is_loopback
from peerwatt.chain.errors import (
    ChainClockError,
    FeeTooLow,
    NodeBusy,
    NodeRefused,
    NonceTaken,
    TransactionRefused,
    UnreachableChain,
)
from peerwatt.chain.fees import FeePolicy
from peerwatt.chain.finality import Finality
from peerwatt.chain.gas_limits import block_gas_limit
from peerwatt.chain.json_rpc import JsonRpcProvider
from peerwatt.chain.keccak import keccak
from peerwatt.chain.network import GAS_PRICE, MINING_SECONDS, Network
from peerwatt.chain.nodes import LocalNode
from peerwatt.chain.outbox import Outbox, Sending
from peerwatt.chain.receipts import receipt_of
from peerwatt.chain.retry import LATE_SECONDS, PATIENCE_SECONDS
from peerwatt.errors import ChainError

ANSWER_SECONDS = 300.0
# How often a live chain is asked whether a transaction is mined, elsewhere and on this machine.
POLL_SECONDS = 0.2
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


class RpcNetwork(Network):
    """A chain behind a URL.

    Sealed, it is Ganache or Anvil with its own mining switched off, and behaves as the embedded chain does.
    Otherwise it mines when it likes and keeps its own clock.

    Attributes:
        url: the address, with whatever secret is in it; what is shown is `endpoint`.
    """

    def __init__(
        self,
        url: str,
        *,
        sealed: bool = False,
        chain_id: int | None = None,
        node: LocalNode | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        fees: FeePolicy | None = None,
        finality: Finality | None = None,
    ) -> None:
        """
        Args:
            url: http or https address of the JSON-RPC endpoint.
            sealed: take over mining and time; only a development node allows it.
            chain_id: the chain id that must be found there, if one is expected.
            node: the process behind the URL, if it is ours to end.
            answer_seconds: how long an answer may take.
            fees: what transactions offer on a chain that mines by itself.
            finality: when a receipt counts there.

        Raises:
            UnreachableChain: nothing answers there.
            WrongChain: another chain answers.
            ChainClockError: it shall be sealed and is no development node.
        """
        super().__init__()
        self.url = url
        self._provider = JsonRpcProvider(
            url, self.errors, answer_seconds, min(PATIENCE_SECONDS, 2 * answer_seconds)
        )
        shown = self._provider.redaction.shown
        self.name = node.kind if node else shown
        self.endpoint = self.log_ranges.endpoint = f"{node.kind} at {shown}" if node else shown
        self._node = node
        self._closed = False
        self.controls_time = sealed
        # Without web3's validation, which asks for the chain id before every call: it was asked for once.
        self.web3 = Web3(self._provider, middleware=[AttributeDictMiddleware])
        self.poll_seconds = LOOPBACK_POLL_SECONDS if is_loopback(url) else POLL_SECONDS
        self._giver: ChecksumAddress | None = None
        if not sealed:
            self.outbox = Outbox(self, fees or FeePolicy(), finality or Finality())
        self._require_chain(chain_id)
        self._client = self._client_name() if sealed else ""
        if sealed:
            self.ask(*STOP_MINING[self._client])
            self._provider.memory.on = True
            self.block_gas = min(self.block_gas, block_gas_limit(self))
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
            self.ask(*RESUME_MINING[self._client])

    def latest_timestamp(self) -> int:
        # A sealed chain gets its blocks from us alone, so there is no need to ask it.
        return self._newest if self.controls_time else super().latest_timestamp()

    def _mine(self) -> None:
        if self.controls_time:
            timestamp = self._take_next_timestamp()
            newest = super().latest_timestamp
            self._once("evm_mine", {"timestamp": timestamp}, lambda: newest() == timestamp)
            self._newest = timestamp

    def snapshot(self) -> Any:
        return self.ask("evm_snapshot", [])

    def _revert(self, snapshot: Any) -> None:
        if self.ask("evm_revert", [snapshot]) is not True:
            raise ChainError(f"{self.endpoint}: no snapshot {snapshot}: each can be reverted to once")
        self._newest = super().latest_timestamp()

    def submit(self, raw_transaction: bytes) -> HexBytes:
        [transaction] = self._handed_over([raw_transaction])
        return transaction

    def submit_all(self, raw_transactions: Sequence[bytes]) -> list[HexBytes]:
        if self._client != "anvil":
            # Ganache takes up a batch's transactions in no order, and an endpoint for hire limits batches.
            return super().submit_all(raw_transactions)
        return self._handed_over(raw_transactions)

    def _handed_over(self, raw_transactions: Sequence[bytes]) -> list[HexBytes]:
        """The hashes of signed transactions that the node has now, or had already.

        Raises:
            TransactionRefused: it does not take one.
        """
        asked = [["0x" + raw.hex()] for raw in raw_transactions]
        own = [HexBytes(keccak(raw)) for raw in raw_transactions]
        for transaction, said in zip(
            own, self._provider.answers("eth_sendRawTransaction", asked), strict=True
        ):
            if isinstance(said, ChainError) and not (
                isinstance(said, NodeRefused) and self._has(transaction, said)
            ):
                raise self._refused(said)
        return own

    def _refused(self, said: ChainError) -> ChainError:
        """The error of a transaction that a node does not take."""
        if not isinstance(said, NodeRefused):
            return said
        text = f"{self.endpoint}: transaction refused: {said.message}"
        if is_nonce_used(said.message):
            # After a lost answer it may be this transaction's own nonce: nobody can tell that it was refused.
            return TransactionRefused(text) if said.repeated else NonceTaken(text)
        if is_outbid(said.message):
            return NonceTaken(text)
        return FeeTooLow(text) if is_fee_too_low(said.message) else TransactionRefused(text)

    def _has(self, transaction: HexBytes, refused: NodeRefused) -> bool:
        """Whether a transaction was refused only because the node has it: then it was not refused at all."""
        if is_known(refused.message):
            return True
        if not is_nonce_used(refused.message):
            return False
        # Where an answer got lost, the nonce is this transaction's own, and a replica may not know it yet.
        end = time.monotonic() + (LATE_SECONDS if refused.repeated else 0.0)
        while True:
            [found] = self._provider.ask("eth_getTransactionByHash", [[transaction.to_0x_hex()]])
            if found is not None or time.monotonic() >= end:
                return found is not None
            time.sleep(self.poll_seconds)

    def receipts(
        self, transactions: Sequence[HexBytes], wait_seconds: float = MINING_SECONDS
    ) -> list[TxReceipt]:
        if self.outbox is not None:
            elsewhere = [Sending(None, transactions=[transaction]) for transaction in transactions]
            return self.outbox.receipts(elsewhere, wait_seconds)
        asked = [[transaction.to_0x_hex()] for transaction in transactions]
        receipts = self._provider.ask("eth_getTransactionReceipt", asked)
        for transaction, receipt in zip(transactions, receipts, strict=True):
            if receipt is None:
                raise self._never_mined(transaction)
        return [receipt_of(receipt) for receipt in receipts]

    def _answers(self, calls: Sequence[Call], block: Block, sender: ChecksumAddress | None) -> list[bytes]:
        number = block if isinstance(block, str) else hex(block)
        origin = {} if sender is None else {"from": sender}
        asked = [[{"to": call.to, "data": "0x" + call.data.hex(), **origin}, number] for call in calls]
        return [bytes.fromhex(data[2:]) for data in self._provider.ask("eth_call", asked)]

    def _balances(self, accounts: Sequence[ChecksumAddress]) -> list[int]:
        if not self.controls_time:
            return super()._balances(accounts)
        asked = [[account, "latest"] for account in accounts]
        return [int(wei, 16) for wei in self._provider.ask("eth_getBalance", asked)]

    def gas_price(self) -> int:
        return GAS_PRICE if self.outbox is None else self.outbox.fees.offer(self).most

    def _transaction_counts(self, accounts: Sequence[ChecksumAddress]) -> list[int]:
        if not self.controls_time:
            return super()._transaction_counts(accounts)
        asked = [[account, "pending"] for account in accounts]
        return [int(count, 16) for count in self._provider.ask("eth_getTransactionCount", asked)]

    def _development_transfers(self, transfers: Sequence[tuple[ChecksumAddress, int]]) -> list[HexBytes]:
        if self._giver is None:
            try:
                accounts = self.ask("eth_accounts", [])
            except NodeRefused:
                # Endpoints for hire hold no keys, and some say so by an error.
                accounts = []
            if not accounts:
                to, wei = transfers[0]
                raise TransactionRefused(
                    f"{self.endpoint}: {to} lacks {wei} wei and this chain has no development account to "
                    "give it: send it ether first"
                )
            self._giver = Web3.to_checksum_address(accounts[0])
        fields = {"from": self._giver, "gas": hex(21_000), "gasPrice": hex(self.gas_price())}
        asked = [{**fields, "to": to, "value": hex(wei)} for to, wei in transfers]
        try:
            sent = [self._given(self._giver, each) for each in asked]
        except NodeRefused as refused:
            raise TransactionRefused(f"{self.endpoint}: transaction refused: {refused.message}") from None
        return [HexBytes(transaction) for transaction in sent if transaction is not None]

    def _given(self, giver: ChecksumAddress, fields: dict[str, str]) -> Any:
        """The hash of a transfer that the node signs; None where it made it and the answer got lost."""
        counts = self._transaction_counts
        before = counts([giver])
        return self._once("eth_sendTransaction", fields, lambda: counts([giver]) > before)

    def _once(self, method: str, fields: dict[str, Any], done: Callable[[], bool]) -> Any:
        """The result of a request that must act once; None where it did and its answer got lost.

        Args:
            method: of the request.
            fields: its only parameter.
            done: whether the node acted, by what the chain says.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.ask(method, [fields])
            except UnreachableChain as lost:
                if not lost.connected or isinstance(lost, NodeBusy) or time.monotonic() >= end:
                    raise
                time.sleep(self.poll_seconds)
                self._provider.memory.forget()
                if done():
                    return None

    def _client_name(self) -> str:
        """`anvil` or `ganache`, from what the node says of itself."""
        version = str(self.ask("web3_clientVersion", []))
        name = version.split("/")[0].lower()
        if name not in STOP_MINING:
            raise ChainClockError(
                f"{self.endpoint}: {version} keeps its own clock: replay on eth-tester, or name the URL of "
                "a Ganache or Anvil node"
            )
        return name

    def ask(self, method: str, params: list[Any]) -> Any:
        """The result of a JSON-RPC request, as JSON has it.

        Raises:
            ChainError: the node does not answer, or refuses.
        """
        return self._provider.ask(method, [params])[0]
