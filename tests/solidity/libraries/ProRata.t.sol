// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ProRata} from "../../../contracts/libraries/ProRata.sol";
import {within} from "../Vm.sol";

contract ProRataTest {
    uint256 private constant LANE_MAX = type(uint32).max;

    function testFuzz_part_isItsDefinition(uint256 offset, uint256 quantity, uint256 granted, uint256 total)
        external
        pure
    {
        total = within(total, 1, LANE_MAX);
        granted = within(granted, 0, total);
        offset = within(offset, 0, total);
        quantity = within(quantity, 0, total - offset);
        uint256 before = (offset * granted) / total;
        uint256 upTo = ((offset + quantity) * granted) / total;
        require(ProRata.part(offset, quantity, granted, total) == upTo - before);
        require(upTo - before <= quantity, "more than the stretch");
    }

    /// A lane of stretches that touch one another: their parts sum to what is granted, however the lane is cut.
    function testFuzz_parts_sumToWhatIsGranted(uint16[] calldata stretches, uint256 granted) external pure {
        uint256 total;
        for (uint256 i; i < stretches.length; ++i) {
            total += stretches[i];
        }
        if (total == 0) return;
        granted = within(granted, 0, total);
        uint256 offset;
        uint256 sum;
        for (uint256 i; i < stretches.length; ++i) {
            sum += ProRata.part(offset, stretches[i], granted, total);
            offset += stretches[i];
        }
        require(sum == granted);
    }

    function testFuzz_cuttingAStretchInTwo_gainsNothing(
        uint256 offset,
        uint256 first,
        uint256 second,
        uint256 granted,
        uint256 total
    ) external pure {
        total = within(total, 1, LANE_MAX);
        granted = within(granted, 0, total);
        offset = within(offset, 0, total);
        first = within(first, 0, total - offset);
        second = within(second, 0, total - offset - first);
        uint256 whole = ProRata.part(offset, first + second, granted, total);
        uint256 parts =
            ProRata.part(offset, first, granted, total) + ProRata.part(offset + first, second, granted, total);
        require(whole == parts);
    }
}
