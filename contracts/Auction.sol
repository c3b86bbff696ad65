// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAuction, Lanes} from "./interfaces/IAuction.sol";
import {Clearing, Marginal, pack} from "./libraries/Clearing.sol";
import {BUY, SELL} from "./libraries/OrderCodec.sol";
import {TickBook} from "./libraries/TickBook.sol";

/// @title Auction: the uniform-price call auction
contract Auction is IAuction {
    // Where a side has nothing left: one tick worse than its worst.
    uint256 private constant NO_BID = type(uint256).max;
    uint256 private constant NO_ASK = 256;

    /// @dev Where the walks along both merit orders ended.
    /// @param volume what was matched, Wh
    /// @param bid the last lane that traded: its tick in the low 8 bits, its total above them
    /// @param bidLeft what is left of it, Wh
    /// @param nextBid the best tick at which something is left
    struct Crossing {
        uint256 volume;
        uint256 bid;
        uint256 ask;
        uint256 bidLeft;
        uint256 askLeft;
        uint256 nextBid;
        uint256 nextAsk;
    }

    /// @inheritdoc IAuction
    function clear(Lanes calldata lanes) external pure returns (Clearing) {
        Crossing memory c = _match(lanes.occupied[BUY], lanes.occupied[SELL], lanes.words);
        if (c.volume == 0) return Clearing.wrap(0);
        (Marginal memory bid, Marginal memory ask) = (_marginal(c.bid, c.bidLeft), _marginal(c.ask, c.askLeft));
        // Any price between these two leaves nobody better off with another quantity; the midpoint favours no side.
        uint256 lower = c.nextBid == NO_BID ? ask.tick : Math.max(ask.tick, c.nextBid);
        uint256 upper = Math.min(bid.tick, c.nextAsk);
        return pack((lower + upper) / 2, c.volume, bid, ask);
    }

    /// @inheritdoc IAuction
    function cap(Clearing cleared, uint256 limit, Lanes calldata lanes) external pure returns (Clearing) {
        if (limit == 0) return Clearing.wrap(0);
        return pack(
            cleared.priceTick(),
            cleared.volume(),
            _capSide(BUY, cleared.marginal(BUY), limit, lanes.occupied[BUY], lanes.words),
            _capSide(SELL, cleared.marginal(SELL), limit, lanes.occupied[SELL], lanes.words)
        );
    }

    /// @dev Matches the best bids and asks for as long as the bid is worth the ask. What is left of a word is kept with
    /// the current lane at its outer end: bids leave it upwards, asks downwards.
    function _match(uint256 bids, uint256 asks, uint256[74] calldata words) private pure returns (Crossing memory) {
        (uint256 bid, uint256 bidLeft, uint256 bidLanes, uint256 nextBid) = (0, 0, 0, 0);
        (uint256 ask, uint256 askLeft, uint256 askLanes, uint256 nextAsk) = (0, 0, 0, 0);
        uint256 volume;
        unchecked {
            while (true) {
                if (bidLeft == 0) {
                    bidLanes <<= TickBook.LANE_BITS;
                    if (bidLanes == 0) {
                        nextBid = bids == 0 ? NO_BID : TickBook.best(BUY, bids);
                    } else {
                        for (--nextBid; bidLanes >> 224 == 0; --nextBid) bidLanes <<= TickBook.LANE_BITS;
                    }
                }
                if (askLeft == 0) {
                    askLanes >>= TickBook.LANE_BITS;
                    if (askLanes == 0) {
                        nextAsk = asks == 0 ? NO_ASK : TickBook.best(SELL, asks);
                    } else {
                        for (++nextAsk; uint32(askLanes) == 0; ++nextAsk) askLanes >>= TickBook.LANE_BITS;
                    }
                }
                if (nextBid + 1 < nextAsk + 1) break;
                if (bidLeft == 0) {
                    if (bidLanes == 0) {
                        (uint256 word, uint256 shift) = _word(words, BUY, nextBid);
                        bidLanes = (word >> TickBook.LANE_BITS << TickBook.LANE_BITS) << (224 - shift);
                        bids &= TickBook.beyond(BUY, nextBid);
                    }
                    bidLeft = bidLanes >> 224;
                    bid = (bidLeft << 8) | nextBid;
                }
                if (askLeft == 0) {
                    if (askLanes == 0) {
                        (uint256 word, uint256 shift) = _word(words, SELL, nextAsk);
                        askLanes = word >> shift;
                        asks &= TickBook.beyond(SELL, nextAsk);
                    }
                    askLeft = uint32(askLanes);
                    ask = (askLeft << 8) | nextAsk;
                }
                uint256 quantity = bidLeft < askLeft ? bidLeft : askLeft;
                volume += quantity;
                bidLeft -= quantity;
                askLeft -= quantity;
            }
        }
        return Crossing(volume, bid, ask, bidLeft, askLeft, nextBid, nextAsk);
    }

    function _marginal(uint256 last, uint256 left) private pure returns (Marginal memory) {
        uint256 filled = (last >> 8) - left;
        return Marginal(uint8(last), last >> 8, filled, filled);
    }

    /// @dev The word of a lane, and how far the lane is shifted in it.
    function _word(uint256[74] calldata words, uint256 side, uint256 tick)
        private
        pure
        returns (uint256 word, uint256 shift)
    {
        uint256 index;
        (index, shift) = TickBook.place(side, tick);
        // `words[index]` without the check of an index that `place` made.
        assembly ("memory-safe") {
            word := calldataload(add(words, shl(5, index)))
        }
    }

    function _lane(uint256[74] calldata words, uint256 side, uint256 tick) private pure returns (uint256) {
        (uint256 word, uint256 shift) = _word(words, side, tick);
        return uint32(word >> shift);
    }

    /// @dev The walk ends at the clearing's marginal tick at the latest: that one holds what the better ones do not.
    function _capSide(
        uint256 side,
        Marginal memory was,
        uint256 limit,
        uint256 bits,
        uint256[74] calldata words
    ) private pure returns (Marginal memory) {
        uint256 tick = TickBook.best(side, bits);
        uint256 total = _lane(words, side, tick);
        while (tick != was.tick && total < limit) {
            limit -= total;
            bits ^= 1 << tick;
            tick = TickBook.best(side, bits);
            total = _lane(words, side, tick);
        }
        // At the clearing's own marginal tick the fill stays what it was, and the gate accepts less of it.
        uint256 filled = tick == was.tick ? was.filled : total;
        return Marginal(tick, total, filled, limit);
    }
}
