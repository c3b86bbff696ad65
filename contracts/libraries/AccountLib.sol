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

/// @dev The changes themselves are far below 2^255. The tests hold a twin of this in Solidity.
/// @return next both accounts after the change
/// @return before the account's cash before it
function plus(AccountPair self, uint256 account, int256 cashChange, int256 energyChange)
    pure
    returns (AccountPair next, int256 before)
{
    bool fits;
    assembly ("memory-safe") {
        let shift := shl(7, and(account, 1))
        let half := shr(shift, self)
        before := signextend(7, half)
        let energyBefore := signextend(7, shr(64, half))
        let changedCash := add(before, cashChange)
        let changedEnergy := add(energyBefore, energyChange)
        // Moved up by 2^63, what fits 64 bits has none above them.
        fits := iszero(shr(64, or(add(changedCash, 0x8000000000000000), add(changedEnergy, 0x8000000000000000))))
        let cashBits := shr(192, shl(192, xor(before, changedCash)))
        let energyBits := shr(128, shl(192, xor(energyBefore, changedEnergy)))
        next := xor(self, shl(shift, or(cashBits, energyBits)))
    }
    require(fits, BalanceOverflow());
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
