// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// One step of an order, as it is posted:
///
///   31      30..23   22..0
///   side    tick     quantity, Wh
///
/// side 0 buys, side 1 sells. As a number a step sorts by side, then by tick.
type Step is uint32;

/// The steps of an order in one word, the first in the highest 32 bits, zeros behind the last:
///
///   255..224   223..192   ...   31..0
///   step 0     step 1     ...   step 7
type Ladder is uint256;

/// A step in the committed record, with its place in the lane:
///
///   63..32   31..0
///   step     offset, Wh
type PostedStep is uint64;

using { side, tick, quantity, merit, placed } for Step global;
using { first, rest, isEmpty } for Ladder global;
using { step, offset } for PostedStep global;

uint256 constant BUY = 0;
uint256 constant SELL = 1;

function side(Step self) pure returns (uint256) {
    return Step.unwrap(self) >> 31;
}

function tick(Step self) pure returns (uint256) {
    return (Step.unwrap(self) >> 23) & 0xff;
}

function quantity(Step self) pure returns (uint256) {
    return Step.unwrap(self) & 0x7fffff;
}

/// @dev Side and tick together: what must rise from step to step of one order.
function merit(Step self) pure returns (uint256) {
    return Step.unwrap(self) >> 23;
}

/// @dev The step with its place in the lane.
function placed(Step self, uint256 offset_) pure returns (PostedStep) {
    return PostedStep.wrap((uint64(Step.unwrap(self)) << 32) | uint32(offset_));
}

function first(Ladder self) pure returns (Step) {
    return Step.wrap(uint32(Ladder.unwrap(self) >> 224));
}

/// @dev The steps behind the first one.
function rest(Ladder self) pure returns (Ladder) {
    return Ladder.wrap(Ladder.unwrap(self) << 32);
}

/// @dev Whether nothing is left. A step of well-formed orders has a quantity, so none of them is zero.
function isEmpty(Ladder self) pure returns (bool) {
    return Ladder.unwrap(self) == 0;
}

function step(PostedStep self) pure returns (Step) {
    return Step.wrap(uint32(PostedStep.unwrap(self) >> 32));
}

function offset(PostedStep self) pure returns (uint256) {
    return uint32(PostedStep.unwrap(self));
}

