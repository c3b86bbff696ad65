// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BUY, SELL} from "../../../contracts/libraries/OrderCodec.sol";
import {TickBook} from "../../../contracts/libraries/TickBook.sol";
import {FilledBook} from "../FilledBook.sol";

contract TickBookTest is FilledBook {
    using TickBook for TickBook.Book;

    uint256 private constant STEP_MAX = (1 << 23) - 1;

    /// What is done to ten lanes at once, lane by lane.
    function testFuzz_lanesOfAWord_areTheTwins(uint256 word, uint16 kept, uint256 higherBits) external pure {
        (uint256 filled, uint256 energy) = (0, 0);
        uint256 only = TickBook.only(word, (higherBits << 10) | (kept & 0x3ff));
        require(only >> 250 == 0);
        for (uint256 i; i < TickBook.LANES_PER_WORD; ++i) {
            uint256 lane = kept & (1 << i) == 0 ? 0 : (word >> (25 * i)) % (1 << 25);
            require(TickBook.lane(only, 10 * (kept % 25) + i) == lane);
            if (lane != 0) filled |= 1 << i;
            energy += lane;
        }
        require(TickBook.filled(only) == filled && TickBook.energy(only) == energy);
    }

    /// Five steps of the largest quantity do not fit a lane. The order that does not fit leaves nothing behind and takes
    /// nothing away, whether its other steps are in the full lane's word or not.
    function test_fullLane_refusesTheWholeOrder() external {
        for (uint256 i; i < 4; ++i) {
            (bool taken,) = _post(i == 0, _one(BUY, 90, STEP_MAX));
            require(taken);
        }
        uint256 left = TickBook.LANE_MAX - _book.lane(BUY, 90);
        uint32[] memory steps = new uint32[](3);
        steps[0] = _step(BUY, 89, 5);
        steps[1] = _step(BUY, 90, left + 1);
        steps[2] = _step(SELL, 10, 5);
        (bool overflowing,) = _post(false, steps);
        require(!overflowing && _book.lane(BUY, 89) == 0 && _book.lane(SELL, 10) == 0);
        require(_book.lanes(false).occupied[SELL] == 0, "an order that was refused is in the book");
        require(_book.lane(BUY, 90) == TickBook.LANE_MAX - left, "what was in the lane is gone");
        steps[1] = _step(BUY, 90, left);
        (bool fitting,) = _post(false, steps);
        require(fitting && _book.lane(BUY, 90) == TickBook.LANE_MAX);
        require(_book.lane(BUY, 89) == 5 && _book.lane(SELL, 10) == 5);
    }
}
