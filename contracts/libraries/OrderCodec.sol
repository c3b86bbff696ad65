// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {field} from "./PackedWord.sol";

/// The steps of an order from one on; whoever reads them knows how many there are. The first one:
///
///   255    254..247   246..224         223..192
///   side   tick       quantity, Wh     the next step; in a record, the place in the lane, Wh
///
/// side 0 buys, side 1 sells.
type Steps is uint256;

/// Where in memory the digests of a batch's orders are made.
type Frame is uint256;

using {side, tick, rank, quantity, rest, offset, placed} for Steps global;

uint256 constant BUY = 0;
uint256 constant SELL = 1;

/// @dev What a sell's rank is above that of a buy at the same tick.
uint256 constant SELL_RANK = 1 << 8;

uint256 constant SIDE_OFFSET = 255;
uint256 constant TICK_OFFSET = 247;
uint256 constant TICK_BITS = 8;
uint256 constant QUANTITY_OFFSET = 224;
uint256 constant QUANTITY_BITS = 23;
uint256 constant QUANTITY_MASK = 0x7fffff;
uint256 constant STEP_OFFSET = 224;
uint256 constant STEP_BITS = 32;
uint256 constant PLACE_OFFSET = 192;
uint256 constant PLACE_BITS = 32;

function side(Steps self) pure returns (uint256) {
    return Steps.unwrap(self) >> SIDE_OFFSET;
}

function tick(Steps self) pure returns (uint256) {
    return field(Steps.unwrap(self), TICK_OFFSET, TICK_BITS);
}

/// @dev Side and tick together: what must rise from step to step of one order.
function rank(Steps self) pure returns (uint256) {
    return Steps.unwrap(self) >> TICK_OFFSET;
}

function quantity(Steps self) pure returns (uint256) {
    return field(Steps.unwrap(self), QUANTITY_OFFSET, QUANTITY_BITS);
}

/// @dev The steps behind the first one.
function rest(Steps self) pure returns (Steps) {
    return Steps.wrap(Steps.unwrap(self) << STEP_BITS);
}

/// @dev In a record: where in its lane the step begins, Wh.
function offset(Steps self) pure returns (uint256) {
    return field(Steps.unwrap(self), PLACE_OFFSET, PLACE_BITS);
}

/// @dev The 8 bytes that a record holds of the first step.
function placed(Steps self, uint256 offset_) pure returns (uint256) {
    return ((Steps.unwrap(self) >> STEP_OFFSET) << PLACE_BITS) | offset_;
}

