"""What is encoded and decoded by codecs that are found once is what web3 makes of the same ABI."""

from __future__ import annotations

from typing import Any, cast

import pytest
from eth_abi.grammar import ABIType, TupleType, parse
from hexbytes import HexBytes
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3
from web3.contract import Contract as Web3Contract
from web3.providers import BaseProvider
from web3.types import LogReceipt

from peerwatt.chain import artifact_names, load_artifact
from peerwatt.chain.abi import encode_values
from peerwatt.chain.contract import Contract

ADDRESS = Web3.to_checksum_address("0x" + "ab" * 20)
OTHER = Web3.to_checksum_address("0x" + "cd" * 20)
WEB3 = Web3(BaseProvider())


def values(kind: ABIType) -> st.SearchStrategy[Any]:
    """Values of an ABI type."""
    if kind.is_array:
        size = kind.arrlist[-1]
        least, most = (size[0], size[0]) if size else (0, 3)
        return st.lists(values(kind.item_type), min_size=least, max_size=most)
    if isinstance(kind, TupleType):
        return st.tuples(*(values(part) for part in kind.components))
    base, sub = cast(Any, kind).base, cast(Any, kind).sub
    if base == "bytes":
        return st.binary(min_size=sub or 0, max_size=sub or 40)
    if base in ("uint", "int"):
        low = -(2 ** (sub - 1)) if base == "int" else 0
        return st.integers(low, 2 ** (sub - (base == "int")) - 1)
    return {
        "bool": st.booleans(),
        "address": st.sampled_from([ADDRESS, OTHER]),
        "string": st.text(max_size=9),
    }[base]


def several(types: tuple[str, ...]) -> st.SearchStrategy[list[Any]]:
    return st.tuples(*(values(parse(kind)) for kind in types)).map(list)


@pytest.mark.parametrize("name", artifact_names())
def test_calls_and_answers_are_those_of_web3(name: str) -> None:
    artifact = load_artifact(name)
    theirs = WEB3.eth.contract(address=ADDRESS, abi=cast(Any, artifact.abi))

    @given(st.data())
    def alike(data: st.DataObject) -> None:
        method = data.draw(st.sampled_from(list(artifact.interface.methods.values())))
        arguments = data.draw(several(method.input_types))
        encoded = method.encode(arguments)
        assert encoded == bytes.fromhex(theirs.encode_abi(method.name, arguments)[2:])
        _, named = theirs.decode_function_input(HexBytes(encoded))
        assert list(method.arguments(encoded)) == list(named)
        results = data.draw(several(method.output_types))
        decoded = method.result(encode_values(method.output_types, results))
        assert (decoded if len(results) != 1 else [decoded]) == results

    if artifact.interface.methods:
        alike()


@pytest.mark.parametrize("name", artifact_names())
def test_logs_are_read_as_web3_reads_them(name: str) -> None:
    artifact = load_artifact(name)
    theirs = cast(Web3Contract, WEB3.eth.contract(address=ADDRESS, abi=cast(Any, artifact.abi)))
    ours = Contract(cast(Any, None), artifact.interface, ADDRESS)

    @given(st.data())
    def alike(data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(list(artifact.interface.events.values())))
        types = {item["name"]: item["type"] for item in event.abi["inputs"]}
        indexed = [data.draw(several((kind,))) for _, kind in event.indexed]
        topics = [
            HexBytes(encode_values([kind], value))
            for (_, kind), value in zip(event.indexed, indexed, strict=True)
        ]
        other = tuple(types[name] for name in event.others)
        log = {
            "address": ADDRESS,
            "topics": [HexBytes(event.topic), *topics],
            "data": HexBytes(encode_values(other, data.draw(several(other)))),
            "blockNumber": 7,
            "blockHash": HexBytes(bytes(32)),
            "transactionHash": HexBytes(bytes(32)),
            "transactionIndex": 1,
            "logIndex": 2,
        }
        read = ours.events[event.name]().process_log(cast(LogReceipt, log))
        expected = theirs.events[event.name]().process_log(cast(LogReceipt, log))
        assert read == {**expected, "args": dict(expected["args"])}

    if artifact.interface.events:
        alike()


def test_a_name_that_the_abi_does_not_have_is_an_attribute_error() -> None:
    contract = Contract(cast(Any, None), load_artifact("PaymentToken").interface, ADDRESS)
    with pytest.raises(AttributeError, match="has no function clear"):
        contract.functions.clear(1)
    with pytest.raises(AttributeError, match="has no event Cleared"):
        contract.events.Cleared()
