// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BUY, Frame, OrderCodec, Steps} from "../../../contracts/libraries/OrderCodec.sol";
import {within} from "../Vm.sol";

contract OrderCodecTest {
    function testFuzz_digest_isTheTwins(
        uint32[8] calldata drawn,
        uint256 count,
        uint16 participant,
        uint32 interval,
        bytes32 domain,
        bool sorted
    ) external pure {
        count = within(count, 0, 9);
        uint32[] memory steps = _ladder(drawn, count, sorted);
        Frame frame = OrderCodec.frame(domain, interval);
        // Twice: what an order leaves in the frame must not reach the next.
        OrderCodec.digest(frame, ~participant, Steps.wrap(uint256(keccak256(abi.encode(drawn)))), 8);
        (uint256 energy, bytes32 digest) = OrderCodec.digest(frame, participant, _packed(steps), count);
        require(energy == energyTwin(steps), "what the steps come to");
        require(energy == 0 || digest == digestTwin(steps, participant, interval, domain), "the digest");
    }

    function test_anAskAtABidOfItsOwnOrBelowIsNoOrder() external pure {
        Frame frame = OrderCodec.frame(0, 7);
        uint32[] memory steps = new uint32[](2);
        for (uint32 ask = 39; ask < 42; ++ask) {
            (steps[0], steps[1]) = ((40 << 23) | 5, (1 << 31) | (ask << 23) | 5);
            (uint256 energy,) = OrderCodec.digest(frame, 4, _packed(steps), 2);
            require(energy == (ask <= 40 ? 0 : (5 << 32) | 5), "it would trade with itself");
        }
    }

    /// Steps as they are drawn, or sorted, so that many of them make an order.
    function _ladder(uint32[8] calldata drawn, uint256 count, bool sorted)
        private
        pure
        returns (uint32[] memory steps)
    {
        steps = new uint32[](count);
        for (uint256 i; i < count; ++i) {
            steps[i] = drawn[i % 8];
            for (uint256 j = i; sorted && j > 0 && steps[j] < steps[j - 1]; --j) {
                (steps[j], steps[j - 1]) = (steps[j - 1], steps[j]);
            }
        }
    }

    function _packed(uint32[] memory steps) private pure returns (Steps) {
        uint256 word;
        for (uint256 i; i < steps.length && i < 8; ++i) {
            word |= uint256(steps[i]) << (224 - 32 * i);
        }
        return Steps.wrap(word);
    }

    /// What the assembly says, in Solidity.
    function energyTwin(uint32[] memory steps) public pure returns (uint256 energy) {
        if (steps.length > 8) return 0;
        for (uint256 i; i < steps.length; ++i) {
            uint256 quantity = steps[i] & 0x7fffff;
            bool ascends = i == 0 || steps[i] >> 23 > steps[i - 1] >> 23;
            bool crosses = i != 0 && steps[i] >> 31 != steps[i - 1] >> 31
                && (steps[i] >> 23) & 0xff <= (steps[i - 1] >> 23) & 0xff;
            if (quantity == 0 || !ascends || crosses) return 0;
            energy += steps[i] >> 31 == BUY ? quantity << 32 : quantity;
        }
    }

    function digestTwin(uint32[] memory steps, uint16 participant, uint32 interval, bytes32 domain)
        public
        pure
        returns (bytes32)
    {
        bytes memory hashes;
        for (uint256 i; i < steps.length; ++i) {
            (uint256 side, uint256 tick, uint256 quantity) =
                (steps[i] >> 31, (steps[i] >> 23) & 0xff, steps[i] & 0x7fffff);
            hashes = abi.encodePacked(hashes, keccak256(abi.encode(OrderCodec.STEP_TYPEHASH, side, tick, quantity)));
        }
        bytes32 structHash = keccak256(abi.encode(OrderCodec.ORDER_TYPEHASH, interval, participant, keccak256(hashes)));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function testFuzz_steps_areReadOneAfterTheOther(uint32[8] calldata drawn, uint256 offset) external view {
        offset = within(offset, 0, type(uint32).max);
        bytes memory order = abi.encodePacked(uint16(7), uint8(8));
        for (uint256 i; i < 8; ++i) {
            order = abi.encodePacked(order, drawn[i]);
        }
        this.checkSteps(order, drawn, offset);
    }

    function checkSteps(bytes calldata order, uint32[8] calldata drawn, uint256 offset) external pure {
        (uint256 at,) = OrderCodec.bounds(order);
        (uint256 participant, uint256 count) = OrderCodec.header(OrderCodec.load(at));
        require(participant == 7 && count == 8);
        Steps left = OrderCodec.steps(at, 0);
        for (uint256 i; i < 8; ++i) {
            require(left.side() == drawn[i] >> 31 && left.tick() == (drawn[i] >> 23) & 0xff);
            require(left.rank() == drawn[i] >> 23 && left.quantity() == drawn[i] & 0x7fffff);
            require(left.placed(offset) == (uint256(drawn[i]) << 32) | offset);
            require(Steps.wrap(left.placed(offset) << 192).offset() == offset);
            left = left.rest();
        }
    }

    function testFuzz_write_isAConcatenation(uint256[5] calldata values, uint256[5] calldata lengths) external pure {
        bytes memory written = new bytes(5 * 32 + 32);
        bytes memory expected;
        uint256 cursor = OrderCodec.start(written);
        for (uint256 i; i < 5; ++i) {
            uint256 length = within(lengths[i], 1, 32);
            cursor = OrderCodec.write(cursor, values[i], length);
            bytes memory whole = abi.encodePacked(values[i]);
            for (uint256 j = 32 - length; j < 32; ++j) {
                expected = abi.encodePacked(expected, whole[j]);
            }
        }
        OrderCodec.endAt(written, cursor);
        require(keccak256(written) == keccak256(expected));
    }

    function testFuzz_finish_putsTheNumberFirst(uint16 count, uint64 record) external pure {
        bytes memory records = new bytes(64);
        uint256 cursor = OrderCodec.start(records) + OrderCodec.COUNT_BYTES;
        cursor = OrderCodec.write(cursor, record, 8);
        OrderCodec.finish(records, cursor, count);
        require(keccak256(records) == keccak256(abi.encodePacked(count, record)));
    }
}
