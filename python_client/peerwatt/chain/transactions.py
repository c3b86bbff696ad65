"""Sending: signed here, sealed by us or handed to a live chain, and either a receipt or a typed refusal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress, HexStr
from hexbytes import HexBytes
from web3.exceptions import TransactionNotFound
from web3.types import TxParams, TxReceipt

from peerwatt.chain.contract import Call
from peerwatt.chain.errors import ContractReverted, NodeRefused, OutOfGas, TransactionRefused
from peerwatt.chain.gas_limits import TRANSACTION_GAS_CAP, estimated_gas
from peerwatt.chain.history import Sent
from peerwatt.chain.network import BLOCK_TRANSACTIONS, MINING_SECONDS, Network
from peerwatt.chain.outbox import Outbox, Sending

# What sending ether costs.
TRANSFER_GAS = 21_000


class Sender:
    """One account that sends transactions on one network.

    Attributes:
        network: the chain.
        account: the key; it never leaves this process.
        address: the account's address.
    """

    def __init__(self, network: Network, account: LocalAccount) -> None:
        self.network = network
        self.account = account
        self.address: ChecksumAddress = account.address

    def send(
        self,
        call: Call,
        *,
        gas_limit: int | None = None,
        value: int = 0,
        wait_seconds: float = MINING_SECONDS,
    ) -> TxReceipt:
        """Send one transaction, mine it, and return its receipt.

        Args:
            call: what to call, e.g. `contract.functions.clear(7)`, or a constructor.
            gas_limit: most gas it may use; by default `TRANSACTION_GAS_CAP`, on a live chain the node's
                estimate and a quarter.
            value: wei to send along.
            wait_seconds: how long to wait for it where the chain mines by itself.

        Raises:
            ContractReverted: the contract refused; the error carries the receipt.
            OutOfGas: it needed more than its gas limit.
            TransactionRefused: the node did not take it.
            NotMined: it took it and did not mine it in time.
        """
        [receipt] = self.send_all([call], gas_limit=gas_limit, value=value, wait_seconds=wait_seconds)
        return receipt

    def send_all(
        self,
        calls: Sequence[Call],
        *,
        gas_limit: int | None = None,
        value: int = 0,
        wait_seconds: float = MINING_SECONDS,
    ) -> list[TxReceipt]:
        """Send several transactions in this order, as many as fit (at most 50) in a block.

        Args:
            calls: what to call.
            gas_limit: of each; by default an equal share of a block, at most `TRANSACTION_GAS_CAP`.
            value: wei to send along with each.
            wait_seconds: how long to wait for those of one block, together, where the chain mines by itself.

        Raises:
            ContractReverted: a contract refused one of them (the first one is reported; the others stand).
            OutOfGas: one needed more than its gas limit.
            TransactionRefused: the node did not take one.
            NotMined: it took one and did not mine it in time.
        """
        sends = [(self, call) for call in calls]
        return send_together(self.network, sends, gas_limit=gas_limit, value=value, wait_seconds=wait_seconds)

    def submit(self, call: Call, *, gas_limit: int | None = None, value: int = 0) -> HexBytes:
        """Sign a transaction and hand it over without mining it; returns its hash."""
        outbox = self.network.outbox
        if outbox is not None:
            # Whatever waits before it must be mined first.
            outbox.look_after(self.address)
            return self._sent(outbox, call, gas_limit, value).transactions[-1]
        transaction = self._hand_over(self._signed(call, gas_limit or self._most_gas(), value))
        self._note(transaction, call)
        return transaction

    def transfer(self, to: ChecksumAddress, wei: int) -> TxReceipt:
        """Send ether."""
        [receipt] = self.send_all([Call(self.network, to, b"", None)], gas_limit=TRANSFER_GAS, value=wei)
        return receipt

    def _most_gas(self) -> int:
        return min(TRANSACTION_GAS_CAP, self.network.block_gas)

    def _hand_over(self, raw_transaction: bytes) -> HexBytes:
        [transaction] = _submitted(self.network, [self.address], [raw_transaction])
        return transaction

    def _sent(self, outbox: Outbox, call: Call, gas_limit: int | None, value: int) -> Sending:
        """A call as a transaction on its way on a chain that mines by itself."""
        fields = _fields(call, value)
        fields["gas"] = gas_limit or estimated_gas(self.network, {"from": self.address, **fields})
        sending = outbox.send(self.account, fields)
        self._note(sending.transactions[-1], call)
        return sending

    def _signed(self, call: Call, gas_limit: int, value: int) -> bytes:
        """The signed transaction of a call, under the account's next nonce."""
        self.network.learn_nonces([self.address])
        fields: dict[str, Any] = {
            "chainId": self.network.chain_id,
            "nonce": self.network.nonces[self.address],
            "gas": gas_limit,
            "gasPrice": self.network.gas_price(),
            **_fields(call, value),
        }
        signed = self.account.sign_transaction(fields)
        self.network.nonces[self.address] += 1
        return bytes(signed.raw_transaction)

    def _note(self, transaction: HexBytes, call: Call) -> None:
        self.network.history.note_sent(transaction, Sent(self.address, call.to, call.data))


