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
EDGES = (0, 1, 2, 31, 32, 255, 256, 2**128, 2**255 - 1, 2**255, 2**256 - 1)
WORDS = st.one_of(
    st.sampled_from(EDGES),
    st.integers(0, 2**256 - 1),
    st.integers(0, 300),
)
DONE_HERE = sorted(GAS)
# How many words an instruction takes and leaves; of those left to py-evm, a choice.
WORDS_TAKEN = {
    **dict.fromkeys((0x01, 0x02, 0x03, 0x04, 0x06, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18), (2, 1)),
    **dict.fromkeys((0x1B, 0x1C, 0x05, 0x07, 0x0B, 0x1A, 0x1D, 0x20), (2, 1)),
    **dict.fromkeys((0x15, 0x19, 0x35, 0x51, 0x54), (1, 1)),
    **dict.fromkeys((0x08, 0x09), (3, 1)),
    **dict.fromkeys((0x30, 0x33, 0x36, 0x58, 0x5A, 0x5F), (0, 1)),
    **dict.fromkeys((0x52, 0x53), (2, 0)),
    0x50: (1, 0),
    0x5B: (0, 0),
    **{0x7F + depth: (depth, depth + 1) for depth in range(1, 17)},
    **{0x8F + depth: (depth + 1, depth + 1) for depth in range(1, 17)},
}
OF_MEMORY = (0x20, 0x51, 0x52, 0x53)
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
    """Instructions in any order, mostly with the words that they take, and jumps to good and bad places."""
    code, depth = b"", 0
    for _ in range(draw(st.integers(1, 30))):
        if draw(st.integers(0, 9)) == 0:
            skipped = draw(st.binary(max_size=4))
            condition = draw(st.sampled_from([None, 0, 1]))
            given = b"" if condition is None else push(condition)
            target = len(code) + len(given) + 4 + len(skipped) + draw(st.sampled_from([0, 0, 0, 1]))
            jump = b"\x56" if condition is None else b"\x57"
            code += given + b"\x61" + target.to_bytes(2, "big") + jump + skipped + b"\x5b"
            continue
        instruction = draw(st.sampled_from(sorted(WORDS_TAKEN)))
        taken, left = WORDS_TAKEN[instruction]
        while depth < taken and draw(st.integers(0, 99)):
            code, depth = code + push(draw(WORDS)), depth + 1
        if instruction in OF_MEMORY:
            # Anywhere else would cost more than there is.
            code += push(draw(st.integers(0, 70))) * taken
            depth += taken
        code, depth = code + bytes([instruction]), max(0, depth - taken) + left
    return code + bytes([draw(st.sampled_from(ENDS))]) * draw(st.integers(0, 1))


@pytest.mark.parametrize("vm", [ShanghaiVM, PragueVM])
def test_any_code_ends_as_in_py_evm(vm: Any) -> None:
    fast = direct(vm)

    @settings(max_examples=300)
    @given(codes(), st.sampled_from([10_000, 10_000, 10_000, 100, 20, 3, 0]))
    def ends_alike(code: bytes, gas: int) -> None:
        assert outcome(fast, code, gas) == outcome(vm, code, gas)

    ends_alike()


@pytest.mark.parametrize("instruction", [number for number in DONE_HERE if number < 0x20])
def test_words_at_the_edges_give_what_py_evm_gives(instruction: int) -> None:
    fast = direct(ShanghaiVM)
    for left in EDGES:
        for right in EDGES:
            code = push(right) + push(left) + bytes([instruction])
            assert outcome(fast, code, 100) == outcome(ShanghaiVM, code, 100), (left, right)


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
