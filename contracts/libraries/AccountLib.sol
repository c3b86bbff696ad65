// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// Four participants' accounts in one word, the one whose index is a multiple of four lowest; each
///
///   63..38         37..0
///   energy, Wh     cash, base units
///
/// signed. The words that a batch writes are what settling it costs most.
type AccountQuad is uint256;

/// The cash of the system accounts in one word, 64 bits each, signed, the first account lowest: who is everybody's
/// counterparty needs the room.
type SystemCash is uint256;

using ParticipantAccount for AccountQuad global;
using SystemAccount for SystemCash global;

/// @notice A system account's cash would leave its 64 bits.
error BalanceOverflow();

library ParticipantAccount {
    uint256 internal constant PER_WORD = 4;

    function cash(AccountQuad self, uint256 account) internal pure returns (int256) {
        unchecked {
            return (int256(AccountQuad.unwrap(self)) << (218 - account % PER_WORD * 64)) >> 218;
        }
    }

    function energy(AccountQuad self, uint256 account) internal pure returns (int256) {
        unchecked {
            return (int256(AccountQuad.unwrap(self)) << (192 - account % PER_WORD * 64)) >> 230;
        }
    }

    /// @notice Whether balances fit their bits.
    function fits(int256 cash_, int256 energy_) internal pure returns (bool) {
        return cash_ == (cash_ << 218) >> 218 && energy_ == (energy_ << 230) >> 230;
    }

    /// @dev The changes themselves are far below 2^255. The tests hold a twin of this in Solidity.
    /// @return next the accounts after the change
    /// @return before the account's cash before it; where the balances after it do not fit, something below zero, and
    /// `next` means nothing
    function plus(AccountQuad self, uint256 account, int256 cashChange, int256 energyChange)
        internal
        pure
        returns (AccountQuad next, int256 before)
    {
        assembly ("memory-safe") {
            let shift := shl(6, and(account, 3))
            let fourth := shr(shift, self)
            before := sar(218, shl(218, fourth))
            let energyBefore := sar(230, shl(192, fourth))
            let changedCash := add(before, cashChange)
            let changedEnergy := add(energyBefore, energyChange)
            let cashBits := shr(218, shl(218, xor(before, changedCash)))
            let energyBits := shr(192, shl(230, xor(energyBefore, changedEnergy)))
            next := xor(self, shl(shift, or(cashBits, energyBits)))
            // Moved up by half the range, what fits has no bits above it.
            let excess := or(shr(38, add(changedCash, shl(37, 1))), shr(26, add(changedEnergy, shl(25, 1))))
            before := or(before, shl(255, iszero(iszero(excess))))
        }
    }
}

/// @title The accounts that are not participants
/// @dev Their indices open the count that the participants continue.
library SystemAccount {
    uint256 internal constant SUPPLIER = 0;
    uint256 internal constant GRID_OPERATOR = 1;
    uint256 internal constant METERING_OPERATOR = 2;
    uint256 internal constant COMMUNITY = 3;
    uint256 internal constant COUNT = 4;
    int256 internal constant CASH_MAX = type(int64).max;

    function cash(SystemCash self, uint256 account) internal pure returns (int256) {
        return int64(uint64(SystemCash.unwrap(self) >> 64 * account));
    }

    /// @return next the accounts after the change
    /// @return before the account's cash before it
    function plus(SystemCash self, uint256 account, int256 change)
        internal
        pure
        returns (SystemCash next, int256 before)
    {
        unchecked {
            before = cash(self, account);
            int256 changed = before + change;
            require(changed == int64(changed), BalanceOverflow());
            uint256 flipped = uint64(uint256(before ^ changed));
            next = SystemCash.wrap(SystemCash.unwrap(self) ^ (flipped << 64 * account));
        }
    }
}