/// @title The packed forms of orders and records, and the order's EIP-712 digest
/// @notice Big-endian, without padding:
///
///   order   participant (2)  count (1)  count steps (4 each)  signature (64, EIP-2098)
///   record  participant (2)  count (1)  count posted steps (8 each)
library OrderCodec {
    uint256 internal constant MAX_STEPS = 8;
    uint256 private constant BOUGHT_OFFSET = 32;
    uint256 internal constant COUNT_BYTES = 2;
    uint256 internal constant HEADER_BYTES = 3;
    uint256 internal constant STEP_BYTES = 4;
    uint256 internal constant SIGNATURE_BYTES = 64;
    uint256 internal constant POSTED_STEP_BYTES = 8;
    // The first three bytes, at the top of a word.
    uint256 private constant PARTICIPANT_OFFSET = 240;
    uint256 private constant COUNT_OFFSET = 232;
    uint256 private constant COUNT_BITS = 8;
    /// @dev Records begin with their number.
    uint256 private constant RECORD_COUNT_OFFSET = 240;

    bytes32 internal constant STEP_TYPEHASH = keccak256("Step(uint8 side,uint8 tick,uint32 quantity)");
    bytes32 internal constant ORDER_TYPEHASH =
        keccak256("Order(uint32 interval,uint16 participant,Step[] steps)Step(uint8 side,uint8 tick,uint32 quantity)");

    // What is read of a batch is found by where in the calldata it lies: a walk over a thousand orders holds one number
    // instead of three. Behind the end of the calldata are zeros. Places in the calldata are below 2^64, and so are sums
    // of a few. No assembly here touches memory but where it says so.

    /// @notice Where `data` begins and where it ends.
    function bounds(bytes calldata data) internal pure returns (uint256 at, uint256 end) {
        // The compiler has checked that data.offset + data.length <= calldatasize().
        assembly ("memory-safe") {
            at := data.offset
            end := add(at, data.length)
        }
    }

    /// @notice The 32 bytes of calldata at `at`.
    function load(uint256 at) internal pure returns (uint256 value) {
        // Any `at`: zeros from calldatasize() on.
        assembly ("memory-safe") {
            value := calldataload(at)
        }
    }

    /// @notice The 32 bytes of `data` from `index` on; zeros, or what follows `data`, beyond its end.
    function word(bytes calldata data, uint256 index) internal pure returns (uint256) {
        // at + index < 2^64.
        unchecked {
            (uint256 at,) = bounds(data);
            return load(at + index);
        }
    }

    /// @notice The participant and the number of steps that an order or a record begins with.
    /// @param head its first word
    function header(uint256 head) internal pure returns (uint256 participant, uint256 count) {
        return (head >> PARTICIPANT_OFFSET, field(head, COUNT_OFFSET, COUNT_BITS));
    }

    /// @notice Writes the header of the order at `at` to memory: a record begins like its order.
    /// @dev 32 bytes from `cursor` on must have been allocated; what is written behind the header is to be overwritten.
    /// @return next where the next write goes
    function copyHeader(uint256 cursor, uint256 at) internal pure returns (uint256 next) {
        // Writes [cursor, cursor + 32).
        assembly ("memory-safe") {
            mstore(cursor, calldataload(at))
            next := add(cursor, HEADER_BYTES)
        }
    }

    /// @notice The steps of the order or record at `at`; of a record, from step `index` on.
    function steps(uint256 at, uint256 index) internal pure returns (Steps) {
        // index < 2^8, so at + 3 + 8 * index < 2^64.
        unchecked {
            return Steps.wrap(load(at + HEADER_BYTES + index * POSTED_STEP_BYTES));
        }
    }

    function orderLength(uint256 count) internal pure returns (uint256) {
        // count < 2^8: below 2^11.
        unchecked {
            return HEADER_BYTES + count * STEP_BYTES + SIGNATURE_BYTES;
        }
    }

    function recordLength(uint256 count) internal pure returns (uint256) {
        // count < 2^8: below 2^12.
        unchecked {
            return HEADER_BYTES + count * POSTED_STEP_BYTES;
        }
    }

    /// @notice How many records there are: `records` begins with their number.
    function recordCount(bytes calldata records) internal pure returns (uint256) {
        return word(records, 0) >> RECORD_COUNT_OFFSET;
    }

    /// @notice The end of the calldata, behind which zeros are read.
    function endOfCalldata() internal pure returns (uint256 at) {
        // A place in the calldata.
        assembly ("memory-safe") {
            at := calldatasize()
        }
    }

    /// @notice Memory in which the digests of a batch's orders are made, so that what they share is written once:
    ///
    ///   0x000   type of a step    side       tick          quantity
    ///   0x080   type of an order  interval   participant   hash of the steps
    ///   0x11e   0x1901            domain     hash of the order
    ///   0x160   hashes of up to 8 steps
    function frame(bytes32 domain, uint256 interval) internal pure returns (Frame result) {
        (bytes32 stepTypehash, bytes32 orderTypehash) = (STEP_TYPEHASH, ORDER_TYPEHASH);
        // Writes [0x000, 0x060), [0x080, 0x0c0) and [0x100, 0x140) of the 0x260 bytes that it allocates.
        assembly ("memory-safe") {
            result := mload(0x40)
            mstore(0x40, add(result, 0x260))
            mstore(result, stepTypehash)
            // What is written of the two words later is their last byte.
            mstore(add(result, 0x20), 0)
            mstore(add(result, 0x40), 0)
            mstore(add(result, 0x80), orderTypehash)
            mstore(add(result, 0xa0), interval)
            mstore(add(result, 0x100), 0x1901)
            mstore(add(result, 0x120), domain)
        }
    }

    /// @notice What the `count` steps of an order come to, and the EIP-712 digest that its participant signs.
    /// @dev `digestTwin` in the tests says the same in Solidity.
    /// @return energy Wh bought from `BOUGHT_OFFSET` on and Wh sold below it, like a connection's two limits; zero unless
    /// there are 1 to 8 steps, each with a quantity, strictly ascending by side and tick, and every ask above every bid
    /// @return result the digest; of no meaning where `energy` is zero
    function digest(Frame self, uint256 participant, Steps ladder, uint256 count)
        internal
        pure
        returns (uint256 energy, bytes32 result)
    {
        (uint256 most, uint256 sell) = (MAX_STEPS, SELL_RANK);
        // At most 8 steps: hashes go to [0x160, 0x260) of the frame, and energy < 8 * 2^23 = 2^26 on either side. rank_ < 2^9.
        assembly ("memory-safe") {
            let to := add(self, 0x160)
            // Below the first step's rank: -1.
            let previous := not(0)
            // Outside the loop, so that the compiler does not work them out again at every use.
            let rank_ := 0
            let amount := 0
            for { let left := mul(count, iszero(gt(count, most))) } left { left := sub(left, 1) } {
                rank_ := shr(TICK_OFFSET, ladder)
                amount := and(shr(QUANTITY_OFFSET, ladder), QUANTITY_MASK)
                // Of a sell the least is the step before it, taken for a sell too: so the ticks ascend across both sides.
                if or(iszero(sgt(rank_, or(previous, and(rank_, sell)))), iszero(amount)) {
                    energy := 0
                    break
                }
                let sells := shr(TICK_BITS, rank_)
                energy := add(energy, shl(mul(BOUGHT_OFFSET, iszero(sells)), amount))
                // The last byte of either word; what is above it is zero.
                mstore8(add(self, 0x3f), sells)
                mstore8(add(self, 0x5f), rank_)
                mstore(add(self, 0x60), amount)
                mstore(to, keccak256(self, 0x80))
                to := add(to, 0x20)
                previous := rank_
                ladder := shl(STEP_BITS, ladder)
            }
            let hashes := add(self, 0x160)
            mstore(add(self, 0xc0), participant)
            mstore(add(self, 0xe0), keccak256(hashes, sub(to, hashes)))
            mstore(add(self, 0x140), keccak256(add(self, 0x80), 0x80))
            result := keccak256(add(self, 0x11e), 0x42)
        }
    }

    /// @notice Where in memory the first byte of `data` lies.
    function start(bytes memory data) internal pure returns (uint256 cursor) {
        // A place in memory.
        assembly ("memory-safe") {
            cursor := add(data, 0x20)
        }
    }

    /// @notice Writes the low `length` bytes of `value` at `cursor`, and returns where the next write goes.
    /// @dev 32 bytes from `cursor` on must have been allocated.
    function write(uint256 cursor, uint256 value, uint256 length) internal pure returns (uint256) {
        // 0 < length <= 32. Writes [cursor, cursor + 32).
        unchecked {
            uint256 aligned = value << (256 - 8 * length);
            assembly ("memory-safe") {
                mstore(cursor, aligned)
            }
            return cursor + length;
        }
    }

    /// @notice Ends `records`, which holds `count` of them, at `cursor`.
    function finish(bytes memory records, uint256 cursor, uint256 count) internal pure {
        // cursor >= content, and the records have two bytes for their number, which is below 2^16.
        assembly ("memory-safe") {
            let content := add(records, 0x20)
            mstore(records, sub(cursor, content))
            mstore8(content, shr(8, count))
            mstore8(add(content, 1), count)
        }
    }

    /// @notice Shortens `data` to end at `cursor`.
    function endAt(bytes memory data, uint256 cursor) internal pure {
        // data + 0x20 <= cursor <= the end of what was allocated.
        assembly ("memory-safe") {
            mstore(data, sub(sub(cursor, data), 0x20))
        }
    }
}
