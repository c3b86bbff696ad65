"""The commonest instructions of py-evm, done in one loop: the same results and the same gas, sooner.

py-evm makes about ten Python calls of every instruction. Nineteen in twenty instructions only move words
between stack, code and memory; these are done here, in local variables. Everything else (storage, calls,
logs, hashes, memory that grows) is handed to py-evm. The yellow paper numbers and prices them (appendix H.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from eth.abc import MessageAPI, StateAPI, TransactionContextAPI
from eth.exceptions import FullStack, InsufficientStack, OutOfGas
from eth.vm.code_stream import CodeStream
from eth.vm.computation import BaseComputation

WORD_MAX: Final = 2**256 - 1
SIGN: Final = 2**255
STACK_LIMIT: Final = 1024
# Contracts whose code is kept analysed; a market has ten.
ANALYSED_CODES: Final = 64

# What the instructions below cost: the tiers `base`, `verylow`, `low`, `mid` and `high`, and JUMPDEST.
BASE, VERY_LOW, LOW, MID, HIGH, JUMPDEST_GAS = 2, 3, 5, 8, 10, 1

GAS: Final = {
    0x50: BASE,
    0x5F: BASE,
    **dict.fromkeys((0x01, 0x03, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19), VERY_LOW),
    **dict.fromkeys((0x1B, 0x1C, 0x51, 0x52, *range(0x60, 0xA0)), VERY_LOW),
    **dict.fromkeys((0x02, 0x04, 0x06), LOW),
    0x56: MID,
    0x57: HIGH,
    0x5B: JUMPDEST_GAS,
}
"""The gas of every instruction that is done here, by its number."""


class _Program(NamedTuple):
    """A contract's code as the loop wants it.

    Attributes:
        code: with zeros after its end, where it stops.
        pushed: at each place of a PUSH, the word that it pushes.
        destinations: where a jump may go.
    """

    code: bytes
    pushed: dict[int, int]
    destinations: frozenset[int]


@lru_cache(ANALYSED_CODES)
def _program(code: bytes) -> _Program:
    padded, pushed, destinations = code + bytes(33), {}, set()
    place = 0
    while place < len(code):
        instruction = padded[place]
        if instruction == 0x5B:
            destinations.add(place)
        elif 0x5F <= instruction <= 0x7F:
            width = instruction - 0x5F
            pushed[place] = int.from_bytes(padded[place + 1 : place + 1 + width], "big")
            place += width
        place += 1
    return _Program(padded, pushed, frozenset(destinations))


class DirectComputation(BaseComputation):
    """Mixed into a computation of py-evm: its code does the commonest instructions itself."""

    def __init__(
        self, state: StateAPI, message: MessageAPI, transaction_context: TransactionContextAPI
    ) -> None:
        super().__init__(state, message, transaction_context)
        self.code = _DirectCode(message.code, self)


class _DirectCode(CodeStream):
    """A contract's code; iterating it yields the instructions that are left to py-evm."""

    __slots__ = ("_computation",)

    def __init__(self, code: bytes, computation: BaseComputation) -> None:
        super().__init__(code)
        self._computation = computation

    def is_valid_opcode(self, position: int) -> bool:
        return position in _program(self._raw_code_bytes).destinations

    def __iter__(self) -> Iterator[int]:
        computation: Any = self._computation
        code, pushed, destinations = _program(self._raw_code_bytes)
        end = len(code) - 1
        meter, memory = computation._gas_meter, computation._memory
        # Words only, as integers: what py-evm leaves there as bytes is converted when it comes back.
        stack: list[Any] = computation._stack.values
        append, pop = stack.append, stack.pop
        gas, place = meter.gas_remaining, self.program_counter
        try:
            while gas >= 0:
                instruction = code[place] if place < end else 0
                if 0x5F <= instruction < 0xA0:
                    gas -= VERY_LOW
                    if instruction < 0x80:  # PUSH
                        if instruction == 0x5F:
                            gas += VERY_LOW - BASE
                        append(pushed[place])
                        place += instruction - 0x5E
                        if len(stack) > STACK_LIMIT:
                            raise FullStack("Stack limit reached")
                    elif instruction < 0x90:  # DUP
                        append(stack[0x7F - instruction])
                        place += 1
                        if len(stack) > STACK_LIMIT:
                            raise FullStack("Stack limit reached")
                    else:  # SWAP
                        other = 0x8E - instruction
                        stack[-1], stack[other] = stack[other], stack[-1]
                        place += 1
                    continue
                if instruction >= 0x50:
                    if instruction == 0x5B:  # JUMPDEST
                        gas -= JUMPDEST_GAS
                        place += 1
                        continue
                    if instruction == 0x57:  # JUMPI
                        if stack[-1] in destinations:
                            gas -= HIGH
                            target = pop()
                            place = target if pop() else place + 1
                            continue
                    elif instruction == 0x56:  # JUMP
                        if stack[-1] in destinations:
                            gas -= MID
                            place = pop()
                            continue
                    elif instruction == 0x52:  # MSTORE
                        start = stack[-1]
                        if start + 32 <= len(memory._bytes):
                            gas -= VERY_LOW
                            value = stack[-2]
                            del stack[-2:]
                            memory._bytes[start : start + 32] = value.to_bytes(32, "big")
                            place += 1
                            continue
                    elif instruction == 0x51:  # MLOAD
                        start = stack[-1]
                        if start + 32 <= len(memory._bytes):
                            gas -= VERY_LOW
                            stack[-1] = int.from_bytes(memory._bytes[start : start + 32], "big")
                            place += 1
                            continue
                    elif instruction == 0x50:  # POP
                        gas -= BASE
                        pop()
                        place += 1
                        continue
                elif instruction in _WORD_GAS:
                    gas -= _WORD_GAS[instruction]
                    left = pop()
                    if instruction == 0x15:  # ISZERO
                        append(0 if left else 1)
                    elif instruction == 0x19:  # NOT
                        append(WORD_MAX ^ left)
                    else:
                        right = stack[-1]
                        if instruction == 0x01:  # ADD
                            stack[-1] = left + right & WORD_MAX
                        elif instruction == 0x16:  # AND
                            stack[-1] = left & right
                        elif instruction == 0x1B:  # SHL
                            stack[-1] = right << left & WORD_MAX if left < 256 else 0
                        elif instruction == 0x1C:  # SHR
                            stack[-1] = right >> left if left < 256 else 0
                        elif instruction == 0x10:  # LT
                            stack[-1] = 1 if left < right else 0
                        elif instruction == 0x03:  # SUB
                            stack[-1] = left - right & WORD_MAX
                        elif instruction == 0x14:  # EQ
                            stack[-1] = 1 if left == right else 0
                        elif instruction == 0x17:  # OR
                            stack[-1] = left | right
                        elif instruction == 0x11:  # GT
                            stack[-1] = 1 if left > right else 0
                        elif instruction == 0x02:  # MUL
                            stack[-1] = left * right & WORD_MAX
                        elif instruction == 0x12:  # SLT: signed words compare as words with the sign turned
                            stack[-1] = 1 if left ^ SIGN < right ^ SIGN else 0
                        elif instruction == 0x13:  # SGT
                            stack[-1] = 1 if left ^ SIGN > right ^ SIGN else 0
                        elif instruction == 0x04:  # DIV
                            stack[-1] = left // right if right else 0
                        elif instruction == 0x06:  # MOD
                            stack[-1] = left % right if right else 0
                        else:  # XOR
                            stack[-1] = left ^ right
                    place += 1
                    continue
                # Everything else is py-evm's, which finds the computation as it would have left it.
                meter.gas_remaining, self.program_counter = gas, place + 1
                yield instruction
                gas, place = meter.gas_remaining, self.program_counter
                if stack and isinstance(stack[-1], bytes):
                    stack[-1] = int.from_bytes(stack[-1], "big")
        except IndexError:
            raise InsufficientStack("Not enough stack items") from None
        raise OutOfGas("Out of gas")


_WORD_GAS: Final = {instruction: gas for instruction, gas in GAS.items() if instruction < 0x20}
"""The instructions that make one word of the one or two on top of the stack."""


def direct(vm: Any) -> Any:
    """A VM class of py-evm whose computations do the commonest instructions themselves.

    Args:
        vm: e.g. `ShanghaiVM`.
    """
    state = vm._state_class
    computation = type(state.computation_class.__name__, (DirectComputation, state.computation_class), {})
    return type(
        vm.__name__,
        (vm,),
        {"_state_class": type(state.__name__, (state,), {"computation_class": computation})},
    )
