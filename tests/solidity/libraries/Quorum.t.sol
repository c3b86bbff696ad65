// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Quorum} from "../../../contracts/libraries/Quorum.sol";
import {Recovery} from "../../../contracts/libraries/Recovery.sol";
import {compact, vm, within} from "../Vm.sol";

contract RecoveryTest {
    /// Right, malformed and high-s signatures alike: the twin is OpenZeppelin's.
    function testFuzz_signer_isTheTwins(uint256 key, bytes32 digest, uint256 r, uint256 vs, uint8 how) external view {
        if (how % 4 != 0) {
            (uint8 v, bytes32 rightR, bytes32 s) = vm.sign(within(key, 1, 1e30), digest);
            r = uint256(rightR);
            vs = uint256(s) | (uint256(v - 27) << 255);
            if (how % 4 == 1) vs ^= 1 << (vs % 256);
            if (how % 4 == 2) vs = (N - uint256(s)) | (uint256(28 - v) << 255);
        }
        (address expected,,) = ECDSA.tryRecover(digest, bytes32(r), bytes32(vs));
        require(Recovery.signer(digest, r, vs) == expected);
    }

    uint256 private constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
}

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
        view
        returns (bool)
    {
        return Quorum.reached(digest, members, signers, signatures, quorum);
    }
}
