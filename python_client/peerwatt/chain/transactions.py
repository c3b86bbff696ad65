"""Sending: signed here, priced by a fixed policy, mined at once, and either a receipt or a typed refusal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress, HexStr
from hexbytes import HexBytes
from web3.contract.contract import ContractConstructor, ContractFunction
from web3.types import TxParams, TxReceipt, Wei

from peerwatt.chain.errors import ContractReverted, OutOfGas, TransactionRefused
from peerwatt.chain.network import BLOCK_GAS_LIMIT, BLOCK_TRANSACTIONS, MINING_SECONDS, Network

# EIP-7825: no transaction may ask for more. What it does not use costs nothing, so this is also what local
# transactions ask for: the gas estimates of eth-tester are too coarse to go by.
TRANSACTION_GAS_CAP = 16_777_216

Call = ContractFunction | ContractConstructor


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
        size = BLOCK_TRANSACTIONS
        if not self.network.controls_time:
            # What was sent may have been dropped, or another process have used the key: the node knows.
            self.network.nonces.pop(self.address, None)
        if gas_limit is not None:
            size = max(1, min(size, BLOCK_GAS_LIMIT // gas_limit))
        elif self.network.controls_time:
            gas_limit = min(TRANSACTION_GAS_CAP, BLOCK_GAS_LIMIT // max(1, min(size, len(calls))))
        receipts: list[TxReceipt] = []
        for first in range(0, len(calls), size):
            block = calls[first : first + size]
            hashes = [self.submit(call, gas_limit=gas_limit, value=value) for call in block]
            self.network.mine()
            end = time.monotonic() + wait_seconds
            receipts += [self.network.receipt(sent, max(0.0, end - time.monotonic())) for sent in hashes]
        for receipt in receipts:
            if receipt["status"] != 1:
                raise self.failure(receipt)
        return receipts

    def submit(self, call: Call, *, gas_limit: int | None = None, value: int = 0) -> HexBytes:
        """Sign a transaction and hand it over without mining it; returns its hash."""
        if gas_limit is None and self.network.controls_time:
            gas_limit = TRANSACTION_GAS_CAP
        params = self._params(gas_limit, value)
        if gas_limit is None:
            params["gas"] = min(TRANSACTION_GAS_CAP, call.estimate_gas({"from": self.address}) * 5 // 4)
        return self._submit(call.build_transaction(params))

    def transfer(self, to: ChecksumAddress, wei: int) -> TxReceipt:
        """Send ether."""
        transaction = self._submit({**self._params(21_000, wei), "to": to})
        self.network.mine()
        return self.network.receipt(transaction)

    def _params(self, gas_limit: int | None, value: int) -> TxParams:
        params: TxParams = {
            "from": self.address,
            "chainId": self.network.chain_id,
            "nonce": self._nonce(),  # type: ignore[typeddict-item]
            "gasPrice": Wei(self.network.gas_price()),
            "value": Wei(value),
        }
        if gas_limit is not None:
            params["gas"] = gas_limit
        return params

    def _nonce(self) -> int:
        nonces = self.network.nonces
        if self.address not in nonces:
            nonces[self.address] = self.network.web3.eth.get_transaction_count(self.address, "pending")
        return nonces[self.address]

    def _submit(self, params: TxParams) -> HexBytes:
        fields = {key: value for key, value in params.items() if key != "from"}
        signed = self.account.sign_transaction(cast(dict[str, Any], fields))
        transaction = self.network.submit(bytes(signed.raw_transaction))
        self.network.nonces[self.address] += 1
        self.network.waiting += 1
        return transaction

    def failure(self, receipt: TxReceipt) -> ContractReverted | OutOfGas | TransactionRefused:
        """Why a mined transaction failed: asked again as a call on the block that holds it.

        That block has the same time and number, and the failed transaction left no trace in its state.
        """
        network = self.network
        sent = network.web3.eth.get_transaction(receipt["transactionHash"])
        named = f"{network.endpoint}: transaction {receipt['transactionHash'].to_0x_hex()}"
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
        return TransactionRefused(
            f"{named} failed, and would succeed after the other transactions of its block: send it again"
        )


def send_from_many(calls: Sequence[tuple[Sender, Call]], gas_limit: int) -> list[TxReceipt]:
    """Send one transaction each from many accounts of one network, as many as fit (at most 50) in a block.

    Args:
        calls: who calls what, in this order.
        gas_limit: of each.

    Raises:
        ContractReverted: a contract refused one of them (the first one is reported; the others stand).
        TransactionRefused: the node did not take one.
    """
    size = max(1, min(BLOCK_TRANSACTIONS, BLOCK_GAS_LIMIT // gas_limit))
    receipts: list[TxReceipt] = []
    for first in range(0, len(calls), size):
        block = calls[first : first + size]
        sent = [(sender, sender.submit(call, gas_limit=gas_limit)) for sender, call in block]
        if sent:
            sent[0][0].network.mine()
        for sender, transaction in sent:
            receipt = sender.network.receipt(transaction)
            if receipt["status"] != 1:
                raise sender.failure(receipt)
            receipts.append(receipt)
    return receipts
