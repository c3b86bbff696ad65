// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Telescoped pro-rata: how a marginal tick is shared
/// @notice (R1) A lane is a queue of length `total`. When only `granted` of it is served, the stretch
/// `[offset, offset + quantity)` receives the difference of two floors. Neighbouring stretches share an
/// end, so the parts of a whole lane sum to `granted` exactly, and cutting a stretch in two gains nothing.
library ProRata {
    /// @param offset where the stretch begins, Wh
    /// @param quantity its length, Wh
    /// @param granted how much of the whole lane is served, at most `total`, Wh
    /// @param total the lane's length, Wh, not zero
    function part(uint256 offset, uint256 quantity, uint256 granted, uint256 total) internal pure returns (uint256) {
        // All four are below 2^33, so neither the sum nor the products can overflow.
        unchecked {
            return (offset + quantity) * granted / total - offset * granted / total;
        }
    }
}
