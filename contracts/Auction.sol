// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {LibBit} from "solady/src/utils/LibBit.sol";
import {IAuction} from "./interfaces/IAuction.sol";
import {MarketConfig, Pricing} from "./interfaces/IParticipantRegistry.sol";
import {Clearing, Marginal, pack} from "./libraries/Clearing.sol";
import {BUY, OrderCodec, SELL, Steps} from "./libraries/OrderCodec.sol";
import {Terms} from "./libraries/Terms.sol";
import {TickBook} from "./libraries/TickBook.sol";

/// @title Auction: matches bids and asks, under the market's pricing rule
contract Auction is IAuction {
    uint256 private constant TICK_MAX = 255;
    uint256 private constant LAST_WORD = TickBook.WORDS_PER_SIDE - 1;
    // Where a side has nothing left: one tick worse than its worst.
    uint256 private constant NO_BID = type(uint256).max;
    uint256 private constant NO_ASK = 256;

    Pricing private immutable PRICING;
    uint256 private immutable FIXED_PRICE;
    uint256 private immutable BASE_PRICE;
    uint256 private immutable TICK_SIZE;
    uint256 private immutable MAX_NETWORK_FEE;

    constructor(MarketConfig memory c) {
        PRICING = c.pricing;
        FIXED_PRICE = c.fixedPrice;
        BASE_PRICE = c.basePrice;
        TICK_SIZE = c.tickSize;
        MAX_NETWORK_FEE = c.maxNetworkFee;
    }

    /// @inheritdoc IAuction
    function clear(Terms terms, uint256[52] calldata words) external view returns (Clearing, uint256) {
        if (PRICING == Pricing.MidMarketRate) {
            (uint256 low, uint256 high) = _breakEven(terms);
            return _pool((low + high) / 2, words);
        }
        if (PRICING == Pricing.SupplyDemandRatio) return _pool(_ratioPrice(terms, words), words);
        if (PRICING == Pricing.Fixed) return _pool(FIXED_PRICE, words);

        uint256 volume = _crossing(words);
        if (volume == 0) return (Clearing.wrap(0), 0);
        (Marginal memory bid, Marginal memory ask) = (_marginalAt(BUY, volume, words), _marginalAt(SELL, volume, words));
        if (PRICING == Pricing.PayAsBid) return (pack(_price(bid.tick), _price(ask.tick), true, bid, ask), volume);
        (uint256 nextBid, uint256 nextAsk) = (_bestLeft(BUY, bid, words), _bestLeft(SELL, ask, words));
        if (PRICING == Pricing.McAfee) return _withoutTheLast(volume, bid, ask, nextBid, nextAsk, words);
        // Any price between these two leaves nobody better off with another quantity; the midpoint favours no side.
        uint256 lower = nextBid == NO_BID ? ask.tick : Math.max(ask.tick, nextBid);
        uint256 upper = Math.min(bid.tick, nextAsk);
        uint256 price = _price((lower + upper) / 2);
        return (pack(price, price, false, bid, ask), volume);
    }

    /// @inheritdoc IAuction
    function cap(Clearing cleared, uint256 limit, uint256[52] calldata words) external pure returns (Clearing) {
        if (limit == 0) return Clearing.wrap(0);
        return cleared.withMarginals(
            _capSide(BUY, cleared.marginal(BUY), limit, words), _capSide(SELL, cleared.marginal(SELL), limit, words)
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
        // i <= 8, taken < 2^23 and price < 2^16, so |booked| < 8 * 2^39; taken <= sell and taken <= buy.
        unchecked {
            // Asks from the first step on, until what was sold is told.
            for (uint256 i; i < count && sell != 0; ++i) {
                Steps posted = OrderCodec.steps(at, i);
                if (posted.side() == BUY) continue;
                uint256 taken = Math.min(cleared.acceptedQuantity(posted), sell);
                booked += int256(taken * _price(posted.tick()));
                sell -= taken;
            }
            // Bids from the last step back, until what was bought is.
            for (uint256 i = count; i != 0 && buy != 0; --i) {
                Steps posted = OrderCodec.steps(at, i - 1);
                if (posted.side() != BUY) continue;
                uint256 taken = Math.min(cleared.acceptedQuantity(posted), buy);
                booked -= int256(taken * _price(posted.tick()));
                buy -= taken;
            }
        }
    }

    /* RULES */

    /// @dev McAfee's trade reduction, each Wh one of the paper's units (J. Econ. Theory 56, 1992).
    function _withoutTheLast(
        uint256 volume,
        Marginal memory bid,
        Marginal memory ask,
        uint256 nextBid,
        uint256 nextAsk,
        uint256[52] calldata words
    ) private view returns (Clearing, uint256) {
        (uint256 highest, uint256 lowest) = (_price(bid.tick), _price(ask.tick));
        if (nextBid != NO_BID && nextAsk != NO_ASK) {
            uint256 price = (_price(nextBid) + _price(nextAsk)) / 2;
            if (lowest <= price && price <= highest) return (pack(price, price, false, bid, ask), volume);
        }
        --volume;
        if (volume == 0) return (Clearing.wrap(0), 0);
        (bid, ask) = (_marginalAt(BUY, volume, words), _marginalAt(SELL, volume, words));
        return (pack(highest, lowest, false, bid, ask), volume);
    }

    /// @dev Everybody who is content with the price trades, best limits first, until one side is exhausted.
    function _pool(uint256 price, uint256[52] calldata words) private view returns (Clearing, uint256) {
        if (price < BASE_PRICE) return (Clearing.wrap(0), 0);
        uint256 highestAsk = Math.min((price - BASE_PRICE) / TICK_SIZE, TICK_MAX);
        uint256 lowestBid = Math.ceilDiv(price - BASE_PRICE, TICK_SIZE);
        if (lowestBid > TICK_MAX) return (Clearing.wrap(0), 0);
        uint256 volume = Math.min(_energy(BUY, lowestBid, words), _energy(SELL, highestAsk, words));
        if (volume == 0) return (Clearing.wrap(0), 0);
        return (pack(price, price, false, _marginalAt(BUY, volume, words), _marginalAt(SELL, volume, words)), volume);
    }

    /// @dev After Liu et al., IEEE Trans. Power Systems 32 (2017), eqs. 8-9, on what was posted, between the two prices at
    /// which nobody gains by trading, with one division.
    function _ratioPrice(Terms terms, uint256[52] calldata words) private view returns (uint256) {
        (uint256 demand, uint256 supply) = (_energy(BUY, 0, words), _energy(SELL, TICK_MAX, words));
        (uint256 low, uint256 high) = _breakEven(terms);
        if (supply >= demand || low == 0) return low;
        return high * low * demand / ((high - low) * supply + low * demand);
    }

    /// @dev The price below which a seller is better off without a market, and the one above which a buyer is, with the
    /// network fee that either may pay. The registry takes no tariff under which the first is above the second.
    function _breakEven(Terms terms) private view returns (uint256 low, uint256 high) {
        low = terms.feedIn() + MAX_NETWORK_FEE;
        high = terms.retail() - (MAX_NETWORK_FEE == 0 ? terms.networkFee() : MAX_NETWORK_FEE);
    }

    function _price(uint256 tick) private view returns (uint256) {
        return BASE_PRICE + tick * TICK_SIZE;
    }

    /* WALKS */

    /// @dev The most that can be matched: what is bid at a tick's price or above, or asked at it or below, whichever is
    /// less, at the first tick where asks suffice for all higher bids. Whole words are added up until both sides have come
    /// to the same one, which holds such a tick: where both sums are equal maybe a later one, with the same volume.
    function _crossing(uint256[52] calldata words) private pure returns (uint256) {
        // A side holds less than 256 * 2^25 = 2^33 Wh. 0 <= ask <= bid <= 25; what is subtracted was added before.
        unchecked {
            (uint256 bid, uint256 ask) = (LAST_WORD, 0);
            (uint256 bids, uint256 asks) = (_word(words, BUY, bid), _word(words, SELL, ask));
            (uint256 demand, uint256 supply) = (TickBook.energy(bids), TickBook.energy(asks));
            while (ask < bid) {
                if (demand < supply) {
                    bids = _word(words, BUY, --bid);
                    demand += TickBook.energy(bids);
                } else {
                    asks = _word(words, SELL, ++ask);
                    supply += TickBook.energy(asks);
                }
            }
            supply = supply - TickBook.energy(asks) + (asks & TickBook.LANE_MAX);
            uint256 higher = demand - (bids & TickBook.LANE_MAX);
            while (supply < higher) {
                (bids, asks) = (bids >> TickBook.LANE_BITS, asks >> TickBook.LANE_BITS);
                demand = higher;
                supply += asks & TickBook.LANE_MAX;
                higher -= bids & TickBook.LANE_MAX;
            }
            return Math.min(demand, supply);
        }
    }

    /// @dev Takes `volume` from the best of a side, which holds that much.
    function _marginalAt(uint256 side, uint256 volume, uint256[52] calldata words)
        private
        pure
        returns (Marginal memory last)
    {
        // Each subtraction leaves volume > 0. The side holds `volume`, so the walk ends at one of its words: index <= 25.
        // Adding `worse` for -1 wraps around, as it is meant to.
        unchecked {
            (uint256 index, uint256 worse) = _walk(side);
            uint256 word = _word(words, side, index);
            for (uint256 energy = TickBook.energy(word); energy < volume; energy = TickBook.energy(word)) {
                volume -= energy;
                index += worse;
                word = _word(words, side, index);
            }
            uint256 tick = index * TickBook.LANES_PER_WORD;
            if (side == BUY) tick += TickBook.LANES_PER_WORD - 1;
            uint256 total = TickBook.lane(word, tick);
            for (; total < volume; total = TickBook.lane(word, tick)) {
                volume -= total;
                tick += worse;
            }
            (last.tick, last.total, last.filled, last.accepted) = (tick, total, volume, volume);
        }
    }

    /// @dev The best tick of a side at which something is left when all is taken up to its marginal tick.
    function _bestLeft(uint256 side, Marginal memory last, uint256[52] calldata words) private pure returns (uint256) {
        if (last.filled < last.total) return last.tick;
        // tick <= 255, so index <= 25. One word below 0, index is 2^256 - 1 and above `LAST_WORD`.
        unchecked {
            (, uint256 worse) = _walk(side);
            uint256 index = last.tick / TickBook.LANES_PER_WORD;
            uint256 word = TickBook.worseThan(side, _word(words, side, index), last.tick);
            while (word == 0) {
                index += worse;
                if (index > LAST_WORD) return side == BUY ? NO_BID : NO_ASK;
                word = _word(words, side, index);
            }
            uint256 bit = side == BUY ? LibBit.fls(word) : LibBit.ffs(word);
            return index * TickBook.LANES_PER_WORD + bit / TickBook.LANE_BITS;
        }
    }

    /// @dev Wh queued at a side's ticks that are no worse than `worst`.
    function _energy(uint256 side, uint256 worst, uint256[52] calldata words) private pure returns (uint256 energy) {
        // 0 <= last <= 25 lies ahead of the walk's first word, so it is reached; energy < 256 * 2^25 = 2^33.
        unchecked {
            (uint256 index, uint256 worse) = _walk(side);
            uint256 last = worst / TickBook.LANES_PER_WORD;
            for (; index != last; index += worse) {
                energy += TickBook.energy(_word(words, side, index));
            }
            uint256 word = _word(words, side, last);
            energy += TickBook.energy(word ^ TickBook.worseThan(side, word, worst));
        }
    }

    /// @dev The walk ends at the clearing's marginal tick at the latest: that one holds what the better ones do not.
    function _capSide(uint256 side, Marginal memory was, uint256 limit, uint256[52] calldata words)
        private
        pure
        returns (Marginal memory reached)
    {
        reached = _marginalAt(side, limit, words);
        // At the clearing's own marginal tick the fill stays what it was, and the gate accepts less of it.
        reached.filled = reached.tick == was.tick ? was.filled : reached.total;
    }

    /// @dev The word of a side's best ticks, and what is added to a tick's or a word's number to come to the next worse.
    function _walk(uint256 side) private pure returns (uint256 best, uint256 worse) {
        return side == BUY ? (LAST_WORD, type(uint256).max) : (0, 1);
    }

    /// @dev A side's word, without the check of an index that is below 26.
    function _word(uint256[52] calldata words, uint256 side, uint256 index) private pure returns (uint256 word) {
        // index + 26 * side < 52: one of the array's 52 words. Memory is not touched.
        assembly ("memory-safe") {
            word := calldataload(add(words, shl(5, add(index, mul(side, 26)))))
        }
    }
}
