"""A deployed contract: its functions as calls to be read or sent, its events as they lie in logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypedDict, cast

from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import Web3
from web3.types import FilterParams, LogReceipt, TxReceipt

from peerwatt.chain.abi import Event, Interface, Method
from peerwatt.chain.block_logs import logs_of_block
from peerwatt.chain.log_ranges import LogRanges

Block = int | Literal["latest"]
"""A block's number, or the newest one."""


class Chain(Protocol):
    """What a contract asks of its chain."""

    web3: Web3
    log_ranges: LogRanges

    def read(self, call: Call, *, block: Block = "latest", sender: ChecksumAddress | None = None) -> Any:
        """What a call returns, without a transaction."""


class EventData(TypedDict):
    """A log that was read.

    `args` are the event's arguments by name, structs as tuples and arrays as lists.
    """

    event: str
    args: dict[str, Any]
    address: ChecksumAddress
    blockNumber: int
    blockHash: HexBytes
    transactionHash: HexBytes
    transactionIndex: int
    logIndex: int


@dataclass(frozen=True)
class Call:
    """A function of a contract with its arguments, or a contract's creation: encoded once, read or sent.

    Attributes:
        network: the chain.
        to: the contract's address; None creates one.
        data: what is sent.
        method: what decodes the answer; None for a creation.
    """

    network: Chain
    to: ChecksumAddress | None
    data: bytes
    method: Method | None

    def call(self, *, block: Block = "latest", sender: ChecksumAddress | None = None) -> Any:
        """What the function returns, without a transaction: a value, or a list of several.

        Args:
            block: at whose end it is asked.
            sender: on whose behalf.

        Raises:
            ContractReverted: the contract refused.
            ChainError: no such contract is there.
        """
        return self.network.read(self, block=block, sender=sender)


class Functions:
    """A contract's functions: `contract.functions.clear(7)` is a `Call`."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def __getattr__(self, name: str) -> Callable[..., Call]:
        return self[name]

    def __getitem__(self, name: str) -> Callable[..., Call]:
        contract, method = self._contract, self._contract.interface.methods.get(name)
        if method is None:
            raise AttributeError(f"the contract at {contract.address} has no function {name}")
        return lambda *arguments: Call(contract.network, contract.address, method.encode(arguments), method)


class Events:
    """A contract's events: `contract.events.Cleared()` is a `ContractEvent`."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def __getattr__(self, name: str) -> Callable[[], ContractEvent]:
        return self[name]

    def __getitem__(self, name: str) -> Callable[[], ContractEvent]:
        contract, event = self._contract, self._contract.interface.events.get(name)
        if event is None:
            raise AttributeError(f"the contract at {contract.address} has no event {name}")
        return lambda: ContractEvent(contract, event)


class Contract:
    """A contract on a chain.

    Attributes:
        network: the chain.
        address: where it is.
        interface: what its ABI says.
        functions: by name.
        events: by name.
    """

    def __init__(self, network: Chain, interface: Interface, address: ChecksumAddress) -> None:
        self.network = network
        self.address: Final = address
        self.interface = interface
        self.functions = Functions(self)
        self.events = Events(self)

    def decode_function_input(self, data: bytes | str) -> tuple[Method, dict[str, Any]]:
        """Which function a transaction called, and its arguments by name.

        Raises:
            KeyError: none of this contract's.
        """
        packed = bytes(HexBytes(data))
        method = self.interface.by_selector[packed[:4]]
        return method, method.arguments(packed)


class ContractEvent:
    """One of a contract's events, where it lies in receipts and in blocks."""

    def __init__(self, contract: Contract, event: Event) -> None:
        self.network = contract.network
        self.abi = event.abi
        self.topic = event.topic
        self._address = contract.address
        self._event = event

    def process_log(self, log: LogReceipt) -> EventData:
        """A log of this event, read."""
        return {
            "event": self._event.name,
            "args": self._event.arguments(log["topics"], bytes(log["data"])),
            "address": log["address"],
            "blockNumber": int(log["blockNumber"]),
            "blockHash": log["blockHash"],
            "transactionHash": log["transactionHash"],
            "transactionIndex": int(log["transactionIndex"]),
            "logIndex": int(log["logIndex"]),
        }

    def process_receipt(self, receipt: TxReceipt) -> list[EventData]:
        """What a transaction's logs say of this event, whichever contract emitted it."""
        return [self.process_log(log) for log in receipt["logs"] if self._is_in(log["topics"])]

    def get_logs(
        self,
        argument_filters: Mapping[str, Any] | None = None,
        *,
        from_block: Block = "latest",
        to_block: Block = "latest",
    ) -> list[EventData]:
        """This contract's events of the kind in a range of blocks, oldest first.

        Args:
            argument_filters: values that its indexed arguments must have, by name.
            from_block: where to begin.
            to_block: where to end.
        """
        eth = self.network.web3.eth
        wanted = {"address": self._address, "topics": self._event.filters(argument_filters or {})}

        def read(first: int, last: int) -> Sequence[LogReceipt]:
            return eth.get_logs(cast(FilterParams, {**wanted, "fromBlock": first, "toBlock": last}))

        newest = int(eth.block_number) if "latest" in (from_block, to_block) else 0
        first, last = (newest if block == "latest" else block for block in (from_block, to_block))
        web3 = self.network.web3
        logs = self.network.log_ranges.read(
            first, last, read, lambda number: logs_of_block(web3, number, wanted)
        )
        return [self.process_log(log) for log in logs if self._is_in(log["topics"])]

    def _is_in(self, topics: Sequence[bytes]) -> bool:
        return len(topics) == len(self._event.indexed) + 1 and bytes(topics[0]) == self.topic
