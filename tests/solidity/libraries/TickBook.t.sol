// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clearing, Marginal} from "../../../contracts/libraries/Clearing.sol";
import {BUY, Ladder, OrderCodec, SELL} from "../../../contracts/libraries/OrderCodec.sol";
import {TickBook} from "../../../contracts/libraries/TickBook.sol";
import {within} from "../Vm.sol";

contract TickBookTest {
    using TickBook for TickBook.Book;

    uint256 private constant INTERVAL = 7;
    uint256 private constant STEP_MAX = (1 << 23) - 1;

    TickBook.Book private _book;

    /// The naive twin: a lane is a number, and the auction asks every tick.
    uint256[256][2] private _lanes;

    function _post(uint256 interval, bool fresh, uint32[] memory steps) private returns (bool taken, bytes memory records) {
        TickBook.Draft memory draft = _book.open(interval, fresh);
        records = new bytes(8 * steps.length + 32);
        uint256 ladder;
        for (uint256 i; i < steps.length; ++i) {
            ladder |= uint256(steps[i]) << (224 - 32 * i);
        }
        taken = _book.post(draft, Ladder.wrap(ladder), records, 0);
        _book.save(draft);
        OrderCodec.truncate(records, 8 * steps.length);
    }

    function _step(uint256 side, uint256 tick, uint256 quantity) private pure returns (uint32) {
        return uint32((side << 31) | (tick << 23) | quantity);
    }

    function _one(uint256 side, uint256 tick, uint256 quantity) private pure returns (uint32[] memory steps) {
        steps = new uint32[](1);
        steps[0] = _step(side, tick, quantity);
    }

    /// An older interval's book lies in the same storage: nothing of it may be seen.
    function _fill(uint256 seed, uint256 orders, uint256 spread) private {
        for (uint256 i; i < 5; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, "old", i)));
            _post(INTERVAL - 1, i == 0, _one(draw & 1, uint8(draw >> 8), 1 + uint16(draw >> 16)));
        }
        for (uint256 i; i < orders; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            (uint256 side, uint256 tick) = (draw & 1, within(draw >> 8, 128 - spread, 127 + spread));
            uint256 quantity = 1 + uint16(draw >> 16) % 500;
            (bool taken, bytes memory records) = _post(INTERVAL, i == 0, _one(side, tick, quantity));
            uint64 expected = uint64((uint256(_step(side, tick, quantity)) << 32) | _lanes[side][tick]);
            require(taken && keccak256(records) == keccak256(abi.encodePacked(expected)), "the posted step");
            _lanes[side][tick] += quantity;
        }
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_clear_isTheTwins(uint256 seed, uint8 orders, uint8 spread) external {
        _fill(seed, orders % 40, within(spread, 1, 128));
        (uint256 volume, uint256 price, Marginal memory bid, Marginal memory ask) = _clearTwin(type(uint256).max);
        Clearing cleared = _book.clear(INTERVAL);
        if (orders % 40 == 0) return;
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
        Clearing cleared = _book.clear(INTERVAL);
        if (cleared.volume() == 0) return;
        limit = within(limit, 0, cleared.volume());
        Clearing capped = _book.cap(INTERVAL, cleared, limit);
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

    /// 513 steps of the largest quantity do not fit a lane. The order that does not fit leaves nothing behind.
    function test_fullLane_refusesTheWholeOrder() external {
        for (uint256 i; i < 512; ++i) {
            (bool taken,) = _post(INTERVAL, i == 0, _one(BUY, 90, STEP_MAX));
            require(taken);
        }
        uint256 left = type(uint32).max - _book.lane(INTERVAL, BUY, 90);
        uint32[] memory steps = new uint32[](3);
        steps[0] = _step(BUY, 89, 5);
        steps[1] = _step(BUY, 90, left + 1);
        steps[2] = _step(SELL, 10, 5);
        (bool overflowing,) = _post(INTERVAL, false, steps);
        require(!overflowing && _book.lane(INTERVAL, BUY, 89) == 0 && _book.lane(INTERVAL, SELL, 10) == 0);
        require(_book.clear(INTERVAL).volume() == 0, "an order that was refused is in the auction");
        steps[1] = _step(BUY, 90, left);
        (bool fitting,) = _post(INTERVAL, false, steps);
        require(fitting && _book.lane(INTERVAL, BUY, 90) == type(uint32).max);
        require(_book.clear(INTERVAL).volume() == 5);
    }
}
