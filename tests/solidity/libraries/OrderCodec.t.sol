// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ladder, OrderCodec, Step} from "../../../contracts/libraries/OrderCodec.sol";
import {within} from "../Vm.sol";

contract OrderCodecTest {
    function testFuzz_digest_isTheTwins(
        uint32[8] calldata steps,
        uint256 count,
        uint16 participant,
        uint32 interval,
        bytes32 domain,
        bytes calldata before
    ) external view {
        count = within(count, 0, 8);
        bytes memory order = abi.encodePacked(before, participant, uint8(count));
        for (uint256 i; i < count; ++i) {
            order = abi.encodePacked(order, steps[i]);
        }
        order = abi.encodePacked(order, new bytes(64));
        (bytes32 actual, uint256 grown) = this.digest(order, before.length, count, domain, interval);
        require(actual == digestTwin(steps, count, participant, interval, domain));
        require(grown == 0, "the digest keeps memory");
    }

    function digest(bytes calldata orders, uint256 at, uint256 count, bytes32 domain, uint256 interval)
        external
        pure
        returns (bytes32 result, uint256 grown)
    {
        uint256 free;
        uint256 freeAfter;
        assembly {
            free := mload(0x40)
        }
        result = OrderCodec.digest(orders, at, count, domain, interval);
        assembly {
            freeAfter := mload(0x40)
        }
        return (result, freeAfter - free);
    }

    /// What the assembly says, in Solidity.
    function digestTwin(
        uint32[8] calldata steps,
        uint256 count,
        uint16 participant,
        uint32 interval,
        bytes32 domain
    ) public pure returns (bytes32) {
        bytes memory hashes;
        for (uint256 i; i < count; ++i) {
            Step step = Step.wrap(steps[i]);
            bytes32 hash =
                keccak256(abi.encode(OrderCodec.STEP_TYPEHASH, step.side(), step.tick(), uint256(step.quantity())));
            hashes = abi.encodePacked(hashes, hash);
        }
        bytes32 structHash =
            keccak256(abi.encode(OrderCodec.ORDER_TYPEHASH, interval, participant, keccak256(hashes)));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function testFuzz_ladder_givesTheStepsInOrder(uint32[8] calldata steps, uint256 count, bytes calldata behind)
        external
        view
    {
        count = within(count, 1, 8);
        bytes memory order = abi.encodePacked(uint16(7), uint8(count));
        for (uint256 i; i < count; ++i) {
            order = abi.encodePacked(order, steps[i]);
        }
        Ladder left = this.ladder(abi.encodePacked(order, behind), count);
        for (uint256 i; i < count; ++i) {
            require(Step.unwrap(left.first()) == steps[i]);
            left = left.rest();
        }
        require(left.isEmpty(), "what stands behind the steps is no step");
    }

    function ladder(bytes calldata orders, uint256 count) external pure returns (Ladder) {
        return OrderCodec.ladder(orders, 0, count);
    }

    function testFuzz_write_isAConcatenation(uint256[5] calldata values, uint256[5] calldata lengths) external pure {
        bytes memory written = new bytes(5 * 32 + 32);
        bytes memory expected;
        uint256 at;
        for (uint256 i; i < 5; ++i) {
            uint256 length = within(lengths[i], 1, 32);
            at = OrderCodec.write(written, at, values[i], length);
            bytes memory whole = abi.encodePacked(values[i]);
            for (uint256 j = 32 - length; j < 32; ++j) {
                expected = abi.encodePacked(expected, whole[j]);
            }
        }
        OrderCodec.truncate(written, at);
        require(keccak256(written) == keccak256(expected));
    }
}
