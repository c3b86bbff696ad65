// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LibBit} from "solady/src/utils/LibBit.sol";
import {Lanes} from "../interfaces/IAuction.sol";
import {BUY, Ladder, OrderCodec, PostedStep, SELL, Step} from "./OrderCodec.sol";

/// @title The order book of one interval: what is bid and asked at each of 256 ticks
/// @notice A lane is the queue at one (side, tick). Seven lanes share a word with the number of the interval they
/// belong to, so a book that is used again for a later interval needs no clearing: words of another interval are empty.
///
///   255..224   ...   63..32   31..0
///   lane 6     ...   lane 0   interval number
library TickBook {
    uint256 internal constant LANE_BITS = 32;
    uint256 internal constant LANES_PER_WORD = 7;
    uint256 internal constant WORDS_PER_SIDE = 37;
    uint256 internal constant LANE_MAX = type(uint32).max;
    uint256 private constant EVERY_OTHER_LANE = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;

    /// @dev Bit t of `occupied[side]` is set when the lane at tick t is not empty.
    struct Book {
        uint256[2] occupied;
        uint256[74] words;
    }

    /// @dev The words that one batch touches, held in memory until the batch ends. Zero: not read yet.
    struct Draft {
        uint256 interval;
        uint256[2] occupied;
        uint256[74] words;
    }

    /// @notice A draft of `book` for `interval`.
    /// @param fresh whether nothing was posted for the interval yet: the book's bits are then another interval's
    function open(Book storage book, uint256 interval, bool fresh) internal view returns (Draft memory draft) {
        draft.interval = interval;
        if (!fresh) draft.occupied = book.occupied;
    }

    /// @notice Queues every step in its lane and writes the posted steps to `records` from byte `at` on.
    /// @return taken whether every lane had room; if one had not, nothing is queued
    function post(Book storage book, Draft memory draft, Ladder ladder, bytes memory records, uint256 at)
        internal
        view
        returns (bool taken)
    {
        uint256 bids;
        uint256 asks;
        for (Ladder left = ladder; !left.isEmpty(); left = left.rest()) {
            unchecked {
                Step step = left.first();
                uint256 tick = step.tick();
                uint256 quantity = step.quantity();
                (uint256 index, uint256 shift) = place(step.side(), tick);
                uint256 word = _wordAt(draft, index);
                if (word == 0) word = _read(book, draft.interval, index);
                uint256 offset = uint32(word >> shift);
                if (offset + quantity > LANE_MAX) {
                    _takeBack(draft, ladder, left);
                    return false;
                }
                _setWordAt(draft, index, word + (quantity << shift));
                if (step.side() == BUY) bids |= 1 << tick;
                else asks |= 1 << tick;
                OrderCodec.write(records, at, PostedStep.unwrap(step.placed(offset)), OrderCodec.POSTED_STEP_BYTES);
                at += OrderCodec.POSTED_STEP_BYTES;
            }
        }
        draft.occupied[BUY] |= bids;
        draft.occupied[SELL] |= asks;
        return true;
    }

    /// @dev Removes the steps of `ladder` that stand before `end`.
    function _takeBack(Draft memory draft, Ladder ladder, Ladder end) private pure {
        for (; Ladder.unwrap(ladder) != Ladder.unwrap(end); ladder = ladder.rest()) {
            Step step = ladder.first();
            (uint256 index, uint256 shift) = place(step.side(), step.tick());
            unchecked {
                _setWordAt(draft, index, _wordAt(draft, index) - (step.quantity() << shift));
            }
        }
    }

    /// @notice Writes what the draft touched back to the book.
    function save(Book storage book, Draft memory draft) internal {
        unchecked {
            for (uint256 i; i < 2 * WORDS_PER_SIDE; ++i) {
                uint256 word = _wordAt(draft, i);
                if (word != 0) book.words[i] = word;
            }
        }
        book.occupied = draft.occupied;
    }

    /// @notice Wh queued at one tick.
    function lane(Book storage book, uint256 interval, uint256 side, uint256 tick) internal view returns (uint256) {
        (uint256 index, uint256 shift) = place(side, tick);
        uint256 word = book.words[index];
        return uint32(word) == interval ? uint32(word >> shift) : 0;
    }

    /// @notice What an auction of the book can reach: the words of either side's better ticks up to the crossing.
    /// @dev The side that has less energy so far gives its next word. Its auction ends where the next tick does not meet
    /// the best tick of the other side's last word: by then the other side is down to that word.
    function crossing(Book storage book) internal view returns (Lanes memory lanes) {
        lanes.occupied = book.occupied;
        (uint256 bids, uint256 asks) = (lanes.occupied[BUY], lanes.occupied[SELL]);
        (uint256 demand, uint256 supply) = (0, 0);
        (uint256 bid, uint256 ask) = (0, 0);
        unchecked {
            while (true) {
                if (demand <= supply) {
                    if (bids == 0) break;
                    bid = best(BUY, bids);
                    if (bid < ask) break;
                    bids &= beyond(BUY, bid);
                    demand += energy(_copy(book, lanes.words, BUY, bid));
                } else {
                    if (asks == 0) break;
                    ask = best(SELL, asks);
                    if (bid < ask) break;
                    asks &= beyond(SELL, ask);
                    supply += energy(_copy(book, lanes.words, SELL, ask));
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

    /// @notice Wh queued in all lanes of a word.
    function energy(uint256 word) internal pure returns (uint256) {
        unchecked {
            uint256 sums = ((word >> LANE_BITS) & EVERY_OTHER_LANE) + ((word >> 2 * LANE_BITS) & EVERY_OTHER_LANE);
            // The highest 64 bits of the product are the sum of the four.
            return (sums * 0x0000000000000001000000000000000100000000000000010000000000000001) >> 192;
        }
    }

    /// @dev Copies the word of an occupied lane, which is therefore the interval's.
    function _copy(Book storage book, uint256[74] memory words, uint256 side, uint256 tick)
        private
        view
        returns (uint256 word)
    {
        (uint256 index,) = place(side, tick);
        word = book.words[index];
        words[index] = word;
    }

    /// @dev A word of the book, empty if it is another interval's.
    function _read(Book storage book, uint256 interval, uint256 index) private view returns (uint256 word) {
        word = book.words[index];
        if (uint32(word) != interval) word = interval;
    }

    // `draft.words[index]` without the check of an index that `_place` made.

    function _wordAt(Draft memory draft, uint256 index) private pure returns (uint256 word) {
        uint256[74] memory words = draft.words;
        assembly ("memory-safe") {
            word := mload(add(words, shl(5, index)))
        }
    }

    function _setWordAt(Draft memory draft, uint256 index, uint256 word) private pure {
        uint256[74] memory words = draft.words;
        assembly ("memory-safe") {
            mstore(add(words, shl(5, index)), word)
        }
    }

    /// @notice The word of a lane, and how far the lane is shifted in it.
    function place(uint256 side, uint256 tick) internal pure returns (uint256 index, uint256 shift) {
        unchecked {
            return (side * WORDS_PER_SIDE + tick / LANES_PER_WORD, (1 + tick % LANES_PER_WORD) << 5);
        }
    }
}
