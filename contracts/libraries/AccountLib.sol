// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// Three participants' accounts in one word, the one whose index is a multiple of three lowest; each
///
///   84..47         46..0
///   energy, Wh     cash, base units
///
/// signed. The words that a batch writes are what settling it costs most.
type AccountTriple is uint256;

/// Two system accounts in one word, the even one low; each
///
///   127..64        63..0
///   energy, Wh     cash, base units
///
/// signed: who is everybody's counterparty needs the room.
type AccountPair is uint256;

using ParticipantAccount for AccountTriple global;
using SystemAccount for AccountPair global;

/// @notice A balance would leave the bits that an account has for it.
error BalanceOverflow();

library ParticipantAccount {
    uint256 internal constant PER_TRIPLE = 3;
    int256 internal constant CASH_MAX = (1 << 46) - 1;
    int256 internal constant ENERGY_MAX = (1 << 37) - 1;

    function cash(AccountTriple self, uint256 account) internal pure returns (int256) {
        unchecked {
            return (int256(AccountTriple.unwrap(self)) << (209 - account % PER_TRIPLE * 85)) >> 209;
        }
    }

    function energy(AccountTriple self, uint256 account) internal pure returns (int256) {
        unchecked {
            return (int256(AccountTriple.unwrap(self)) << (171 - account % PER_TRIPLE * 85)) >> 218;
        }
    }

    /// @dev The changes themselves are far below 2^255. The tests hold a twin of this in Solidity.
    /// @return next the accounts after the change
    /// @return before the account's cash before it
    function plus(AccountTriple self, uint256 account, int256 cashChange, int256 energyChange)
        internal
        pure
        returns (AccountTriple next, int256 before)
    {
        bool fits;
        assembly ("memory-safe") {
            let shift := mul(85, mod(account, 3))
            let third := shr(shift, self)
            before := sar(209, shl(209, third))
            let energyBefore := sar(218, shl(171, third))
            let changedCash := add(before, cashChange)
            let changedEnergy := add(energyBefore, energyChange)
            // Moved up by half the range, what fits has no bits above it.
            fits := iszero(or(shr(47, add(changedCash, shl(46, 1))), shr(38, add(changedEnergy, shl(37, 1)))))
            let cashBits := shr(209, shl(209, xor(before, changedCash)))
            let energyBits := shr(171, shl(218, xor(energyBefore, changedEnergy)))
            next := xor(self, shl(shift, or(cashBits, energyBits)))
        }
        require(fits, BalanceOverflow());
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

    function cash(AccountPair self, uint256 account) internal pure returns (int256) {
        return int64(uint64(AccountPair.unwrap(self) >> _shift(account)));
    }

    function energy(AccountPair self, uint256 account) internal pure returns (int256) {
        return int64(uint64(AccountPair.unwrap(self) >> (_shift(account) + 64)));
    }

    /// @return next the accounts after the change
    /// @return before the account's cash before it
    function plus(AccountPair self, uint256 account, int256 cashChange, int256 energyChange)
        internal
        pure
        returns (AccountPair next, int256 before)
    {
        unchecked {
            before = cash(self, account);
            int256 changedCash = before + cashChange;
            int256 changedEnergy = energy(self, account) + energyChange;
            require(changedCash == int64(changedCash) && changedEnergy == int64(changedEnergy), BalanceOverflow());
            uint256 half = uint64(uint256(changedCash)) | (uint256(uint64(uint256(changedEnergy))) << 64);
            uint256 other = AccountPair.unwrap(self) & ~(uint256(type(uint128).max) << _shift(account));
            next = AccountPair.wrap(other | (half << _shift(account)));
        }
    }

    function _shift(uint256 account) private pure returns (uint256) {
        return (account & 1) << 7;
    }
}
