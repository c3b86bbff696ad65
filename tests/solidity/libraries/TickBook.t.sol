// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BUY, SELL} from "../../../contracts/libraries/OrderCodec.sol";
import {TickBook} from "../../../contracts/libraries/TickBook.sol";
import {FilledBook} from "../FilledBook.sol";

contract TickBookTest is FilledBook {
    uint256 private constant STEP_MAX = (1 << 23) - 1;

    /// What is done to ten lanes at once, lane by lane.
    function testFuzz_lanesOfAWord_areTheTwins(uint256 word, uint8 number, uint8 at) external pure {
        word >>= 6;
        uint256 first = 10 * (number % 25);
        uint256 tick = first + at % 10;
        (uint256 energy, uint256 lower, uint256 higher) = (0, 0, 0);
        for (uint256 i; i < TickBook.LANES_PER_WORD; ++i) {
            uint256 lane = (word >> (25 * i)) % (1 << 25);
            require(TickBook.lane(word, first + i) == lane);
            energy += lane;
            if (first + i < tick) lower |= lane << (25 * i);
            if (first + i > tick) higher |= lane << (25 * i);
        }
        require(TickBook.energy(word) == energy);
        require(TickBook.worseThan(BUY, word, tick) == lower && TickBook.worseThan(SELL, word, tick) == higher);
    }

    /// Five steps of the largest quantity do not fit a lane. The order that does not fit leaves nothing behind and takes
    /// nothing away, whether its other steps are in the full lane's word or not.
    function test_fullLane_refusesTheWholeOrder() external {
        for (uint256 i; i < 4; ++i) {
            (bool taken,) = _post(_one(BUY, 90, STEP_MAX));
            require(taken);
        }
        uint256 left = TickBook.LANE_MAX - _queued(BUY, 90);
        uint32[] memory steps = new uint32[](3);
        steps[0] = _step(BUY, 89, 5);
        steps[1] = _step(BUY, 90, left + 1);
        steps[2] = _step(SELL, 10, 5);
        (bool overflowing,) = _post(steps);
        require(!overflowing && _queued(BUY, 89) == 0 && _queued(SELL, 10) == 0);
        require(_held >> TickBook.WORDS_PER_SIDE == 0, "an order that was refused is in the book");
        require(_queued(BUY, 90) == TickBook.LANE_MAX - left, "what was in the lane is gone");
        steps[1] = _step(BUY, 90, left);
        (bool fitting,) = _post(steps);
        require(fitting && _queued(BUY, 90) == TickBook.LANE_MAX);
        require(_queued(BUY, 89) == 5 && _queued(SELL, 10) == 5);
    }
}
