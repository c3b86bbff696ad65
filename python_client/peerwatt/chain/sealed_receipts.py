"""Receipts of the embedded chain's newest block, of what py-evm said when it applied the transactions."""

from __future__ import annotations

from typing import cast

from eth._utils.address import generate_contract_address
from eth.abc import BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI
from eth_utils import big_endian_to_int
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.types import TxReceipt


class SealedReceipts:
    """Kept until the next block; eth-tester would decode the block again for each of them."""

    def __init__(self) -> None:
        self._pending: list[tuple[SignedTransactionAPI, ReceiptAPI]] = []
        self._mined: dict[bytes, TxReceipt] = {}

    def add(self, transaction: SignedTransactionAPI, receipt: ReceiptAPI) -> None:
        """Note a transaction of the open block."""
        self._pending.append((transaction, receipt))

    def seal(self, block: BlockHeaderAPI) -> None:
        """The open block is this one now."""
        self._mined = {}
        logs = gas = 0
        for index, (transaction, receipt) in enumerate(self._pending):
            place = {
                "blockHash": HexBytes(block.hash),
                "blockNumber": block.block_number,
                "transactionHash": HexBytes(transaction.hash),
                "transactionIndex": index,
            }
            created = (
                b"" if transaction.to else generate_contract_address(transaction.sender, transaction.nonce)
            )
            said = {
                **place,
                "from": to_checksum_address(transaction.sender),
                "to": to_checksum_address(transaction.to) if transaction.to else None,
                "contractAddress": to_checksum_address(created) if created else None,
                "gasUsed": receipt.gas_used - gas,
                "cumulativeGasUsed": receipt.gas_used,
                "effectiveGasPrice": transaction.gas_price,
                "status": big_endian_to_int(receipt.state_root),
                "logs": [
                    {
                        **place,
                        "address": to_checksum_address(log.address),
                        "topics": [HexBytes(topic.to_bytes(32, "big")) for topic in log.topics],
                        "data": HexBytes(log.data),
                        "logIndex": number,
                        "removed": False,
                    }
                    for number, log in enumerate(receipt.logs, logs)
                ],
            }
            self._mined[transaction.hash] = cast(TxReceipt, said)
            gas, logs = receipt.gas_used, logs + len(receipt.logs)
        self._pending.clear()

    def of(self, transaction: bytes) -> TxReceipt | None:
        """A transaction's, if it is in the newest block."""
        return self._mined.get(bytes(transaction))

    def forget(self) -> None:
        """The chain went back."""
        self._pending.clear()
        self._mined = {}
