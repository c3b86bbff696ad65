"""An ABI read once: selectors, topics and codecs of its functions, events and errors, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Self

from eth_abi.exceptions import DecodingError, EncodingError
from eth_abi.grammar import ABIType, BasicType, TupleType, parse
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.providers import BaseProvider

from peerwatt.addresses import checked_address
from peerwatt.chain.keccak import keccak
from peerwatt.errors import InputError

# web3's own codec: strict about lengths, and takes hex text for bytes.
_CODEC: Final = Web3(BaseProvider()).codec

Values = Callable[[bytes], list[Any]]
"""Decodes packed ABI values: structs as tuples, arrays as lists, addresses with their checksum."""


@dataclass(frozen=True)
class Method:
    """A function of a contract.

    Attributes:
        name: of the function.
        selector: 4 bytes, what its calls begin with.
        inputs: names of the arguments.
        input_types: their canonical types.
        output_types: canonical types of what it returns.
    """

    name: str
    selector: bytes
    inputs: tuple[str, ...]
    input_types: tuple[str, ...]
    output_types: tuple[str, ...]
    _arguments: Values
    _results: Values

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        """The function of an ABI entry."""
        inputs, outputs = _types(entry["inputs"]), _types(entry.get("outputs", ()))
        names = tuple(item.get("name", "") for item in entry["inputs"])
        return cls(
            entry["name"], selector(entry), names, inputs, outputs, values_of(inputs), values_of(outputs)
        )

    def encode(self, arguments: Sequence[Any]) -> bytes:
        """A call's data: the selector and the packed arguments.

        Raises:
            InputError: as `encode_values`; the function is named.
        """
        return self.selector + encode_values(self.input_types, arguments, f"{self.name}()")

    def arguments(self, data: bytes) -> dict[str, Any]:
        """The arguments of a call by name, from its data."""
        return dict(zip(self.inputs, self._arguments(data[4:]), strict=True))

    def result(self, data: bytes) -> Any:
        """What a call returned: a value, or a list where the function returns several.

        Raises:
            DecodingError: the data is not of this function.
        """
        results = self._results(data)
        return results[0] if len(results) == 1 else results


@dataclass(frozen=True)
class Event:
    """An event of a contract.

    Attributes:
        name: of the event.
        abi: its ABI entry.
        topic: 32 bytes, the first topic of its logs.
        indexed: name and type of the arguments that are topics, in their order.
        others: names of the arguments that are in the data, in their order.
    """

    name: str
    abi: Mapping[str, Any]
    topic: bytes
    indexed: tuple[tuple[str, str], ...]
    others: tuple[str, ...]
    _topics: tuple[Values, ...]
    _data: Values

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        """The event of an ABI entry."""
        indexed = [item for item in entry["inputs"] if item["indexed"]]
        others = [item for item in entry["inputs"] if not item["indexed"]]
        # Of what does not fit into a word, a topic is the hash.
        kinds = [kind if not parse(kind).is_dynamic else "bytes32" for kind in _types(indexed)]
        return cls(
            entry["name"],
            entry,
            keccak(_signature(entry).encode()),
            tuple((item["name"], kind) for item, kind in zip(indexed, kinds, strict=True)),
            tuple(item["name"] for item in others),
            tuple(values_of([kind]) for kind in kinds),
            values_of(_types(others)),
        )

    def arguments(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """A log's arguments by name.

        Args:
            topics: of the log, the event's own first.
            data: of the log.
        """
        found = {
            name: read(topic)[0]
            for (name, _), read, topic in zip(self.indexed, self._topics, topics[1:], strict=True)
        }
        return found | dict(zip(self.others, self._data(data), strict=True))

    def filters(self, arguments: Mapping[str, Any]) -> list[str | None]:
        """The topics of logs whose indexed arguments have given values; None where any will do."""
        topics: list[str | None] = ["0x" + self.topic.hex()]
        for name, kind in self.indexed:
            packed = encode_values([kind], [arguments[name]]) if name in arguments else None
            topics.append(None if packed is None else "0x" + packed.hex())
        return topics


@dataclass(frozen=True)
class ErrorEntry:
    """A custom error of a contract.

    Attributes:
        name: of the error.
        inputs: names of its arguments, by position where the ABI has none.
        input_types: their canonical types.
    """

    name: str
    inputs: tuple[str, ...]
    input_types: tuple[str, ...]

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        """The error of an ABI entry."""
        names = tuple(item.get("name") or str(place) for place, item in enumerate(entry["inputs"]))
        return cls(entry["name"], names, _types(entry["inputs"]))


@dataclass(frozen=True)
class Interface:
    """What a contract's ABI says.

    Attributes:
        constructor: types of the constructor's arguments.
        methods: by name; none is overloaded.
        by_selector: the same by selector.
        events: by name.
        errors: by selector.
    """

    constructor: tuple[str, ...]
    methods: Mapping[str, Method]
    by_selector: Mapping[bytes, Method]
    events: Mapping[str, Event]
    errors: Mapping[bytes, ErrorEntry]

    @classmethod
    def of(cls, abi: Iterable[Mapping[str, Any]]) -> Self:
        """The interface of an ABI, a list of JSON entries."""
        entries = list(abi)
        methods = [Method.of(entry) for entry in entries if entry["type"] == "function"]
        events = [Event.of(entry) for entry in entries if entry["type"] == "event"]
        return cls(
            next((_types(entry["inputs"]) for entry in entries if entry["type"] == "constructor"), ()),
            {method.name: method for method in methods},
            {method.selector: method for method in methods},
            {event.name: event for event in events},
            {selector(entry): ErrorEntry.of(entry) for entry in entries if entry["type"] == "error"},
        )


def encode_values(types: Sequence[str], values: Sequence[Any], where: str = "arguments") -> bytes:
    """Values packed under their canonical types.

    Args:
        types: the canonical types.
        values: one for each.
        where: for the error.

    Raises:
        InputError: a value does not fit its type, or an address has a wrong checksum.
    """
    try:
        for check, value in zip(_checks(tuple(types)), values, strict=False):
            if check is not None:
                check(value, where)
        return bytes(_CODEC.encode(types, values))
    except InputError:
        raise
    except (EncodingError, ValueError, TypeError) as error:
        raise InputError(f"{where}: {' '.join(str(error).split())}") from None


def values_of(types: Sequence[str]) -> Values:
    """The decoder of values of these canonical types."""
    names, finishes = list(types), [_finish(parse(kind)) for kind in types]

    def decode(data: bytes) -> list[Any]:
        values = _CODEC.decode(names, data)
        return [
            value if finish is None else finish(value) for finish, value in zip(finishes, values, strict=True)
        ]

    return decode


def selector(entry: Mapping[str, Any]) -> bytes:
    """First four bytes of the hash of a function's or an error's signature."""
    return bytes(keccak(_signature(entry).encode()))[:4]


def _finish(kind: ABIType) -> Callable[[Any], Any] | None:
    """What makes a decoded value one of ours; None where it is already."""
    if kind.is_array:
        item = _finish(kind.item_type)
        return list if item is None else lambda values: [item(value) for value in values]
    if isinstance(kind, TupleType):
        parts = [_finish(part) for part in kind.components]
        if not any(parts):
            return None
        return lambda values: tuple(
            value if part is None else part(value) for part, value in zip(parts, values, strict=True)
        )
    return to_checksum_address if isinstance(kind, BasicType) and kind.base == "address" else None


Check = Callable[[Any, str], object]
"""Looks at a value before it is packed, told where it is for the error."""


@cache
def _checks(types: tuple[str, ...]) -> tuple[Check | None, ...]:
    return tuple(_check(parse(kind)) for kind in types)


def _check(kind: ABIType) -> Check | None:
    """What refuses the addresses in a value whose checksum is wrong; None where it holds none."""
    if kind.is_array:
        item = _check(kind.item_type)
        return None if item is None else lambda values, where: [item(value, where) for value in values]
    if isinstance(kind, TupleType):
        parts = [_check(part) for part in kind.components]
        if not any(parts):
            return None
        return lambda values, where: [
            part(value, where) for part, value in zip(parts, values, strict=False) if part is not None
        ]
    return checked_address if isinstance(kind, BasicType) and kind.base == "address" else None


def _signature(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']}({','.join(_types(entry['inputs']))})"


def _types(items: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Canonical types, tuples written out."""
    return tuple(_type(item) for item in items)


def _type(item: Mapping[str, Any]) -> str:
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(item['components']))}){kind.removeprefix('tuple')}"


__all__ = [
    "DecodingError",
    "ErrorEntry",
    "Event",
    "Interface",
    "Method",
    "encode_values",
    "selector",
    "values_of",
]
