// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Who made a compact signature (EIP-2098)
library Recovery {
    /// @dev Half the order of secp256k1 (SEC 2, section 2.4.1): a larger s would be a second signature of the same
    /// message (EIP-2).
    uint256 private constant S_MAX = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice The signer of `digest`, or the zero address if the signature is malformed or has a high s.
    /// @dev `ECDSA.tryRecover` of OpenZeppelin, with which the tests compare it, for a third of the gas around the
    /// precompile. Works behind the free memory pointer and gives the memory back.
    function signer(bytes32 digest, uint256 r, uint256 vs) internal view returns (address result) {
        uint256 most = S_MAX << 1;
        // vs holds y's parity in bit 255 and s below it: s <= S_MAX where vs << 1 <= S_MAX << 1 < 2^256. Writes the scratch
        // space, and 0x80 bytes behind the free memory pointer, which it does not move.
        assembly ("memory-safe") {
            let twice := shl(1, vs)
            if iszero(gt(twice, most)) {
                let input := mload(0x40)
                mstore(input, digest)
                mstore(add(input, 0x20), add(27, shr(255, vs)))
                mstore(add(input, 0x40), r)
                mstore(add(input, 0x60), shr(1, twice))
                // The precompile returns nothing for a malformed signature: the scratch space stays zero then.
                mstore(0x00, 0)
                pop(staticcall(gas(), 1, input, 0x80, 0x00, 0x20))
                result := mload(0x00)
            }
        }
    }
}
