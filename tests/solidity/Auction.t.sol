// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Auction} from "../../contracts/Auction.sol";
import {MarketConfig, Pricing} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Clearing, Marginal} from "../../contracts/libraries/Clearing.sol";
import {BUY, SELL} from "../../contracts/libraries/OrderCodec.sol";
import {Terms, opening} from "../../contracts/libraries/Terms.sol";
import {TickBook} from "../../contracts/libraries/TickBook.sol";
import {FilledBook} from "./FilledBook.sol";
import {within} from "./Vm.sol";

contract AuctionTest is FilledBook {
    using TickBook for TickBook.Book;

    uint256 private constant BASE = 70;
    uint256 private constant FEE = 20;
    int256 private constant NONE = -1;

    Auction[6] private _auctions;
    Terms private _terms;
    uint256 private _fixedPrice;
    uint256 private _charge;
    uint256 private _size;

    /// What an auction came to: prices in base units, the rest as in the clearing.
    struct Expected {
        uint256 volume;
        uint256 buyPrice;
        uint256 sellPrice;
        Marginal bid;
        Marginal ask;
    }

    /// Markets of every rule, under one random tariff that leaves room for its fee, with ticks of 1, 2 or 7.
    function _open(uint256 seed) private {
        _size = [1, 2, 7][(seed >> 16) % 3];
        _charge = (seed >> 24) % 2 == 0 ? 0 : within(seed >> 32, 1, 40);
        uint256 fees = _charge == 0 ? FEE : 2 * _charge;
        uint256 feedIn = within(seed, 0, BASE + 300 * _size);
        uint256 retail = within(uint256(keccak256(abi.encode(seed))), feedIn + fees, BASE + 300 * _size + fees);
        _terms = opening(retail, feedIn, FEE, 0);
        _fixedPrice = within(seed >> 128, BASE, BASE + 255 * _size);
        for (uint256 rule; rule < 6; ++rule) {
            uint256 price = rule == uint256(Pricing.Fixed) ? _fixedPrice : 0;
            _auctions[rule] = new Auction(
                MarketConfig(
                    900,
                    300,
                    240,
                    300,
                    300,
                    86_400,
                    2,
                    4,
                    uint16(BASE),
                    uint16(_size),
                    4000,
                    50_000,
                    0,
                    0,
                    uint16(_charge),
                    Pricing(rule),
                    uint16(price),
                    256,
                    14 days,
                    3600,
                    1e9
                )
            );
        }
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_clear_isTheTwinsUnderEveryRule(uint256 seed, uint8 orders, uint8 spread) external {
        _fill(seed, within(orders, 1, 40), within(spread, 1, 128));
        _open(seed);
        for (uint256 rule; rule < 6; ++rule) {
            Expected memory expected = _twin(Pricing(rule));
            (Clearing cleared, uint256 volume) = _auctions[rule].clear(_terms, _book.read(_held));
            require(volume == expected.volume, "volume");
            if (volume == 0) {
                require(Clearing.unwrap(cleared) == 0);
                continue;
            }
            require(cleared.buyPrice() == expected.buyPrice && cleared.sellPrice() == expected.sellPrice, "prices");
            require(cleared.atLimits() == (Pricing(rule) == Pricing.PayAsBid));
            require(cleared.buyPrice() >= cleared.sellPrice(), "the community would pay for it");
            _same(cleared.marginal(BUY), expected.bid, expected.bid.filled);
            _same(cleared.marginal(SELL), expected.ask, expected.ask.filled);
            require(_price(expected.bid.tick) >= cleared.buyPrice(), "pays more than its bid");
            require(_price(expected.ask.tick) <= cleared.sellPrice(), "gets less than its ask");
        }
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_cap_isTheSameWalkStoppedEarlier(uint256 seed, uint8 orders, uint256 limit) external {
        _fill(seed, within(orders, 2, 40), 4);
        _open(seed);
        for (uint256 rule; rule < 6; ++rule) {
            (Clearing cleared, uint256 volume) = _auctions[rule].clear(_terms, _book.read(_held));
            if (volume == 0) continue;
            uint256 to = within(limit, 0, volume);
            Clearing capped = _auctions[rule].cap(cleared, to, _book.read(_held));
            if (to == 0) {
                require(Clearing.unwrap(capped) == 0);
                continue;
            }
            require(uint48(Clearing.unwrap(capped)) == uint48(Clearing.unwrap(cleared)), "prices");
            // On the auction's own marginal tick the fill stays what it was; a better tick was filled whole.
            for (uint256 side; side < 2; ++side) {
                Marginal memory was = cleared.marginal(side);
                (Marginal memory now_,) = _taken(side, to);
                uint256 accepted = now_.filled;
                now_.filled = now_.tick == was.tick ? was.filled : now_.total;
                _same(capped.marginal(side), now_, accepted);
            }
        }
    }

    function _same(Marginal memory actual, Marginal memory expected, uint256 accepted) private pure {
        require(actual.tick == expected.tick, "marginal tick");
        require(actual.total == expected.total, "total of the marginal tick");
        require(actual.filled == expected.filled, "filled of the marginal tick");
        require(actual.accepted == accepted, "accepted of the marginal tick");
    }

    /* THE NAIVE TWIN: EVERY RULE ASKS EVERY TICK */

    function _price(uint256 tick) private view returns (uint256) {
        return BASE + _size * tick;
    }

    function _twin(Pricing rule) private view returns (Expected memory e) {
        if (rule > Pricing.McAfee) return _poolTwin(_setPrice(rule));
        e.volume = _crossingVolume();
        if (e.volume == 0) return e;
        int256 nextBid;
        int256 nextAsk;
        (e.bid, nextBid) = _taken(BUY, e.volume);
        (e.ask, nextAsk) = _taken(SELL, e.volume);
        (e.buyPrice, e.sellPrice) = (_price(e.bid.tick), _price(e.ask.tick));
        if (rule == Pricing.Uniform) {
            int256 lower = nextBid > int256(e.ask.tick) ? nextBid : int256(e.ask.tick);
            int256 upper = nextAsk != NONE && nextAsk < int256(e.bid.tick) ? nextAsk : int256(e.bid.tick);
            e.buyPrice = e.sellPrice = _price(uint256((lower + upper) / 2));
        } else if (rule == Pricing.McAfee) {
            if (nextBid != NONE && nextAsk != NONE) {
                uint256 middle = (_price(uint256(nextBid)) + _price(uint256(nextAsk))) / 2;
                if (e.sellPrice <= middle && middle <= e.buyPrice) {
                    e.buyPrice = e.sellPrice = middle;
                    return e;
                }
            }
            --e.volume;
            if (e.volume == 0) return e;
            (e.bid,) = _taken(BUY, e.volume);
            (e.ask,) = _taken(SELL, e.volume);
        }
    }

    function _poolTwin(uint256 price) private view returns (Expected memory e) {
        (uint256 demand, uint256 supply) = (0, 0);
        for (uint256 tick; tick < 256; ++tick) {
            if (_price(tick) >= price) demand += _lanes[BUY][tick];
            if (_price(tick) <= price) supply += _lanes[SELL][tick];
        }
        e.volume = demand < supply ? demand : supply;
        if (e.volume == 0) return e;
        (e.bid,) = _taken(BUY, e.volume);
        (e.ask,) = _taken(SELL, e.volume);
        e.buyPrice = e.sellPrice = price;
    }

    function _setPrice(Pricing rule) private view returns (uint256) {
        if (rule == Pricing.Fixed) return _fixedPrice;
        (uint256 low, uint256 high) = (_terms.feedIn() + _charge, _terms.retail() - (_charge == 0 ? FEE : _charge));
        if (rule == Pricing.MidMarketRate) return (low + high) / 2;
        (uint256 demand, uint256 supply) = (0, 0);
        for (uint256 tick; tick < 256; ++tick) {
            demand += _lanes[BUY][tick];
            supply += _lanes[SELL][tick];
        }
        if (supply >= demand || low == 0) return low;
        return high * low * demand / ((high - low) * supply + low * demand);
    }

    /// The largest volume at which some tick's price suits both sides.
    function _crossingVolume() private view returns (uint256 volume) {
        for (uint256 tick; tick < 256; ++tick) {
            uint256 demand;
            uint256 supply;
            for (uint256 t = tick; t < 256; ++t) {
                demand += _lanes[BUY][t];
            }
            for (uint256 t; t <= tick; ++t) {
                supply += _lanes[SELL][t];
            }
            uint256 matched = demand < supply ? demand : supply;
            if (matched > volume) volume = matched;
        }
    }

    /// The last lane of the best `volume` Wh of a side, and the best tick at which something is left.
    function _taken(uint256 side, uint256 volume) private view returns (Marginal memory last, int256 next) {
        next = NONE;
        for (uint256 i; i < 256; ++i) {
            uint256 tick = side == BUY ? 255 - i : i;
            uint256 lane = _lanes[side][tick];
            uint256 filled = lane < volume ? lane : volume;
            volume -= filled;
            if (filled != 0) last = Marginal(tick, lane, filled, filled);
            if (filled < lane && next == NONE) next = int256(tick);
        }
    }
}
