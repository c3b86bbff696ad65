"""The chain inside this process: eth-tester on py-evm, with a clock and a chain id of our choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth.abc import BlockHeaderAPI, SignedTransactionAPI
from eth.vm.forks import PragueVM, ShanghaiVM
from eth.vm.spoof import SpoofTransaction
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.backends.pyevm.main import _execute_and_revert_transaction, get_default_account_keys
from eth_typing import ChecksumAddress
from eth_utils import ValidationError
from eth_utils.address import to_canonical_address
from hexbytes import HexBytes
from web3 import EthereumTesterProvider, Web3
from web3.exceptions import TransactionNotFound
from web3.middleware import AttributeDictMiddleware
from web3.types import RPCEndpoint, RPCResponse, TxReceipt

from peerwatt.chain.contract import Block, Call
from peerwatt.chain.errors import TransactionRefused
from peerwatt.chain.network import BLOCK_GAS_LIMIT, GAS_PRICE, LOCAL_CHAIN_ID, MINING_SECONDS, Network
from peerwatt.chain.read_memory import ReadMemory
from peerwatt.chain.reverts import ErrorTable
from peerwatt.chain.sealed_receipts import SealedReceipts
from peerwatt.chain.stack_depth import limit_recursion

limit_recursion()  # py-evm's libraries have raised it again

HARDFORKS = {"shanghai": ShanghaiVM, "prague": PragueVM}


class _EvmReverted(Exception):
    """Carries the output of a failed call past eth-tester, which would turn it into text."""

    def __init__(self, output: bytes) -> None:
        self.output = output
        super().__init__("execution reverted")


class _Backend(PyEVMBackend):  # type: ignore[misc]
    """py-evm with our chain id, a clock that only moves when told, and revert data kept as bytes."""

    def __init__(self, genesis_time: int, hardfork: str) -> None:
        genesis = self.generate_genesis_params({"timestamp": genesis_time, "gas_limit": BLOCK_GAS_LIMIT})
        super().__init__(genesis_parameters=genesis, vm_configuration=((0, HARDFORKS[hardfork]),))
        created: Any = vars(self)["chain"]
        tester_chain: Any = type(created)

        class SealedChain(tester_chain):  # type: ignore[misc]
            chain_id = LOCAL_CHAIN_ID

            def create_header_from_parent(
                self, parent_header: BlockHeaderAPI, **params: Any
            ) -> BlockHeaderAPI:
                params.setdefault("timestamp", parent_header.timestamp + 1)
                header: BlockHeaderAPI = super().create_header_from_parent(parent_header, **params)
                return header

            def apply_transaction(self, transaction: SignedTransactionAPI) -> Any:
                applied = super().apply_transaction(transaction)
                receipts.add(transaction, applied[1])
                return applied

        receipts = self.receipts = SealedReceipts()
        self.chain = SealedChain(created.chaindb.db)

    def call(self, transaction: Any, block_number: Any = "latest") -> bytes:
        """As the base class, but a revert keeps its data."""
        fields = {"gas": BLOCK_GAS_LIMIT, **transaction}
        unsigned = self._get_normalized_and_unsigned_evm_transaction(fields, block_number)
        spoofed = SpoofTransaction(unsigned, from_=transaction["from"])
        if block_number == "latest":
            # The head is enough: eth-tester would build its whole block first.
            state = self.chain.get_vm(at_header=self.chain.get_canonical_head()).state
            computation = state.apply_transaction(spoofed)
        else:
            computation = _execute_and_revert_transaction(self.chain, spoofed, block_number)
        if computation.is_error:
            raise _EvmReverted(bytes(computation.output))
        return bytes(computation.output)


class _Provider(EthereumTesterProvider):
    """Answers with our chain id, and raises a contract's refusal as the typed error that it is."""

    def __init__(self, tester: EthereumTester, errors: ErrorTable) -> None:
        super().__init__(tester)
        self._errors = errors
        self.memory = ReadMemory(on=True)

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        if method == "eth_chainId":
            return {"jsonrpc": "2.0", "id": 0, "result": hex(LOCAL_CHAIN_ID)}
        known = self.memory.recall(method, params)
        if known is not None:
            return known
        try:
            response = super().make_request(method, params)
        except _EvmReverted as reverted:
            raise self._errors.decode(reverted.output) from None
        self.memory.keep(method, params, response)
        return response


