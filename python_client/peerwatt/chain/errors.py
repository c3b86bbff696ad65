"""What a chain can refuse, one class per cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from peerwatt.errors import ChainError


class UnreachableChain(ChainError):
    """Nothing that speaks Ethereum's JSON-RPC answers at an endpoint.

    Attributes:
        endpoint: which, without anything secret.
        connected: whether something took the request and gave no usable answer.
    """

    def __init__(self, endpoint: str, cause: object, *, connected: bool = False) -> None:
        self.endpoint = endpoint
        self.connected = connected
        super().__init__(f"{endpoint}: no chain answers ({cause}): start the node or correct the address")


class NodeBusy(UnreachableChain):
    """A node takes no more requests for now, and went on to say so for as long as it was asked again."""

    def __init__(self, endpoint: str, cause: object) -> None:
        super().__init__(endpoint, cause, connected=True)
        self.args = (
            f"{endpoint}: the node takes no more requests for now ({cause}): wait, or use an endpoint that "
            "allows more",
        )


class NodeRefused(ChainError):
    """A node answered a request with an error.

    Attributes:
        method: of the request.
        code: of the error, if it has one.
        message: what the node said, without anything secret.
        repeated: whether the request was sent before and its answer got lost: the node may have acted on it.
    """

    def __init__(
        self, endpoint: str, method: str, code: object, message: str, repeated: bool = False
    ) -> None:
        self.endpoint = endpoint
        self.method = method
        self.code = code
        self.message = message
        self.repeated = repeated
        super().__init__(f"{endpoint}: {method} failed: {message}")


class WrongChain(ChainError):
    """An endpoint serves another chain than the one that was asked for."""

    def __init__(self, endpoint: str, expected: int, actual: int) -> None:
        self.expected = expected
        self.actual = actual
        super().__init__(
            f"{endpoint}: chain id {actual} where {expected} was expected: "
            "choose the endpoint of that chain, or the deployment of this one"
        )


class NodeMissing(ChainError):
    """Ganache or Anvil is to be started and Node or its npm package is not installed."""


class NoSuchContract(ChainError):
    """At a contract's address is no code, or another contract's."""


class ChainClockError(ChainError):
    """A block cannot have the timestamp that was asked for."""


class TransactionRefused(ChainError):
    """A node did not take a transaction, or took it and never mined it."""


class NonceTaken(TransactionRefused):
    """Another transaction, mined or waiting, has the nonce of one that was handed over."""


class FeeTooLow(TransactionRefused):
    """A node does not take a transaction at the price that it offers."""


class NotMined(TransactionRefused):
    """A transaction was not mined while it was waited for; it may be later.

    Attributes:
        transaction: hash of its newest offer, in hex.
        transactions: hashes of all offers that were made under its nonce; at most one of them is mined.
    """

    def __init__(self, endpoint: str, transactions: Sequence[bytes], seconds: float, why: str = "") -> None:
        self.transactions = tuple("0x" + bytes(transaction).hex() for transaction in transactions)
        self.transaction = self.transactions[-1]
        super().__init__(
            f"{endpoint}: transaction {self.transaction} is not mined after {seconds:.0f} s"
            f"{f' ({why})' if why else ''}: look it up later"
        )


class OutOfGas(ChainError):
    """A transaction used up its gas limit."""


class ContractReverted(ChainError):
    """A contract refused a call or a transaction, decoded with its ABI.

    Attributes:
        name: the custom error's name; `Error` for a reason string, `Panic` for a failed assertion of the
            compiler, the selector in hex when no known ABI has it, or an empty string without any data.
        args_by_name: the error's arguments, by name (or by position, `"0"`, where the ABI names none).
        data: the revert data as it came.
        receipt: the receipt of the failed transaction, `None` for a call.
    """

    def __init__(self, name: str, args_by_name: Mapping[str, Any], data: bytes) -> None:
        self.name = name
        self.args_by_name = dict(args_by_name)
        self.data = data
        self.receipt: Mapping[str, Any] | None = None
        listed = ", ".join(f"{key}={_shown(value)}" for key, value in self.args_by_name.items())
        super().__init__(
            f"the contract refused: {name}({listed})" if name else "the contract refused, no reason given"
        )


def _shown(value: Any) -> str:
    """A decoded argument as people write it: bytes in hex, text in quotes."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return repr(value) if isinstance(value, str) and not value.startswith("0x") else str(value)
