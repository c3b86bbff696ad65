"""The instructions that are done in one loop do what py-evm does, to the gas, and so do those left to it."""

from __future__ import annotations

from typing import Any

import pytest
from eth.constants import BLANK_ROOT_HASH, ZERO_ADDRESS
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks import PragueVM, ShanghaiVM
from eth.vm.forks.frontier.transaction_context import FrontierTransactionContext
from eth.vm.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from peerwatt.chain.interpreter import GAS, direct

CALLER, CONTRACT = b"\x11" * 20, b"\x22" * 20
WORDS = st.one_of(
    st.sampled_from([0, 1, 31, 32, 255, 256, 2**128, 2**255 - 1, 2**255, 2**256 - 1]),
    st.integers(0, 2**256 - 1),
    st.integers(0, 300),
)
DONE_HERE = sorted(GAS)
LEFT_ALONE = [0x05, 0x07, 0x08, 0x09, 0x0B, 0x1A, 0x1D, 0x20, 0x30, 0x33, 0x35, 0x36, 0x53, 0x54, 0x58, 0x5A]
ENDS = [0x00, 0xF3, 0xFD, 0xFE, 0x0C]


def outcome(vm: Any, code: bytes, gas: int, data: bytes = bytes(range(64))) -> dict[str, Any]:
    """Everything that running a code leaves behind."""
    context = ExecutionContext(ZERO_ADDRESS, 1, 1, 0, bytes(32), 10**8, [], 31337, base_fee_per_gas=0)
    state = vm._state_class(AtomicDB(), context, BLANK_ROOT_HASH)
    message = Message(gas=gas, to=CONTRACT, sender=CALLER, value=0, data=data, code=code)
    done = state.computation_class.apply_computation(
        state, message, FrontierTransactionContext(gas_price=1, origin=CALLER)
    )
    return {
        # Of two mistakes at once either may be named; both cost all the gas.
        "error": "burns its gas" if done.should_burn_gas else type(done._error).__name__,
        "output": bytes(done.output),
        "gas": done.get_gas_remaining(),
        "memory": None if done.is_error else bytes(done._memory._bytes),
        "stack": None
        if done.is_error
        else [
            value if isinstance(value, int) else int.from_bytes(value, "big") for value in done._stack.values
        ],
    }


def push(word: int) -> bytes:
    size = (word.bit_length() + 7) // 8
    return bytes([0x5F + size]) + word.to_bytes(size, "big")


@st.composite
def codes(draw: st.DrawFn) -> bytes:
    """Words and instructions in any order; jumps go to places of the code, good ones and bad ones."""
    parts: list[bytes] = [push(draw(WORDS)) for _ in range(draw(st.integers(0, 6)))]
    for _ in range(draw(st.integers(1, 40))):
        kind = draw(st.integers(0, 9))
        if kind < 3:
            parts.append(push(draw(WORDS)))
        elif kind < 8:
            parts.append(bytes([draw(st.sampled_from(DONE_HERE))]))
        elif kind < 9:
            parts.append(bytes([draw(st.sampled_from(LEFT_ALONE))]))
        else:
            target = draw(st.integers(0, 80))
            parts.append(
                push(draw(st.integers(0, 1))) + push(target) + draw(st.sampled_from([b"\x56", b"\x57"]))
            )
            parts.append(b"\x5b")
    return b"".join(parts) + bytes([draw(st.sampled_from(ENDS))]) * draw(st.integers(0, 1))


@pytest.mark.parametrize("vm", [ShanghaiVM, PragueVM])
def test_any_code_ends_as_in_py_evm(vm: Any) -> None:
    fast = direct(vm)

    @settings(max_examples=300)
    @given(codes(), st.sampled_from([0, 3, 20, 100, 10_000]))
    def ends_alike(code: bytes, gas: int) -> None:
        assert outcome(fast, code, gas) == outcome(vm, code, gas)

    ends_alike()


@pytest.mark.parametrize("instruction", DONE_HERE)
def test_each_instruction_costs_what_py_evm_asks_for_it(instruction: int) -> None:
    for vm in (ShanghaiVM, PragueVM):
        assert vm._state_class.computation_class.opcodes[instruction].gas_cost == GAS[instruction]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(b"\x5b\x60\x01\x5f\x56", id="a stack that overflows in a loop"),
        pytest.param(b"\x80", id="nothing to duplicate"),
        pytest.param(b"\x60\x01\x90", id="nothing to swap with"),
        pytest.param(b"\x60\x01\x01", id="one word to add"),
        pytest.param(b"\x60\x04\x56\x61\x5b\x00", id="a jump into what a PUSH pushes"),
        pytest.param(b"\x60\xff\x56", id="a jump past the end"),
        pytest.param(b"\x61\x01", id="a PUSH that the end cuts short"),
        pytest.param(b"", id="nothing at all"),
    ],
)
def test_what_goes_wrong_goes_wrong_alike(code: bytes) -> None:
    assert outcome(direct(ShanghaiVM), code, 100_000) == outcome(ShanghaiVM, code, 100_000)
