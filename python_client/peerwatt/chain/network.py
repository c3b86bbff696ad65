"""What every chain looks like to the rest of Peerwatt: blocks sealed on request, at timestamps of our choice.

On the chains that Peerwatt controls (eth-tester, Ganache, Anvil) nothing is mined by itself. A transaction
waits until `mine()` seals it into a block whose timestamp is the one set with `set_next_timestamp`, or one
second after the block before. So the same calls give the same blocks on all three, whatever the clock on the
wall says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import Web3
from web3.types import TxReceipt

from peerwatt.addresses import checked_address
from peerwatt.chain.abi import DecodingError, Interface
from peerwatt.chain.artifacts import artifact_names, load_artifact
from peerwatt.chain.contract import Block, Call, Contract
from peerwatt.chain.errors import ChainClockError, TransactionRefused, WrongChain
from peerwatt.chain.history import History
from peerwatt.chain.log_ranges import LogRanges
from peerwatt.chain.outbox import Outbox
from peerwatt.chain.reverts import ErrorTable
from peerwatt.errors import ChainError

# One chain id for every local chain, so that EIP-712 digests, and with them all results, are the same.
LOCAL_CHAIN_ID = 31337
# Before any scenario's first day; a chain's clock only moves forward.
DEFAULT_GENESIS_TIME = 1_420_070_400  # 2015-01-01T00:00:00Z
# Mainnet's block gas limit at the end of 2025.
BLOCK_GAS_LIMIT = 60_000_000
# More in one block would only be slower: py-evm's cost of adding one grows with those already there.
BLOCK_TRANSACTIONS = 50
# How long a live chain may take to mine a transaction where its sender does not say.
MINING_SECONDS = 300.0
# Fixed price of local transactions: Ganache hangs on 0 and Anvil refuses it.
GAS_PRICE = 2 * 10**9


class Network(ABC):
    """A chain that answers, and is the one that was asked for.

    Attributes:
        name: `eth-tester`, `ganache`, `anvil`, or the URL.
        endpoint: what error messages call it.
        web3: the connection; for reading. Transactions go through `transactions.Sender`.
        chain_id: the chain's id.
        controls_time: whether blocks are sealed by `mine()` at chosen timestamps.
        nonces: next nonce of every account that sent something; shared by all its senders.
        waiting: transactions that were handed over from here and wait for `mine()`.
        turns: how often the chain was changed from here: by a block, or by going back to a mark.
        history: what happened on it.
        log_ranges: how many blocks' logs it gives at once.
        known_code: addresses at which a contract of a name was found.
        block_gas: most gas that the transactions of one block ask for together.
        outbox: what was sent from here to a chain that mines by itself; None where `mine` seals the blocks.
    """

    name: str
    endpoint: str
    web3: Web3
    chain_id: int
    controls_time: bool = True

    def __init__(self) -> None:
        self.errors = ErrorTable()
        self.nonces: dict[ChecksumAddress, int] = {}
        self.waiting = 0
        self.turns = 0
        self.log_ranges = LogRanges("")
        self.outbox: Outbox | None = None
        self.known_code: set[tuple[ChecksumAddress, str]] = set()
        self.block_gas = BLOCK_GAS_LIMIT
        self.history = History(self)
        self._next_timestamp: int | None = None
        for name in artifact_names():
            self.errors.add(load_artifact(name).interface)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let the chain go; end the node if this program started it. May be called twice."""

    # Time and blocks

    def latest_timestamp(self) -> int:
        """Timestamp of the newest block, s since the epoch."""
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def set_next_timestamp(self, timestamp: int) -> None:
        """Fix the timestamp of the next block, before its first transaction.

        Args:
            timestamp: s since the epoch, after the newest block's.

        Raises:
            ChainClockError: the chain is already past it, or keeps its own clock.
        """
        if not self.controls_time:
            raise ChainClockError(
                f"{self.endpoint}: this chain keeps its own clock: replay on eth-tester, ganache or anvil"
            )
        newest = self.latest_timestamp()
        if timestamp <= newest:
            raise ChainClockError(
                f"{self.endpoint}: no block can be mined at {_as_utc(timestamp)}, the chain is already at "
                f"{_as_utc(newest)}: start it with an earlier genesis time, or use a later date"
            )
        self._next_timestamp = timestamp

    def advance_to(self, timestamp: int) -> None:
        """Bring the newest block's timestamp to `timestamp`, with an empty block unless it is there."""
        if self.latest_timestamp() != timestamp:
            self.set_next_timestamp(timestamp)
            self.mine()

    def mine(self) -> None:
        """Seal the waiting transactions into one block. Does nothing where the chain mines by itself."""
        self.waiting = 0
        self.turns += 1
        self._mine()

    @abstractmethod
    def _mine(self) -> None:
        """As `mine`."""

    @abstractmethod
    def snapshot(self) -> Any:
        """A mark to `revert` to.

        Raises:
            ChainError: the chain cannot go back.
        """

    def revert(self, snapshot: Any) -> None:
        """Go back to a mark; it is used up by that."""
        self._next_timestamp = None
        self.nonces.clear()
        self.known_code.clear()
        self.waiting = 0
        self.turns += 1
        self.history.forget()
        self._revert(snapshot)

    @abstractmethod
    def _revert(self, snapshot: Any) -> None:
        """As `revert`."""

    # Transactions

    @abstractmethod
    def submit(self, raw_transaction: bytes) -> HexBytes:
        """Hand over a signed transaction; returns its hash.

        Raises:
            TransactionRefused: the node does not take it (nonce, balance, gas limit).
        """

    def submit_all(self, raw_transactions: Sequence[bytes]) -> list[HexBytes]:
        """Hand over several signed transactions in this order, as `submit` does with each.

        Raises:
            TransactionRefused: the node does not take one; it may have taken others, before and after it.
        """
        return [self.submit(raw) for raw in raw_transactions]

    def receipt(self, transaction: HexBytes, wait_seconds: float = MINING_SECONDS) -> TxReceipt:
        """The receipt of a transaction after `mine()`; as `receipts`."""
        [receipt] = self.receipts([transaction], wait_seconds)
        return receipt

    @abstractmethod
    def receipts(
        self, transactions: Sequence[HexBytes], wait_seconds: float = MINING_SECONDS
    ) -> list[TxReceipt]:
        """The receipts of transactions after `mine()`.

        Args:
            transactions: their hashes.
            wait_seconds: how long to wait for all of them where the chain mines by itself.

        Raises:
            TransactionRefused: one was not mined.
        """

    def _never_mined(self, transaction: HexBytes) -> TransactionRefused:
        return TransactionRefused(
            f"{self.endpoint}: transaction {transaction.to_0x_hex()} was not mined: "
            "the gas limits in its block exceed the block's, or mine() was not called"
        )

    def gas_price(self) -> int:
        """Wei per gas that a transaction offers: fixed on local chains."""
        return GAS_PRICE

    def fund(self, balances: Mapping[ChecksumAddress, int]) -> None:
        """Give accounts ether from the node's own development account.

        Args:
            balances: account to the wei it shall at least hold; an account that already does gets nothing.

        Raises:
            TransactionRefused: the chain has no development account to give from.
            InputError: what is named as an account is no address.
        """
        for account in balances:
            checked_address(account, "account to fund")
        held = self._balances(list(balances))
        missing = [(to, wei - has) for (to, wei), has in zip(balances.items(), held, strict=True)]
        transfers = [(to, wei) for to, wei in missing if wei > 0]
        for first in range(0, len(transfers), BLOCK_TRANSACTIONS):
            block = transfers[first : first + BLOCK_TRANSACTIONS]
            hashes = self._development_transfers(block)
            self.mine()
            self.receipts(hashes)

    def learn_nonces(self, accounts: Iterable[ChecksumAddress]) -> None:
        """Ask for the next nonces of those accounts whose nonces are not known."""
        unknown = [account for account in dict.fromkeys(accounts) if account not in self.nonces]
        self.nonces |= zip(unknown, self._transaction_counts(unknown), strict=True)

    def _balances(self, accounts: Sequence[ChecksumAddress]) -> list[int]:
        """What accounts hold, wei."""
        return [int(self.web3.eth.get_balance(account)) for account in accounts]

    def _transaction_counts(self, accounts: Sequence[ChecksumAddress]) -> list[int]:
        """How many transactions accounts have sent, those that wait to be mined included."""
        return [int(self.web3.eth.get_transaction_count(account, "pending")) for account in accounts]

    @abstractmethod
    def _development_transfers(self, transfers: Sequence[tuple[ChecksumAddress, int]]) -> list[HexBytes]:
        """Hand over transfers (to whom, wei) from the development account; returns their hashes."""

    # Contracts

    def contract(self, interface: Interface, address: str) -> Contract:
        """A contract at an address; its custom errors are decoded from now on."""
        self.errors.add(interface)
        return Contract(self, interface, checked_address(address, "contract"))

    def read(self, call: Call, *, block: Block = "latest", sender: ChecksumAddress | None = None) -> Any:
        """What a call returns, without a transaction; as `read_many`."""
        [result] = self.read_many([call], block=block, sender=sender)
        return result

    def read_many(
        self, calls: Sequence[Call], *, block: Block = "latest", sender: ChecksumAddress | None = None
    ) -> list[Any]:
        """What several calls return, in one request where the node takes several at once.

        Args:
            calls: what to ask.
            block: at whose end.
            sender: on whose behalf.

        Returns:
            Of each a value, or a list where the function returns several.

        Raises:
            ContractReverted: a contract refused one of them.
            ChainError: an address holds no such contract.
        """
        results = []
        for call, data in zip(calls, self._answers(calls, block, sender), strict=True):
            assert call.method is not None, "a creation returns nothing"
            try:
                results.append(call.method.result(data))
            except DecodingError:
                raise ChainError(
                    f"{self.endpoint}: what is at {call.to} has no {call.method.name}: name the deployment "
                    "of this chain and of this version"
                ) from None
        return results

    @abstractmethod
    def _answers(
        self, calls: Sequence[Call], block: Block, sender: ChecksumAddress | None
    ) -> Sequence[bytes]:
        """The data that calls return."""

    def _require_chain(self, expected: int | None) -> None:
        """Read the chain id, and compare it with the one that is expected."""
        self.chain_id = self.web3.eth.chain_id
        if expected is not None and self.chain_id != expected:
            raise WrongChain(self.endpoint, expected, self.chain_id)

    def _take_next_timestamp(self) -> int:
        """Timestamp of the block to be sealed now: the one set, or the second after the newest block."""
        chosen, self._next_timestamp = self._next_timestamp, None
        return self.latest_timestamp() + 1 if chosen is None else chosen


def _as_utc(timestamp: int) -> str:
    """ISO 8601 with offset, and the number itself."""
    return f"{datetime.fromtimestamp(timestamp, UTC).isoformat()} ({timestamp})"
