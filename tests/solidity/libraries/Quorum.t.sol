// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Quorum} from "../../../contracts/libraries/Quorum.sol";
import {compact, vm, within} from "../Vm.sol";

contract QuorumTest {
    uint256 private constant FIRST_KEY = 0xA11CE;

    function testFuzz_reached_countsTheRightSignersOnly(
        uint256 size,
        uint256 quorum,
        uint256 signers,
        uint256 liar,
        bytes32 digest
    ) external view {
        size = within(size, 1, 7);
        quorum = within(quorum, 1, size);
        signers = within(signers, 0, (1 << size) - 1);
        liar = within(liar, 0, 2 * size);
        bytes memory members;
        bytes memory signatures;
        uint256 count;
        bool honest = true;
        for (uint256 i; i < size; ++i) {
            members = abi.encodePacked(members, vm.addr(FIRST_KEY + i));
            if ((signers >> i) & 1 == 0) continue;
            ++count;
            // A liar signs with another member's key.
            if (i == liar && size > 1) honest = false;
            uint256 key = i == liar ? FIRST_KEY + (i + 1) % size : FIRST_KEY + i;
            signatures = abi.encodePacked(signatures, compact(key, digest));
        }
        require(this.reached(digest, members, signers, signatures, quorum) == (honest && count == quorum));
        require(!this.reached(digest, members, signers | (1 << size), signatures, quorum), "a bit too many");
        require(!this.reached(~digest, members, signers, signatures, quorum), "another message");
        bytes memory longer = abi.encodePacked(signatures, bytes32(0), bytes32(0));
        require(!this.reached(digest, members, signers, longer, quorum), "a signature too many");
    }

    function reached(bytes32 digest, bytes memory members, uint256 signers, bytes calldata signatures, uint256 quorum)
        external
        pure
        returns (bool)
    {
        return Quorum.reached(digest, members, signers, signatures, quorum);
    }
}
