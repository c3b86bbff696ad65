// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OrderCodec, Steps} from "../../contracts/libraries/OrderCodec.sol";
import {TickBook} from "../../contracts/libraries/TickBook.sol";
import {within} from "./Vm.sol";

/// A tick book, filled at random, and its naive twin.
abstract contract FilledBook {
    using TickBook for TickBook.Book;

    TickBook.Book internal _book;
    uint256 internal _held;

    /// The naive twin: a lane is a number.
    uint256[256][2] internal _lanes;

    function _post(uint32[] memory steps) internal returns (bool taken, bytes memory records) {
        TickBook.Draft memory draft;
        draft.held = _held;
        records = new bytes(8 * steps.length + 32);
        uint256 ladder;
        for (uint256 i; i < steps.length; ++i) {
            ladder |= uint256(steps[i]) << (224 - 32 * i);
        }
        uint256 end = _book.post(draft, Steps.wrap(ladder), steps.length, OrderCodec.start(records));
        _held = _book.save(draft);
        taken = end != 0;
        OrderCodec.endAt(records, OrderCodec.start(records) + 8 * steps.length);
    }

    function _queued(uint256 side, uint256 tick) internal view returns (uint256) {
        return _book.lane(_held, side, tick);
    }

    function _step(uint256 side, uint256 tick, uint256 quantity) internal pure returns (uint32) {
        return uint32((side << 31) | (tick << 23) | quantity);
    }

    function _one(uint256 side, uint256 tick, uint256 quantity) internal pure returns (uint32[] memory steps) {
        steps = new uint32[](1);
        steps[0] = _step(side, tick, quantity);
    }

    /// An older interval's book lies in the same storage: nothing of it may be seen.
    function _fill(uint256 seed, uint256 orders, uint256 spread) internal {
        for (uint256 i; i < 5; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, "old", i)));
            _post(_one(draw & 1, uint8(draw >> 8), 1 + uint16(draw >> 16)));
        }
        _held = 0;
        for (uint256 i; i < orders; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            (uint256 side, uint256 tick) = (draw & 1, within(draw >> 8, 128 - spread, 127 + spread));
            uint256 quantity = 1 + uint16(draw >> 16) % 500;
            (bool taken, bytes memory records) = _post(_one(side, tick, quantity));
            uint64 expected = uint64((uint256(_step(side, tick, quantity)) << 32) | _lanes[side][tick]);
            require(taken && keccak256(records) == keccak256(abi.encodePacked(expected)), "the posted step");
            _lanes[side][tick] += quantity;
        }
    }
}
