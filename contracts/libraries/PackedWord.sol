// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// Fields of words that hold several: a field is told by the place of its lowest bit and by its width.

/// @notice The field of `width` bits, below 256, whose lowest bit is bit `offset`.
function field(uint256 word, uint256 offset, uint256 width) pure returns (uint256) {
    // 2^width >= 1.
    unchecked {
        return (word >> offset) & ((1 << width) - 1);
    }
}

/// @notice The word with `value`, which is below 2^width, in that field.
function withField(uint256 word, uint256 offset, uint256 width, uint256 value) pure returns (uint256) {
    // 2^width >= 1.
    unchecked {
        return (word & ~(((1 << width) - 1) << offset)) | (value << offset);
    }
}
