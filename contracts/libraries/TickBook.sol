// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
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

    /// @dev The best lane of a side that still has energy to match.
    struct Front {
        uint256 side;
        uint256 occupied;
        uint256 tick;
        uint256 total;
        uint256 left;
    }

    /// @notice The uniform-price call auction: merit order on both sides, matched while the bid is worth the ask.
    /// @dev One pass over the occupied ticks from both ends to the crossing: at most 257 of them, however many orders.
    function clear(Book storage book, uint256 interval) internal view returns (Clearing) {
        Front memory bid = Front(BUY, book.occupied[BUY], 0, 0, 0);
        Front memory ask = Front(SELL, book.occupied[SELL], 0, 0, 0);
        Marginal memory lastBid;
        Marginal memory lastAsk;
        uint256 matched;
        unchecked {
            while (true) {
                _advance(book, interval, bid);
                _advance(book, interval, ask);
                if (bid.left == 0 || ask.left == 0 || bid.tick < ask.tick) break;
                uint256 quantity = Math.min(bid.left, ask.left);
                matched += quantity;
                bid.left -= quantity;
                ask.left -= quantity;
                _note(lastBid, bid);
                _note(lastAsk, ask);
            }
        }
        if (matched == 0) return Clearing.wrap(0);
        // Any price between these two leaves nobody better off with another quantity; the midpoint favours no side.
        uint256 lower = bid.left == 0 ? lastAsk.tick : Math.max(lastAsk.tick, bid.tick);
        uint256 upper = ask.left == 0 ? lastBid.tick : Math.min(lastBid.tick, ask.tick);
        return pack((lower + upper) / 2, matched, lastBid, lastAsk);
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

    function _capSide(Book storage book, uint256 interval, uint256 side, Marginal memory was, uint256 limit)
        private
        view
        returns (Marginal memory)
    {
        Front memory front = Front(side, book.occupied[side], 0, 0, 0);
        _advance(book, interval, front);
        while (front.tick != was.tick && front.total < limit) {
            limit -= front.total;
            front.left = 0;
            _advance(book, interval, front);
        }
        // At the clearing's own marginal tick the fill stays what it was, and the gate accepts less of it.
        if (front.tick == was.tick) return Marginal(was.tick, was.total, was.filled, limit);
        return Marginal(front.tick, front.total, front.total, limit);
    }

    /// @dev Moves an exhausted front on to the side's next best lane, if there is one.
    function _advance(Book storage book, uint256 interval, Front memory front) private view {
        if (front.left != 0 || front.occupied == 0) return;
        uint256 bits = front.occupied;
        // Bids from the highest bit down, asks from the lowest up. `bits` is not zero.
        unchecked {
            uint256 tick = front.side == BUY ? Math.log2(bits) : Math.log2(bits & (~bits + 1));
            front.occupied = bits ^ (1 << tick);
            front.tick = tick;
            front.total = front.left = lane(book, interval, front.side, tick);
        }
    }

    function _note(Marginal memory last, Front memory front) private pure {
        last.tick = front.tick;
        last.total = front.total;
        unchecked {
            last.accepted = last.filled = front.total - front.left;
        }
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
