// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/src/utils/LibBit.sol";
import {BUY, OrderCodec, Steps, TICK_BITS} from "./OrderCodec.sol";

/// @title The order book of one interval: what is bid and asked at each of 256 ticks
/// @notice A lane is the queue at one (side, tick), in Wh. Ten lanes share a word:
///
///   255..250   249..225   ...   49..25   24..0
///   nothing    lane 9     ...   lane 1   lane 0
///
/// Which words are an interval's is told by a bit for each, which whoever holds the book keeps: in the others lies what
/// older intervals left there. So a book is used again without clearing it.
library TickBook {
    uint256 internal constant LANE_BITS = 25;
    uint256 internal constant LANES_PER_WORD = 10;
    uint256 internal constant WORDS_PER_SIDE = 26;
    /// @dev Of a side: its 26 words hold 260 lanes for 256 ticks.
    uint256 private constant UNUSED_LANES = 4;
    uint256 internal constant LANE_MAX = (1 << LANE_BITS) - 1;
    uint256 private constant TWO_LANES_MAX = (1 << 2 * LANE_BITS) - 1;
    uint256 private constant EVERY_OTHER_LANE = 0x1ffffff0000007fffffc000001ffffff0000007fffffc000001ffffff;

    /// @dev The bids' words, then the asks', from tick 0 on.
    struct Book {
        uint256[52] words;
    }

    /// @dev The words that one batch touches, held in memory until the batch ends. Zero: maybe not read yet.
    /// @param held bit i: word i of the book is the interval's
    /// @param touched bit i: word i was read
    struct Draft {
        uint256 held;
        uint256 touched;
        uint256[52] words;
    }

    /// @notice Queues `count` steps in the draft and writes what a record holds of them to memory from `cursor` on.
    /// @return next where the next write goes; zero if a lane had no room: then nothing is queued
    function post(Book storage book, Draft memory draft, Steps steps, uint256 count, uint256 cursor)
        internal
        view
        returns (uint256 next)
    {
        uint256[52] memory words = draft.words;
        next = cursor;
        Steps left = steps;
        // index < 52 and shift <= 225. A lane that takes the quantity stays below 2^25: nothing reaches the next lane.
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
            // Each lane holds what was added to it before.
            unchecked {
                _put(words, index, _at(words, index) - (steps.quantity() << shift));
            }
            steps = steps.rest();
        }
    }

    /// @notice Writes what the draft touched to the book.
    /// @return held bit i: word i of the book is now the interval's
    function save(Book storage book, Draft memory draft) internal returns (uint256 held) {
        held = draft.held;
        for (uint256 left = draft.touched; left != 0; left &= left - 1) {
            uint256 index = LibBit.ffs(left);
            uint256 word = _at(draft.words, index);
            // The steps of a refused order were taken back.
            if (word == 0) continue;
            book.words[index] = word;
            held |= 1 << index;
        }
    }

    /// @notice Wh queued at one tick.
    function lane(Book storage book, uint256 held, uint256 side, uint256 tick) internal view returns (uint256) {
        (uint256 index,) = place(side, tick);
        return (held >> index) & 1 == 0 ? 0 : lane(book.words[index], tick);
    }

    /// @notice The interval's words, and zero for the others.
    function read(Book storage book, uint256 held) internal view returns (uint256[52] memory words) {
        for (; held != 0; held &= held - 1) {
            uint256 index = LibBit.ffs(held);
            words[index] = book.words[index];
        }
    }

    /// @notice The lane of `tick` in its word, Wh.
    function lane(uint256 word, uint256 tick) internal pure returns (uint256) {
        return (word >> _shiftOf(tick)) & LANE_MAX;
    }

    /// @notice The lanes of a word that are worse than `tick`, which is one of its own.
    function worseThan(uint256 side, uint256 word, uint256 tick) internal pure returns (uint256) {
        // shift <= 225, and 250 behind the lane.
        unchecked {
            uint256 shift = _shiftOf(tick);
            if (side == BUY) return word & ((1 << shift) - 1);
            shift += LANE_BITS;
            return word >> shift << shift;
        }
    }

    /// @notice Wh queued in all lanes of a word.
    /// @dev Five sums of two lanes are the digits of a number in base 2^50. Modulo 2^50 - 1 it is the sum of its digits, as a
    /// decimal number is modulo 9.
    function energy(uint256 word) internal pure returns (uint256) {
        // Each of the five sums is below 2^26, all of them together below 10 * 2^25 < 2^29.
        unchecked {
            return ((word & EVERY_OTHER_LANE) + ((word >> LANE_BITS) & EVERY_OTHER_LANE)) % TWO_LANES_MAX;
        }
    }

    /// @dev Takes a word of the book into the draft, if it is the interval's.
    function _read(Book storage book, Draft memory draft, uint256 index) private view returns (uint256 word) {
        draft.touched |= 1 << index;
        if ((draft.held >> index) & 1 == 0) return 0;
        word = book.words[index];
        _put(draft.words, index, word);
    }

    // `words[index]` without the check of an index, which is below 52 as `place` and `_placeOf` make it.

    function _at(uint256[52] memory words, uint256 index) private pure returns (uint256 word) {
        // index < 52.
        assembly ("memory-safe") {
            word := mload(add(words, shl(5, index)))
        }
    }

    function _put(uint256[52] memory words, uint256 index, uint256 word) private pure {
        // index < 52.
        assembly ("memory-safe") {
            mstore(add(words, shl(5, index)), word)
        }
    }

    /// @dev `place` of side and tick in one number: a side's words hold 260 lanes, four more than there are ticks.
    function _placeOf(uint256 rank) private pure returns (uint256 index, uint256 shift) {
        // rank < 2^9, so number < 516 and index < 52.
        unchecked {
            uint256 number = rank + UNUSED_LANES * (rank >> TICK_BITS);
            return (number / LANES_PER_WORD, number % LANES_PER_WORD * LANE_BITS);
        }
    }

    /// @notice The word of a lane, and how far the lane is shifted in it.
    function place(uint256 side, uint256 tick) internal pure returns (uint256 index, uint256 shift) {
        // side <= 1 and tick <= 255: index <= 51 and shift <= 225.
        unchecked {
            return (side * WORDS_PER_SIDE + tick / LANES_PER_WORD, _shiftOf(tick));
        }
    }

    /// @dev How far the lane of `tick` is shifted in its word.
    function _shiftOf(uint256 tick) private pure returns (uint256) {
        // Below 10 * 25.
        unchecked {
            return tick % LANES_PER_WORD * LANE_BITS;
        }
    }
}
