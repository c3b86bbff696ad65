// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OrderCodec} from "./OrderCodec.sol";
import {Recovery} from "./Recovery.sol";

/// @title Whether a committee's quorum signed
/// @notice `signers` has one bit per member. The signatures follow in the members' order, one per set bit and no
/// other, so a duplicate cannot be expressed, the order is fixed, and the same quorum has one encoding.
library Quorum {
    uint256 internal constant KEY_BYTES = 20;
    /// @dev Of a key that begins a word.
    uint256 private constant KEY_OFFSET = 96;

    /// @param digest what was signed
    /// @param members the committee's addresses, 20 bytes each, none of them zero
    /// @param signers bit i set: member i signed
    /// @param signatures 64 bytes (EIP-2098) per set bit, in ascending member order
    /// @param quorum how many signatures are needed: exactly this many are accepted
    function reached(bytes32 digest, bytes memory members, uint256 signers, bytes calldata signatures, uint256 quorum)
        internal
        view
        returns (bool)
    {
        uint256 size = members.length / KEY_BYTES;
        if (signers >> size != 0 || signatures.length != quorum * OrderCodec.SIGNATURE_BYTES) return false;
        uint256 at;
        for (uint256 i; i < size; ++i) {
            if ((signers >> i) & 1 == 0) continue;
            if (at == signatures.length) return false;
            (uint256 r, uint256 vs) = (OrderCodec.word(signatures, at), OrderCodec.word(signatures, at + 32));
            // A malformed or high-s signature recovers the zero address, which is no member.
            if (Recovery.signer(digest, r, vs) != member(members, i)) return false;
            at += OrderCodec.SIGNATURE_BYTES;
        }
        return at == signatures.length;
    }

    /// @notice Member `index` of the packed list.
    function member(bytes memory members, uint256 index) internal pure returns (address key) {
        // (index + 1) * 20 <= members.length.
        assembly ("memory-safe") {
            key := shr(KEY_OFFSET, mload(add(add(members, 0x20), mul(index, KEY_BYTES))))
        }
    }
}
