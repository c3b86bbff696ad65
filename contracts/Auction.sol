// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAuction, Lanes} from "./interfaces/IAuction.sol";
import {MarketConfig, Pricing} from "./interfaces/IParticipantRegistry.sol";
import {Clearing, Marginal, pack} from "./libraries/Clearing.sol";
import {BUY, OrderCodec, SELL, Steps} from "./libraries/OrderCodec.sol";
import {Terms} from "./libraries/Terms.sol";
import {TickBook} from "./libraries/TickBook.sol";

/// @title Auction: matches bids and asks, under the market's pricing rule
contract Auction is IAuction {
    uint256 private constant TICK_MAX = 255;
    // Where the bids' walk keeps the current lane: in the highest bits.
    uint256 private constant TOP = 256 - TickBook.LANE_BITS;
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

    Pricing private immutable PRICING;
    uint256 private immutable FIXED_PRICE;
    uint256 private immutable BASE_PRICE;
    uint256 private immutable TICK_SIZE;

    constructor(MarketConfig memory c) {
        PRICING = c.pricing;
        FIXED_PRICE = c.fixedPrice;
        BASE_PRICE = c.basePrice;
        TICK_SIZE = c.tickSize;
    }

    /// @inheritdoc IAuction
    function clear(Terms terms, Lanes calldata lanes) external view returns (Clearing, uint256) {
        if (PRICING == Pricing.MidMarketRate) return _pool((terms.retail() + terms.feedIn()) / 2, lanes);
        if (PRICING == Pricing.SupplyDemandRatio) return _pool(_ratioPrice(terms, lanes), lanes);
        if (PRICING == Pricing.Fixed) return _pool(FIXED_PRICE, lanes);

        Crossing memory c = _match(lanes.occupied[BUY], lanes.occupied[SELL], lanes.words);
        if (c.volume == 0) return (Clearing.wrap(0), 0);
        if (PRICING == Pricing.McAfee) return _withoutItsLast(c, lanes);
        (Marginal memory bid, Marginal memory ask) = (_marginal(c.bid, c.bidLeft), _marginal(c.ask, c.askLeft));
        if (PRICING == Pricing.PayAsBid) return (pack(_price(bid.tick), _price(ask.tick), true, bid, ask), c.volume);
        // Any price between these two leaves nobody better off with another quantity; the midpoint favours no side.
        uint256 lower = c.nextBid == NO_BID ? ask.tick : Math.max(ask.tick, c.nextBid);
        uint256 upper = Math.min(bid.tick, c.nextAsk);
        uint256 price = _price((lower + upper) / 2);
        return (pack(price, price, false, bid, ask), c.volume);
    }

    /// @inheritdoc IAuction
    function cap(Clearing cleared, uint256 limit, Lanes calldata lanes) external pure returns (Clearing) {
        if (limit == 0) return Clearing.wrap(0);
        return cleared.withMarginals(
            _capSide(BUY, cleared.marginal(BUY), limit, lanes), _capSide(SELL, cleared.marginal(SELL), limit, lanes)
        );
    }

    /// @inheritdoc IAuction
    function limitPayment(Clearing cleared, bytes calldata record, uint256 sell, uint256 buy)
        external
        view
        returns (int256 booked)
    {
        (uint256 at,) = OrderCodec.bounds(record);
        (, uint256 count) = OrderCodec.header(OrderCodec.load(at));
        unchecked {
            // Asks from the first step on, until what was sold is told.
            for (uint256 i; i < count && sell != 0; ++i) {
                Steps posted = OrderCodec.steps(at, i);
                if (posted.side() == BUY) continue;
                uint256 taken = Math.min(cleared.stands(posted), sell);
                booked += int256(taken * _price(posted.tick()));
                sell -= taken;
            }
            // Bids from the last step back, until what was bought is.
            for (uint256 i = count; i != 0 && buy != 0; --i) {
                Steps posted = OrderCodec.steps(at, i - 1);
                if (posted.side() != BUY) continue;
                uint256 taken = Math.min(cleared.stands(posted), buy);
                booked -= int256(taken * _price(posted.tick()));
                buy -= taken;
            }
        }
    }

    /* RULES */

    /// @dev McAfee's trade reduction, each Wh one of the paper's units (J. Econ. Theory 56, 1992).
    function _withoutItsLast(Crossing memory c, Lanes calldata lanes) private view returns (Clearing, uint256) {
        (Marginal memory bid, Marginal memory ask) = (_marginal(c.bid, c.bidLeft), _marginal(c.ask, c.askLeft));
        (uint256 highest, uint256 lowest) = (_price(bid.tick), _price(ask.tick));
        if (c.nextBid != NO_BID && c.nextAsk != NO_ASK) {
            uint256 price = (_price(c.nextBid) + _price(c.nextAsk)) / 2;
            if (lowest <= price && price <= highest) return (pack(price, price, false, bid, ask), c.volume);
        }
        uint256 volume = c.volume - 1;
        if (volume == 0) return (Clearing.wrap(0), 0);
        bid = _reach(BUY, lanes.occupied[BUY], volume, lanes.words);
        ask = _reach(SELL, lanes.occupied[SELL], volume, lanes.words);
        return (pack(highest, lowest, false, bid, ask), volume);
    }

    /// @dev Everybody who is content with the price trades, best limits first, until one side is exhausted.
    function _pool(uint256 price, Lanes calldata lanes) private view returns (Clearing, uint256) {
        if (price < BASE_PRICE) return (Clearing.wrap(0), 0);
        uint256 highestAsk = Math.min((price - BASE_PRICE) / TICK_SIZE, TICK_MAX);
        uint256 lowestBid = Math.ceilDiv(price - BASE_PRICE, TICK_SIZE);
        uint256 bids = (lanes.occupied[BUY] >> lowestBid) << lowestBid;
        uint256 asks = lanes.occupied[SELL] & (type(uint256).max >> (TICK_MAX - highestAsk));
        uint256 volume =
            Math.min(_energy(BUY, bids, lowestBid, lanes.words), _energy(SELL, asks, highestAsk, lanes.words));
        if (volume == 0) return (Clearing.wrap(0), 0);
        Marginal memory bid = _reach(BUY, bids, volume, lanes.words);
        Marginal memory ask = _reach(SELL, asks, volume, lanes.words);
        return (pack(price, price, false, bid, ask), volume);
    }

    /// @dev Liu et al., IEEE Trans. Power Systems 32 (2017), eqs. 8-9, with one division.
    function _ratioPrice(Terms terms, Lanes calldata lanes) private pure returns (uint256) {
        uint256 demand = _energy(BUY, lanes.occupied[BUY], 0, lanes.words);
        uint256 supply = _energy(SELL, lanes.occupied[SELL], TICK_MAX, lanes.words);
        (uint256 retail, uint256 feedIn) = (terms.retail(), terms.feedIn());
        if (supply >= demand || feedIn == 0) return feedIn;
        return retail * feedIn * demand / ((retail - feedIn) * supply + feedIn * demand);
    }

    function _price(uint256 tick) private view returns (uint256) {
        return BASE_PRICE + tick * TICK_SIZE;
    }

    /* WALKS */

    /// @dev Matches the best bids and asks for as long as the bid is worth the ask. What is left of a word is kept with
    /// the current lane at its outer end: bids leave it upwards, asks downwards.
    function _match(uint256 bids, uint256 asks, uint256[52] calldata words) private pure returns (Crossing memory) {
        (uint256 bidTick, uint256 bidLeft, uint256 bidLanes, uint256 lastBid) = (0, 0, 0, 0);
        (uint256 askTick, uint256 askLeft, uint256 askLanes, uint256 lastAsk) = (0, 0, 0, 0);
        uint256 volume;
        unchecked {
            while (true) {
                if (bidLeft == 0) {
                    lastBid = (bidLanes >> TOP << 8) | bidTick;
                    bidLanes <<= TickBook.LANE_BITS;
                    if (bidLanes != 0) {
                        for (--bidTick; bidLanes >> TOP == 0; --bidTick) bidLanes <<= TickBook.LANE_BITS;
                    } else if (bids == 0) {
                        bidTick = NO_BID;
                    } else {
                        bidTick = TickBook.best(BUY, bids);
                        bids &= TickBook.beyond(BUY, bidTick);
                        (uint256 word, uint256 shift) = _word(words, BUY, bidTick);
                        bidLanes = word << (TOP - shift);
                    }
                    bidLeft = bidLanes >> TOP;
                }
                if (askLeft == 0) {
                    lastAsk = ((askLanes & TickBook.LANE_MAX) << 8) | askTick;
                    askLanes >>= TickBook.LANE_BITS;
                    if (askLanes != 0) {
                        for (++askTick; askLanes & TickBook.LANE_MAX == 0; ++askTick) askLanes >>= TickBook.LANE_BITS;
                    } else if (asks == 0) {
                        askTick = NO_ASK;
                    } else {
                        askTick = TickBook.best(SELL, asks);
                        asks &= TickBook.beyond(SELL, askTick);
                        (uint256 word, uint256 shift) = _word(words, SELL, askTick);
                        askLanes = word >> shift;
                    }
                    askLeft = askLanes & TickBook.LANE_MAX;
                }
                if (bidTick + 1 < askTick + 1) break;
                if (bidLeft < askLeft) {
                    volume += bidLeft;
                    askLeft -= bidLeft;
                    bidLeft = 0;
                } else {
                    volume += askLeft;
                    bidLeft -= askLeft;
                    askLeft = 0;
                }
            }
        }
        // Where nothing is taken of the current lane, the last that traded is the one before, and nothing is left of it.
        (uint256 bid, uint256 ask) = (bidLanes >> TOP, askLanes & TickBook.LANE_MAX);
        bool midBid = bidLeft < bid;
        bool midAsk = askLeft < ask;
        return Crossing(
            volume,
            midBid ? (bid << 8) | bidTick : lastBid,
            midAsk ? (ask << 8) | askTick : lastAsk,
            midBid ? bidLeft : 0,
            midAsk ? askLeft : 0,
            bidTick,
            askTick
        );
    }

    function _marginal(uint256 last, uint256 left) private pure returns (Marginal memory) {
        uint256 filled = (last >> 8) - left;
        return Marginal(uint8(last), last >> 8, filled, filled);
    }

    /// @dev Takes `volume` from the best of a side's ticks `bits`, which hold that much.
    function _reach(uint256 side, uint256 bits, uint256 volume, uint256[52] calldata words)
        private
        pure
        returns (Marginal memory)
    {
        uint256 tick;
        uint256 word;
        uint256 total;
        unchecked {
            for (uint256 energy; true; volume -= energy) {
                tick = TickBook.best(side, bits);
                (word,) = _word(words, side, tick);
                energy = TickBook.energy(word);
                if (energy >= volume) break;
                bits &= TickBook.beyond(side, tick);
            }
            for (;; volume -= total) {
                tick = TickBook.best(side, bits);
                total = TickBook.lane(word, tick);
                if (total >= volume) break;
                bits ^= 1 << tick;
            }
        }
        return Marginal(tick, total, volume, volume);
    }

    /// @dev Wh queued at a side's ticks `bits`: all that are occupied and no worse than `worst`.
    function _energy(uint256 side, uint256 bits, uint256 worst, uint256[52] calldata words)
        private
        pure
        returns (uint256 energy)
    {
        while (bits != 0) {
            uint256 tick = TickBook.best(side, bits);
            (uint256 word,) = _word(words, side, tick);
            if (tick / TickBook.LANES_PER_WORD == worst / TickBook.LANES_PER_WORD) {
                word = TickBook.noWorse(side, word, worst);
            }
            energy += TickBook.energy(word);
            bits &= TickBook.beyond(side, tick);
        }
    }

    /// @dev The walk ends at the clearing's marginal tick at the latest: that one holds what the better ones do not.
    function _capSide(uint256 side, Marginal memory was, uint256 limit, Lanes calldata lanes)
        private
        pure
        returns (Marginal memory reached)
    {
        reached = _reach(side, lanes.occupied[side], limit, lanes.words);
        // At the clearing's own marginal tick the fill stays what it was, and the gate accepts less of it.
        reached.filled = reached.tick == was.tick ? was.filled : reached.total;
    }

    /// @dev The word of a lane, and how far the lane is shifted in it.
    function _word(uint256[52] calldata words, uint256 side, uint256 tick)
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
}
