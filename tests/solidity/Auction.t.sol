// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Auction} from "../../contracts/Auction.sol";
import {Lanes} from "../../contracts/interfaces/IAuction.sol";
import {Clearing, Marginal} from "../../contracts/libraries/Clearing.sol";
import {BUY, SELL} from "../../contracts/libraries/OrderCodec.sol";
import {TickBook} from "../../contracts/libraries/TickBook.sol";
import {FilledBook} from "./FilledBook.sol";
import {within} from "./Vm.sol";

contract AuctionTest is FilledBook {
    using TickBook for TickBook.Book;

    Auction private immutable _auction = new Auction();

    /// The book with all its words, as anybody may read it from the market's storage.
    function _whole() private view returns (Lanes memory) {
        return Lanes(_book.occupied, _book.words);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_clear_isTheTwins(uint256 seed, uint8 orders, uint8 spread) external {
        _fill(seed, within(orders, 1, 40), within(spread, 1, 128));
        (uint256 volume, uint256 price, Marginal memory bid, Marginal memory ask) = _clearTwin(type(uint256).max);
        Clearing cleared = _auction.clear(_book.crossing());
        require(
            Clearing.unwrap(cleared) == Clearing.unwrap(_auction.clear(_whole())), "words beyond the crossing count"
        );
        require(cleared.volume() == volume, "volume");
        if (volume == 0) {
            require(Clearing.unwrap(cleared) == 0);
            return;
        }
        require(cleared.priceTick() == price, "price");
        _same(cleared.marginal(BUY), bid, bid.filled);
        _same(cleared.marginal(SELL), ask, ask.filled);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_cap_isTheSameWalkStoppedEarlier(uint256 seed, uint8 orders, uint256 limit) external {
        _fill(seed, within(orders, 2, 40), 4);
        Clearing cleared = _auction.clear(_book.crossing());
        if (cleared.volume() == 0) return;
        limit = within(limit, 0, cleared.volume());
        Clearing capped = _auction.cap(cleared, limit, _book.crossing());
        if (limit == 0) {
            require(Clearing.unwrap(capped) == 0);
            return;
        }
        (uint256 volume,, Marginal memory bid, Marginal memory ask) = _clearTwin(limit);
        require(volume == limit && capped.volume() == cleared.volume() && capped.priceTick() == cleared.priceTick());
        // On the auction's own marginal tick the fill stays what it was; a better tick was filled whole.
        for (uint256 side; side < 2; ++side) {
            Marginal memory was = cleared.marginal(side);
            Marginal memory now_ = side == BUY ? bid : ask;
            uint256 accepted = now_.filled;
            now_.filled = now_.tick == was.tick ? was.filled : now_.total;
            _same(capped.marginal(side), now_, accepted);
        }
    }

    function _same(Marginal memory actual, Marginal memory expected, uint256 accepted) private pure {
        require(actual.tick == expected.tick, "marginal tick");
        require(actual.total == expected.total, "total of the marginal tick");
        require(actual.filled == expected.filled, "filled of the marginal tick");
        require(actual.accepted == accepted, "accepted of the marginal tick");
    }

    /// The largest volume at which some price satisfies both sides; then the best lanes of that much.
    function _clearTwin(uint256 limit)
        private
        view
        returns (uint256 volume, uint256 price, Marginal memory bid, Marginal memory ask)
    {
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
        if (volume > limit) volume = limit;
        if (volume == 0) return (0, 0, bid, ask);
        int256 bestUnfilledBid = -1;
        int256 bestUnfilledAsk = 256;
        uint256 left = volume;
        for (uint256 i; i < 256; ++i) {
            uint256 tick = 255 - i;
            uint256 lane = _lanes[BUY][tick];
            uint256 filled = lane < left ? lane : left;
            left -= filled;
            if (filled != 0) bid = Marginal(tick, lane, filled, filled);
            if (filled < lane && bestUnfilledBid < 0) bestUnfilledBid = int256(tick);
        }
        left = volume;
        for (uint256 tick; tick < 256; ++tick) {
            uint256 lane = _lanes[SELL][tick];
            uint256 filled = lane < left ? lane : left;
            left -= filled;
            if (filled != 0) ask = Marginal(tick, lane, filled, filled);
            if (filled < lane && bestUnfilledAsk > 255) bestUnfilledAsk = int256(tick);
        }
        int256 lower = bestUnfilledBid > int256(ask.tick) ? bestUnfilledBid : int256(ask.tick);
        int256 upper = bestUnfilledAsk < int256(bid.tick) ? bestUnfilledAsk : int256(bid.tick);
        price = uint256((lower + upper) / 2);
    }
}