class EmbeddedNetwork(Network):
    """eth-tester in this process: needs no node, keeps nothing."""

    name = "eth-tester"
    endpoint = "eth-tester"

    def __init__(self, genesis_time: int, hardfork: str = "shanghai", chain_id: int | None = None) -> None:
        """
        Args:
            genesis_time: timestamp of block 0, s since the epoch.
            hardfork: `shanghai`, as on every local chain, or `prague` to meter gas by later rules.
            chain_id: the chain id that is expected, if one is.

        Raises:
            WrongChain: this chain's id is not the expected one.
        """
        super().__init__()
        self._backend = _Backend(genesis_time, hardfork)
        self._provider = _Provider(EthereumTester(self._backend), self.errors)
        self.web3 = Web3(self._provider, middleware=[AttributeDictMiddleware])
        # Whom calls come from: without it the provider asks for the list of accounts before every call.
        self._giver: LocalAccount = Account.from_key(get_default_account_keys(1)[0].to_bytes())
        self.web3.eth.default_account = self._giver.address
        self._require_chain(chain_id)

    def close(self) -> None:
        """Nothing to end."""

    def latest_timestamp(self) -> int:
        return int(self._backend.chain.get_canonical_head().timestamp)

    def set_next_timestamp(self, timestamp: int) -> None:
        # py-evm executes a transaction when it arrives, so the open block must know its time by then.
        super().set_next_timestamp(timestamp)
        self._provider.memory.forget()
        self._backend.chain.set_header_timestamp(timestamp)

    def _mine(self) -> None:
        self._next_timestamp = None
        self._provider.memory.forget()
        self._backend.mine_blocks(1)
        self._backend.receipts.seal(self._backend.chain.get_canonical_head())

    def snapshot(self) -> Any:
        return self._backend.take_snapshot()

    def _revert(self, snapshot: Any) -> None:
        self._provider.memory.forget()
        self._backend.revert_to_snapshot(snapshot)
        self._backend.receipts.forget()

    def submit(self, raw_transaction: bytes) -> HexBytes:
        self._provider.memory.forget()
        try:
            return HexBytes(self._backend.send_raw_transaction(raw_transaction))
        except ValidationError as error:
            raise TransactionRefused(f"{self.endpoint}: transaction refused: {error}") from None

    def receipts(
        self, transactions: Sequence[HexBytes], wait_seconds: float = MINING_SECONDS
    ) -> list[TxReceipt]:
        return [self._receipt(transaction) for transaction in transactions]

    def _receipt(self, transaction: HexBytes) -> TxReceipt:
        newest = self._backend.receipts.of(transaction)
        if newest is not None:
            return newest
        try:
            return self.web3.eth.get_transaction_receipt(transaction)
        except TransactionNotFound:
            raise self._never_mined(transaction) from None

    def _answers(self, calls: Sequence[Call], block: Block, sender: ChecksumAddress | None) -> list[bytes]:
        origin = to_canonical_address(sender or self._giver.address)
        answers = []
        for call in calls:
            assert call.to is not None, "a creation answers nothing"
            fields = {"from": origin, "to": to_canonical_address(call.to), "data": call.data}
            try:
                answers.append(self._backend.call(fields, block))
            except _EvmReverted as reverted:
                raise self.errors.decode(reverted.output) from None
        return answers

    def _development_transfers(self, transfers: Sequence[tuple[ChecksumAddress, int]]) -> list[HexBytes]:
        return [self._development_transfer(to, wei) for to, wei in transfers]

    def _development_transfer(self, to: ChecksumAddress, wei: int) -> HexBytes:
        self.learn_nonces([self._giver.address])
        nonce = self.nonces[self._giver.address]
        fields: dict[str, Any] = {"to": to, "value": wei, "gas": 21_000, "gasPrice": GAS_PRICE}
        signed = self._giver.sign_transaction({**fields, "nonce": nonce, "chainId": LOCAL_CHAIN_ID})
        transaction = self.submit(signed.raw_transaction)
        self.nonces[self._giver.address] = nonce + 1
        return transaction
