// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/src/utils/LibBit.sol";
import {Lanes} from "../interfaces/IAuction.sol";
import {BUY, OrderCodec, SELL, Steps} from "./OrderCodec.sol";

/// @title The order book of one interval: what is bid and asked at each of 256 ticks
/// @notice A lane is the queue at one (side, tick), in Wh. Ten lanes share a word:
///
///   255..250   249..225   ...   49..25   24..0
///   nothing    lane 9     ...   lane 1   lane 0
///
/// A lane counts when its bit is set among the side's occupied ticks. Elsewhere the words hold what older intervals left
/// there: a book that is used again needs no clearing but of those bits.
library TickBook {
    uint256 internal constant LANE_BITS = 25;
    uint256 internal constant LANES_PER_WORD = 10;
    uint256 internal constant WORDS_PER_SIDE = 26;
    uint256 internal constant LANE_MAX = (1 << LANE_BITS) - 1;
    uint256 private constant LANES_MASK = (1 << LANES_PER_WORD) - 1;
    // Of every lane the lowest bit, and all bits but the highest.
    uint256 private constant LOWEST = 0x200000100000080000040000020000010000008000004000002000001;
    uint256 private constant BELOW_HIGHEST = 0x1fffffeffffff7fffffbfffffdfffffeffffff7fffffbfffffdfffffeffffff;
    // One bit in every 24: to multiply ten bits by it puts bit i where lane i begins, and gathers them from there.
    uint256 private constant STRIDE = 0x1000001000001000001000001000001000001000001000001000001;
    uint256 private constant EVERY_OTHER_LANE = 0x1ffffff0000007fffffc000001ffffff0000007fffffc000001ffffff;
    uint256 private constant EVERY_OTHER_LOWEST = 0x100000000000040000000000010000000000004000000000001;

    /// @dev Bit t of `occupied[side]` is set when the lane at tick t is not empty.
    struct Book {
        uint256[2] occupied;
        uint256[52] words;
    }

    /// @dev The words that one batch touches, held in memory until the batch ends. Zero: maybe not read yet.
    /// @param fresh whether nothing was posted for the interval yet: the book's bits are then another interval's
    /// @param touched bit i: word i was read
    struct Draft {
        bool fresh;
        uint256 touched;
        uint256[52] words;
    }

    /// @notice Queues `count` steps in their lanes and writes what a record holds of them to memory from `cursor` on.
    /// @return next where the next write goes; zero if a lane had no room: then nothing is queued
    function post(Book storage book, Draft memory draft, Steps steps, uint256 count, uint256 cursor)
        internal
        view
        returns (uint256 next)
    {
        uint256[52] memory words = draft.words;
        next = cursor;
        Steps left = steps;
        unchecked {
            for (uint256 unposted = count; unposted != 0; --unposted) {
                (uint256 index, uint256 shift) = _placeOf(left.rank());
                uint256 word = _at(words, index);
                if (word == 0) word = _read(book, draft, index);
                uint256 quantity = left.quantity();
                uint256 offset = (word >> shift) & LANE_MAX;
                if (offset + quantity > LANE_MAX) {
                    _takeBack(words, steps, count - unposted);
                    next = 0;
                    break;
                }
                _put(words, index, word + (quantity << shift));
                next = OrderCodec.write(next, left.placed(offset), OrderCodec.POSTED_STEP_BYTES);
                left = left.rest();
            }
        }
    }

    /// @dev Removes the first `count` steps.
    function _takeBack(uint256[52] memory words, Steps steps, uint256 count) private pure {
        for (uint256 i; i < count; ++i) {
            (uint256 index, uint256 shift) = place(steps.side(), steps.tick());
            unchecked {
                _put(words, index, _at(words, index) - (steps.quantity() << shift));
            }
            steps = steps.rest();
        }
    }

    /// @notice Writes what the draft touched back to the book.
    function save(Book storage book, Draft memory draft) internal {
        _saveSide(book, draft, BUY);
        _saveSide(book, draft, SELL);
    }

    /// @dev A side that the draft did not touch stays unread, unless it is another interval's.
    function _saveSide(Book storage book, Draft memory draft, uint256 side) private {
        unchecked {
            uint256 first = side * WORDS_PER_SIDE;
            uint256 touched = (draft.touched >> first) & ((1 << WORDS_PER_SIDE) - 1);
            if (touched == 0 && !draft.fresh) return;
            uint256 bits = draft.fresh ? 0 : book.occupied[side];
            for (; touched != 0; touched &= touched - 1) {
                uint256 index = LibBit.ffs(touched);
                uint256 word = _at(draft.words, first + index);
                book.words[first + index] = word;
                bits |= filled(word) << (index * LANES_PER_WORD);
            }
            book.occupied[side] = bits;
        }
    }

    /// @notice Bit i: something is queued in lane i of the word.
    function filled(uint256 word) internal pure returns (uint256) {
        unchecked {
            // The highest bit of a lane, its own or carried into it, says that the lane is not zero.
            uint256 flags = (((word & BELOW_HIGHEST) + BELOW_HIGHEST) | word) & ~BELOW_HIGHEST;
            return ((flags >> (LANE_BITS - 1)) * STRIDE >> (LANES_PER_WORD - 1) * (LANE_BITS - 1)) & LANES_MASK;
        }
    }

    /// @notice The word without the lanes whose bit is not among the low ten of `bits`.
    function only(uint256 word, uint256 bits) internal pure returns (uint256) {
        unchecked {
            return word & (((bits & LANES_MASK) * STRIDE & LOWEST) * LANE_MAX);
        }
    }

    /// @notice Wh queued at one tick.
    function lane(Book storage book, uint256 side, uint256 tick) internal view returns (uint256) {
        (uint256 index,) = place(side, tick);
        return (book.occupied[side] >> tick) & 1 == 0 ? 0 : lane(book.words[index], tick);
    }

    /// @notice What an auction of the book can reach: the words of either side's better ticks up to the crossing, or all
    /// of them.
    /// @dev The side that has less energy so far gives its next word. Its auction ends where the next tick does not meet
    /// the best tick of the other side's last word: by then the other side is down to that word.
    function lanes(Book storage book, bool whole) internal view returns (Lanes memory found) {
        found.occupied = book.occupied;
        (uint256 bids, uint256 asks) = (found.occupied[BUY], found.occupied[SELL]);
        (uint256 demand, uint256 supply) = (0, 0);
        (uint256 bid, uint256 ask) = (0, 0);
        unchecked {
            while (true) {
                if (whole ? bids != 0 : demand <= supply) {
                    if (bids == 0) break;
                    bid = best(BUY, bids);
                    if (bid < ask) break;
                    demand += energy(_copy(book, found.words, BUY, bid, bids));
                    bids &= beyond(BUY, bid);
                } else {
                    if (asks == 0) break;
                    ask = best(SELL, asks);
                    if (bid < ask && !whole) break;
                    supply += energy(_copy(book, found.words, SELL, ask, asks));
                    asks &= beyond(SELL, ask);
                }
            }
        }
    }

    /// @notice The best of a side's occupied ticks, of which there is one: the highest bid, the lowest ask.
    function best(uint256 side, uint256 bits) internal pure returns (uint256) {
        return side == BUY ? LibBit.fls(bits) : LibBit.ffs(bits);
    }

    /// @notice The ticks of a side that are worse than all in the word of `tick`.
    function beyond(uint256 side, uint256 tick) internal pure returns (uint256) {
        unchecked {
            uint256 first = tick / LANES_PER_WORD * LANES_PER_WORD;
            return side == BUY ? (1 << first) - 1 : type(uint256).max << (first + LANES_PER_WORD);
        }
    }

    /// @notice The lane of `tick` in its word, Wh.
    function lane(uint256 word, uint256 tick) internal pure returns (uint256) {
        (, uint256 shift) = place(BUY, tick);
        return (word >> shift) & LANE_MAX;
    }

    /// @notice A word without the lanes that are worse than `worst`, which is one of its own.
    function noWorse(uint256 side, uint256 word, uint256 worst) internal pure returns (uint256) {
        unchecked {
            (, uint256 shift) = place(side, worst);
            if (side == BUY) return word >> shift << shift;
            uint256 above = 256 - LANE_BITS - shift;
            return word << above >> above;
        }
    }

    /// @notice Wh queued in all lanes of a word.
    function energy(uint256 word) internal pure returns (uint256) {
        unchecked {
            uint256 sums = (word & EVERY_OTHER_LANE) + ((word >> LANE_BITS) & EVERY_OTHER_LANE);
            // The five sums are added up in the place of the highest, where two lanes have room.
            return (sums * EVERY_OTHER_LOWEST >> (LANES_PER_WORD - 2) * LANE_BITS) & ((1 << 2 * LANE_BITS) - 1);
        }
    }

    /// @dev Copies the word of `tick`, as far as `bits` of the side are occupied.
    function _copy(Book storage book, uint256[52] memory words, uint256 side, uint256 tick, uint256 bits)
        private
        view
        returns (uint256 word)
    {
        unchecked {
            (uint256 index,) = place(side, tick);
            word = only(book.words[index], bits >> tick / LANES_PER_WORD * LANES_PER_WORD);
            words[index] = word;
        }
    }

    /// @dev Takes a word of the book into the draft, as far as it is this interval's.
    function _read(Book storage book, Draft memory draft, uint256 index) private view returns (uint256 word) {
        draft.touched |= 1 << index;
        if (draft.fresh) return 0;
        unchecked {
            (uint256 side, uint256 first) = index < WORDS_PER_SIDE ? (BUY, 0) : (SELL, WORDS_PER_SIDE);
            word = only(book.words[index], book.occupied[side] >> (index - first) * LANES_PER_WORD);
        }
        _put(draft.words, index, word);
    }

    // `words[index]` without the check of an index that `_place` made.

    function _at(uint256[52] memory words, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(words, shl(5, index)))
        }
    }

    function _put(uint256[52] memory words, uint256 index, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(add(words, shl(5, index)), word)
        }
    }

    /// @dev `place` of side and tick in one number: a side's words hold 260 lanes, four more than there are ticks.
    function _placeOf(uint256 rank) private pure returns (uint256 index, uint256 shift) {
        unchecked {
            uint256 number = rank + 4 * (rank >> 8);
            return (number / LANES_PER_WORD, number % LANES_PER_WORD * LANE_BITS);
        }
    }

    /// @notice The word of a lane, and how far the lane is shifted in it.
    function place(uint256 side, uint256 tick) internal pure returns (uint256 index, uint256 shift) {
        unchecked {
            return (side * WORDS_PER_SIDE + tick / LANES_PER_WORD, tick % LANES_PER_WORD * LANE_BITS);
        }
    }
}
