// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// Two accounts in one word, the even one low:
///
///   255..192      191..128    127..64       63..0
///   odd energy    odd cash    even energy   even cash
///
/// Each is a signed 64-bit number: cash in base units of the payment token, energy in Wh.
type AccountPair is uint256;

using { cash, energy, plus } for AccountPair global;

function cash(AccountPair self, uint256 account) pure returns (int256) {
    return int64(uint64(AccountPair.unwrap(self) >> ((account & 1) << 7)));
}

function energy(AccountPair self, uint256 account) pure returns (int256) {
    return int64(uint64(AccountPair.unwrap(self) >> (((account & 1) << 7) + 64)));
}

/// @notice A balance would leave the 64 bits that an account has for it.
error BalanceOverflow();

/// @dev The changes themselves are far below 2^255.
function plus(AccountPair self, uint256 account, int256 cashChange, int256 energyChange) pure returns (AccountPair) {
    unchecked {
        uint256 shift = (account & 1) << 7;
        uint256 bits = AccountPair.unwrap(self);
        int256 newCash = int64(uint64(bits >> shift)) + cashChange;
        int256 newEnergy = int64(uint64(bits >> (shift + 64))) + energyChange;
        require(newCash == int64(newCash) && newEnergy == int64(newEnergy), BalanceOverflow());
        uint256 half = uint64(uint256(newCash)) | (uint256(uint64(uint256(newEnergy))) << 64);
        return AccountPair.wrap((bits & ~(uint256(type(uint128).max) << shift)) | (half << shift));
    }
}

/// @title The accounts that are not participants
/// @dev Their indices open the same array that the participants continue.
library SystemAccount {
    uint256 internal constant SUPPLIER = 0;
    uint256 internal constant GRID_OPERATOR = 1;
    uint256 internal constant METERING_OPERATOR = 2;
    uint256 internal constant COMMUNITY = 3;
    uint256 internal constant COUNT = 4;
}