/// @title The packed forms of orders and records, and the order's EIP-712 digest
/// @notice Big-endian, without padding:
///
///   order   participant (2)  count (1)  count steps (4 each)  signature (64, EIP-2098)
///   record  participant (2)  count (1)  count posted steps (8 each)
library OrderCodec {
    uint256 internal constant MAX_STEPS = 8;
    uint256 internal constant HEADER_BYTES = 3;
    uint256 internal constant STEP_BYTES = 4;
    uint256 internal constant SIGNATURE_BYTES = 64;
    uint256 internal constant POSTED_STEP_BYTES = 8;
    uint256 internal constant READING_BYTES = 8;

    bytes32 internal constant STEP_TYPEHASH = keccak256("Step(uint8 side,uint8 tick,uint32 quantity)");
    bytes32 internal constant ORDER_TYPEHASH = keccak256(
        "Order(uint32 interval,uint16 participant,Step[] steps)Step(uint8 side,uint8 tick,uint32 quantity)"
    );

    /// @notice The 32 bytes of `data` from `at` on; zeros, or what follows `data`, beyond its end. Callers check lengths.
    function word(bytes calldata data, uint256 at) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(add(data.offset, at))
        }
    }

    /// @notice The participant and the number of steps that an order or a record at `at` begins with.
    function header(bytes calldata data, uint256 at) internal pure returns (uint256 participant, uint256 count) {
        uint256 value = word(data, at);
        return (value >> 240, (value >> 232) & 0xff);
    }

    /// @notice The `count` steps, 1 to 8, of the order at `at`.
    function ladder(bytes calldata orders, uint256 at, uint256 count) internal pure returns (Ladder) {
        unchecked {
            uint256 unused = 256 - 8 * STEP_BYTES * count;
            return Ladder.wrap((word(orders, at + HEADER_BYTES) >> unused) << unused);
        }
    }

    /// @notice Step `index` of the record at `at`.
    function recordStep(bytes calldata records, uint256 at, uint256 index) internal pure returns (PostedStep) {
        unchecked {
            return PostedStep.wrap(uint64(word(records, at + HEADER_BYTES + index * POSTED_STEP_BYTES) >> 192));
        }
    }

    /// @notice The compact signature that ends the order at `at`.
    function signature(bytes calldata orders, uint256 at, uint256 count)
        internal
        pure
        returns (uint256 r, uint256 vs)
    {
        unchecked {
            uint256 from = at + HEADER_BYTES + count * STEP_BYTES;
            return (word(orders, from), word(orders, from + 32));
        }
    }

    function orderLength(uint256 count) internal pure returns (uint256) {
        unchecked {
            return HEADER_BYTES + count * STEP_BYTES + SIGNATURE_BYTES;
        }
    }

    function recordLength(uint256 count) internal pure returns (uint256) {
        unchecked {
            return HEADER_BYTES + count * POSTED_STEP_BYTES;
        }
    }

    /// @notice How many records there are.
    function recordCount(bytes calldata records) internal pure returns (uint256 count) {
        unchecked {
            for (uint256 at; at < records.length; ++count) {
                (, uint256 steps) = header(records, at);
                at += recordLength(steps);
            }
        }
    }

    /// @notice The packed reading of order `index`.
    function reading(bytes calldata readings, uint256 index) internal pure returns (uint256) {
        unchecked {
            return word(readings, index * READING_BYTES) >> 192;
        }
    }

    /// @notice The EIP-712 digest that the participant signed for the order at `at`.
    /// @dev Works in the scratch space after the free memory pointer and gives it back: a thousand orders
    /// must not grow the memory. `digestTwin` in the tests' harness says the same in Solidity.
    function digest(bytes calldata orders, uint256 at, uint256 count, bytes32 domain, uint256 interval)
        internal
        pure
        returns (bytes32 result)
    {
        bytes32 stepTypehash = STEP_TYPEHASH;
        bytes32 orderTypehash = ORDER_TYPEHASH;
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            let hashes := add(scratch, 0x80)
            let from := add(orders.offset, at)
            let participant := shr(240, calldataload(from))
            from := add(from, 3)
            mstore(scratch, stepTypehash)
            for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                let packed := shr(224, calldataload(add(from, shl(2, i))))
                mstore(add(scratch, 0x20), shr(31, packed))
                mstore(add(scratch, 0x40), and(shr(23, packed), 0xff))
                mstore(add(scratch, 0x60), and(packed, 0x7fffff))
                mstore(add(hashes, shl(5, i)), keccak256(scratch, 0x80))
            }
            mstore(add(scratch, 0x60), keccak256(hashes, shl(5, count)))
            mstore(scratch, orderTypehash)
            mstore(add(scratch, 0x20), interval)
            mstore(add(scratch, 0x40), participant)
            let structHash := keccak256(scratch, 0x80)
            mstore(scratch, shl(240, 0x1901))
            mstore(add(scratch, 0x02), domain)
            mstore(add(scratch, 0x22), structHash)
            result := keccak256(scratch, 0x42)
        }
    }

    /// @notice Writes the low `length` bytes of `value` at `at` of `data` and returns where the next write goes.
    /// @dev `data` must have been allocated with 32 bytes to spare.
    function write(bytes memory data, uint256 at, uint256 value, uint256 length) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(add(add(data, 0x20), at), shl(sub(256, shl(3, length)), value))
        }
        unchecked {
            return at + length;
        }
    }

    /// @notice Shortens `data` to `length` bytes.
    function truncate(bytes memory data, uint256 length) internal pure {
        assembly ("memory-safe") {
            mstore(data, length)
        }
    }
}
