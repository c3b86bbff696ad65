// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BUY, SELL} from "../../../contracts/libraries/OrderCodec.sol";
import {TickBook} from "../../../contracts/libraries/TickBook.sol";
import {FilledBook} from "../FilledBook.sol";

contract TickBookTest is FilledBook {
    using TickBook for TickBook.Book;

    uint256 private constant STEP_MAX = (1 << 23) - 1;

    function testFuzz_filled_isTheTwins(uint256 word, uint8 emptied) external pure {
        uint256 expected;
        for (uint256 i; i < TickBook.LANES_PER_WORD; ++i) {
            if (emptied & (1 << i) != 0) word &= ~(uint256(type(uint32).max) << (32 * (i + 1)));
            if (uint32(word >> (32 * (i + 1))) != 0) expected |= 1 << i;
        }
        require(TickBook.filled(word) == expected);
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
        require(_book.lanes(false).occupied[SELL] == 0, "an order that was refused is in the book");
        steps[1] = _step(BUY, 90, left);
        (bool fitting,) = _post(INTERVAL, false, steps);
        require(fitting && _book.lane(INTERVAL, BUY, 90) == type(uint32).max);
        require(_book.lane(INTERVAL, BUY, 89) == 5 && _book.lane(INTERVAL, SELL, 10) == 5);
    }
}