def _fields(call: Call, value: int) -> dict[str, Any]:
    """What a transaction says, without what it costs."""
    fields: dict[str, Any] = {"value": value, "data": call.data}
    return fields if call.to is None else {**fields, "to": call.to}


def send_together(
    network: Network,
    sends: Sequence[tuple[Sender, Call]],
    *,
    gas_limit: int | None = None,
    value: int = 0,
    wait_seconds: float = MINING_SECONDS,
) -> list[TxReceipt]:
    """Send transactions of several accounts in this order, as many as fit (at most 50) in a block.

    Args:
        network: the chain that all of them are on.
        sends: who sends what.
        gas_limit: of each; by default an equal share of a block, at most `TRANSACTION_GAS_CAP`, on a live
            chain the node's estimate and a quarter.
        value: wei to send along with each.
        wait_seconds: how long to wait for those of one block, together, where the chain mines by itself.

    Raises:
        ContractReverted: a contract refused one of them (the first one is reported; the others stand).
        OutOfGas: one needed more than its gas limit.
        TransactionRefused: the node did not take one.
        NotMined: it took one and did not mine it in time.
    """
    outbox, size = network.outbox, BLOCK_TRANSACTIONS
    if gas_limit is not None:
        size = max(1, min(size, network.block_gas // gas_limit))
    receipts: list[TxReceipt] = []
    for first in range(0, len(sends), size):
        block = sends[first : first + size]
        if outbox is None:
            limit = gas_limit or min(TRANSACTION_GAS_CAP, network.block_gas // min(size, len(sends)))
            receipts += _sealed(network, block, limit, value, wait_seconds)
        else:
            sendings = [sender._sent(outbox, call, gas_limit, value) for sender, call in block]
            receipts += outbox.receipts(sendings, wait_seconds)
    for receipt in receipts:
        if receipt["status"] != 1:
            raise _failure(network, receipt)
    return receipts


def _sealed(
    network: Network, sends: Sequence[tuple[Sender, Call]], gas_limit: int, value: int, wait_seconds: float
) -> list[TxReceipt]:
    """The receipts of transactions that are sealed into one block from here."""
    network.learn_nonces(sender.address for sender, _ in sends)
    signed = [sender._signed(call, gas_limit, value) for sender, call in sends]
    hashes = _submitted(network, [sender.address for sender, _ in sends], signed)
    for (sender, call), transaction in zip(sends, hashes, strict=True):
        sender._note(transaction, call)
    network.mine()
    return network.receipts(hashes, wait_seconds)


def _submitted(
    network: Network, senders: Iterable[ChecksumAddress], signed: Sequence[bytes]
) -> list[HexBytes]:
    """Hand signed transactions over; where one is refused, the node knows its sender's next nonce."""
    try:
        transactions = network.submit_all(signed)
        network.waiting += len(transactions)
        return transactions
    except BaseException:
        for sender in senders:
            network.nonces.pop(sender, None)
        raise


def _failure(network: Network, receipt: TxReceipt) -> ContractReverted | OutOfGas | TransactionRefused:
    """Why a mined transaction failed: asked again as a call on the block that holds it.

    That block has the same time and number, and the failed transaction left no trace in its state.
    """
    named = f"{network.endpoint}: transaction {receipt['transactionHash'].to_0x_hex()}"
    try:
        sent = network.web3.eth.get_transaction(receipt["transactionHash"])
    except TransactionNotFound:
        return TransactionRefused(f"{named} failed, and the node does not say why: ask another node")
    if receipt["gasUsed"] >= sent["gas"]:
        return OutOfGas(f"{named} used up its gas limit of {sent['gas']}: send less in one transaction")
    params: TxParams = {
        "from": sent["from"],
        "value": sent["value"],
        "data": HexStr(HexBytes(sent["input"]).to_0x_hex()),
        "gas": sent["gas"],
    }
    if sent.get("to"):
        params["to"] = sent["to"]
    try:
        network.web3.eth.call(params, receipt["blockNumber"])
    except ContractReverted as reverted:
        reverted.receipt = receipt
        return reverted
    except NodeRefused as refused:
        return TransactionRefused(f"{named} failed, and why cannot be asked any more ({refused.message})")
    return TransactionRefused(
        f"{named} failed, and would succeed after the other transactions of its block: send it again"
    )
