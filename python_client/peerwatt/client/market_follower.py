"""A market's transactions in the order of its chain, with what they said and what they were called with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Final, Protocol

from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3.types import LogReceipt, TxReceipt

from peerwatt.chain import Contract, Deployment, Head, Network, NotMined
from peerwatt.client.follower import Follower
from peerwatt.errors import ChainError

CONTRACTS: Final = (
    "EnergyMarket",
    "SignedReadings",
    "ParticipantRegistry",
    "GridGate",
    "SealedBatches",
    "OperatingEnvelopes",
    "Corrections",
)
"""Whose events and calls are followed, as far as a deployment has them."""
RECEIPT_SECONDS: Final = 3.0
"""How long the receipt of a transaction that has logs is waited for, s."""
DEPLOYMENT: Final = "constructor"
"""What a transaction that creates a contract calls."""
REMEMBERED_BLOCKS: Final = 512
"""How many followed steps back a reorganisation is traced; a deeper one is followed again from the start."""


@dataclass(frozen=True)
class Said:
    """One event: its name and its arguments."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class MarketTransaction:
    """One transaction that changed the market.

    Attributes:
        hash: of the transaction.
        block: number of its block.
        time: of its block, s since the epoch.
        sender: who sent it.
        call: name of the function of a market contract that was called; empty where another contract did it.
        arguments: of the call, by name; empty where another contract made it.
        said: its events, in order.
        gas: that it used.
    """

    hash: HexBytes
    block: int
    time: int
    sender: ChecksumAddress
    call: str
    arguments: Mapping[str, Any]
    said: tuple[Said, ...]
    gas: int

    def named(self, name: str) -> list[Mapping[str, Any]]:
        """The arguments of its events of one name."""
        return [said.arguments for said in self.said if said.name == name]

    @cached_property
    def intervals(self) -> tuple[int, ...]:
        """The intervals that it is about: through another contract's call they may be several."""
        found = (self.arguments, *(said.arguments for said in self.said))
        return tuple(dict.fromkeys(int(each["interval"]) for each in found if "interval" in each))

    @property
    def interval(self) -> int | None:
        """The first of them."""
        return self.intervals[0] if self.intervals else None


class Observer(Protocol):
    """Whoever is told of a market's transactions."""

    def take(self, transaction: MarketTransaction) -> None:
        """Take the next transaction in."""

    def take_back(self, block: int) -> None:
        """Take back everything after a block: it is not on the chain any more."""


class MarketFollower:
    """Follows one market and tells its observers of every transaction, in the chain's order."""

    def __init__(
        self,
        network: Network,
        deployment: Deployment,
        observers: Iterable[Observer] = (),
        confirmations: int = 0,
    ) -> None:
        """
        Args:
            network: the chain.
            deployment: the market's contracts.
            observers: who is told.
            confirmations: how many blocks must lie on top of one before it is believed.
        """
        self._network = network
        self._observers = list(observers)
        self._blocks: list[tuple[int, bytes]] = []
        contracts = [deployment.contract(network, name) for name in CONTRACTS if name in deployment.addresses]
        self._contracts = {contract.address: contract for contract in contracts}
        self._events = {
            (contract.address, event.topic): event
            for contract in contracts
            for event in contract.interface.events.values()
        }
        self._follower = Follower(network, list(self._contracts), [], deployment.block, self, confirmations)

    def tell(self, observer: Observer) -> None:
        """Tell one more observer, of what comes from now on."""
        self._observers.append(observer)

    def follow(self) -> Head:
        """Catch up with the chain.

        Raises:
            ChainError: the chain does not answer.
        """
        head, _ = self._follower.follow()
        return head

    @property
    def waits(self) -> str:
        """What it waits for, one line; empty where nothing."""
        return self._follower.waits

    def read_again(self) -> None:
        """Read the newest blocks again with the next `follow`: a contract has what they did not tell."""
        self._follower.read_again()

    def skip(self) -> None:
        """Take everything up to the newest block as told."""
        newest = self._network.web3.eth.get_block("latest")
        self.note(int(newest["number"]), bytes(newest["hash"]), [])

    # What the follower keeps its logs in

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """As `Followed` has it."""
        return reversed(self._blocks)

    def note(self, number: int, block_hash: bytes, logs: Sequence[LogReceipt]) -> None:
        """As `Followed` has it."""
        # All of them are read before anybody is told of one: what fails is read again from the first on.
        by_transaction = groupby(logs, lambda log: log["transactionHash"])
        for found in [self._transaction(transaction, list(own)) for transaction, own in by_transaction]:
            for observer in self._observers:
                observer.take(found)
        self._blocks.append((number, block_hash))
        del self._blocks[:-REMEMBERED_BLOCKS]

    def forget_after(self, number: int) -> None:
        """As `Followed` has it."""
        self._blocks = [block for block in self._blocks if block[0] <= number]
        for observer in self._observers:
            observer.take_back(number)

    def _transaction(self, transaction: HexBytes, logs: Sequence[LogReceipt]) -> MarketTransaction:
        sent, block = self._network.history.sent(transaction), int(logs[0]["blockNumber"])
        receipt, head = self._receipt(transaction), self._network.history.head()
        call, arguments = DEPLOYMENT, dict[str, Any]()
        if sent.to is not None:
            call, arguments = _read_call(self._contracts.get(sent.to), sent.data)
        newest = block == head.number
        time = head.time if newest else int(self._network.web3.eth.get_block(block)["timestamp"])
        return MarketTransaction(
            hash=transaction,
            block=block,
            time=time,
            sender=sent.sender,
            call=call,
            arguments=arguments,
            said=tuple(self._read_event(log) for log in logs),
            gas=int(receipt["gasUsed"]),
        )

    def _receipt(self, transaction: HexBytes) -> TxReceipt:
        """The receipt of a transaction that has logs; a reorganisation may have dropped it since.

        Raises:
            ChainError: it is not there.
        """
        try:
            return self._network.receipt(transaction, RECEIPT_SECONDS)
        except NotMined:
            raise ChainError(
                f"{self._network.endpoint}: transaction {transaction.to_0x_hex()} has logs and no receipt: "
                "followed again with the next step"
            ) from None

    def _read_event(self, log: LogReceipt) -> Said:
        event = self._events[log["address"], bytes(log["topics"][0])]
        return Said(event.name, event.arguments(log["topics"], bytes(log["data"])))


def _read_call(contract: Contract | None, data: bytes) -> tuple[str, dict[str, Any]]:
    """The function of a market contract that was called, and its arguments by name."""
    method = None if contract is None else contract.interface.by_selector.get(data[:4])
    return ("", {}) if method is None else (method.name, method.arguments(data))
