// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {LibBit} from "solady/src/utils/LibBit.sol";
import {Clearing, Marginal, pack} from "./Clearing.sol";
import {BUY, Ladder, OrderCodec, PostedStep, SELL, Step} from "./OrderCodec.sol";

/// @title The order book of one interval: what is bid and asked at each of 256 ticks
/// @notice A lane is the queue at one (side, tick). Seven lanes share a word with the number of the interval they
/// belong to, so a book that is used again for a later interval needs no clearing: words of another interval are empty.
///
///   255..224   ...   63..32   31..0
///   lane 6     ...   lane 0   interval number
library TickBook {
    uint256 internal constant LANES_PER_WORD = 7;
    uint256 internal constant WORDS_PER_SIDE = 37;
    uint256 internal constant LANE_MAX = type(uint32).max;

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
                (uint256 index, uint256 shift) = _place(step.side(), tick);
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
            (uint256 index, uint256 shift) = _place(step.side(), step.tick());
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
        (uint256 index, uint256 shift) = _place(side, tick);
        uint256 word = book.words[index];
        return uint32(word) == interval ? uint32(word >> shift) : 0;
    }

    /// @notice The uniform-price call auction: merit order on both sides, matched while the bid is worth the ask.
    /// @dev One pass over the occupied ticks from both ends to the crossing: at most 257 of them, however many orders.
    function clear(Book storage book, uint256 interval) internal view returns (Clearing) {
        (uint256 bids, uint256 asks) = (book.occupied[BUY], book.occupied[SELL]);
        Marginal memory bid;
        Marginal memory ask;
        (uint256 bidTick, uint256 bidTotal, uint256 bidLeft) = (0, 0, 0);
        (uint256 askTick, uint256 askTotal, uint256 askLeft) = (0, 0, 0);
        uint256 matched;
        unchecked {
            while (true) {
                if (bidLeft == 0 && bids != 0) {
                    bidTick = _best(BUY, bids);
                    bids ^= 1 << bidTick;
                    bidTotal = bidLeft = lane(book, interval, BUY, bidTick);
                }
                if (askLeft == 0 && asks != 0) {
                    askTick = _best(SELL, asks);
                    asks ^= 1 << askTick;
                    askTotal = askLeft = lane(book, interval, SELL, askTick);
                }
                if (bidLeft == 0 || askLeft == 0 || bidTick < askTick) break;
                uint256 quantity = bidLeft < askLeft ? bidLeft : askLeft;
                matched += quantity;
                bidLeft -= quantity;
                askLeft -= quantity;
                (bid.tick, bid.total, bid.filled) = (bidTick, bidTotal, bidTotal - bidLeft);
                (ask.tick, ask.total, ask.filled) = (askTick, askTotal, askTotal - askLeft);
            }
        }
        if (matched == 0) return Clearing.wrap(0);
        // Any price between these two leaves nobody better off with another quantity; the midpoint favours no side.
        uint256 lower = bidLeft == 0 ? ask.tick : Math.max(ask.tick, bidTick);
        uint256 upper = askLeft == 0 ? bid.tick : Math.min(bid.tick, askTick);
        (bid.accepted, ask.accepted) = (bid.filled, ask.filled);
        return pack((lower + upper) / 2, matched, bid, ask);
    }

    /// @notice The same clearing with its volume cut to `limit`, at the same price: the walk stopped earlier.
    function cap(Book storage book, uint256 interval, Clearing cleared, uint256 limit)
        internal
        view
        returns (Clearing)
    {
        if (limit == 0) return Clearing.wrap(0);
        return pack(
            cleared.priceTick(),
            cleared.volume(),
            _capSide(book, interval, BUY, cleared.marginal(BUY), limit),
            _capSide(book, interval, SELL, cleared.marginal(SELL), limit)
        );
    }

    /// @dev The walk ends at the clearing's marginal tick at the latest: that one holds what the better ones do not.
    function _capSide(Book storage book, uint256 interval, uint256 side, Marginal memory was, uint256 limit)
        private
        view
        returns (Marginal memory)
    {
        uint256 bits = book.occupied[side];
        uint256 tick = _best(side, bits);
        uint256 total = lane(book, interval, side, tick);
        while (tick != was.tick && total < limit) {
            limit -= total;
            bits ^= 1 << tick;
            tick = _best(side, bits);
            total = lane(book, interval, side, tick);
        }
        // At the clearing's own marginal tick the fill stays what it was, and the gate accepts less of it.
        uint256 filled = tick == was.tick ? was.filled : total;
        return Marginal(tick, total, filled, limit);
    }

    /// @dev The best of a side's occupied ticks, of which there is one: the highest bid, the lowest ask.
    function _best(uint256 side, uint256 bits) private pure returns (uint256) {
        return side == BUY ? LibBit.fls(bits) : LibBit.ffs(bits);
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

    /// @dev The word of a lane, and how far the lane is shifted in it.
    function _place(uint256 side, uint256 tick) private pure returns (uint256 index, uint256 shift) {
        unchecked {
            return (side * WORDS_PER_SIDE + tick / LANES_PER_WORD, (1 + tick % LANES_PER_WORD) << 5);
        }
    }
}
