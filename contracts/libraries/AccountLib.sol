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
    /// @dev What `plus` returns for cash where a balance does not fit its bits: less than any margin.
    int256 internal constant NO_ROOM = type(int256).min;
    uint256 internal constant ACCOUNT_BITS = 64;
    uint256 internal constant CASH_BITS = 38;
    uint256 internal constant ENERGY_BITS = 26;
    /// @dev Half the range of each: 2^37 and 2^25.
    uint256 private constant CASH_HALF = 0x2000000000;
    uint256 private constant ENERGY_HALF = 0x2000000;

    function cash(AccountQuad self, uint256 account) internal pure returns (int256) {
        // account % 4 * 64 <= 192 < 218 = 256 - 38.
        unchecked {
            uint256 above = 256 - CASH_BITS;
            return (int256(AccountQuad.unwrap(self)) << (above - account % PER_WORD * ACCOUNT_BITS)) >> above;
        }
    }

    function energy(AccountQuad self, uint256 account) internal pure returns (int256) {
        // account % 4 * 64 <= 192 = 256 - 64.
        unchecked {
            uint256 above = 256 - ACCOUNT_BITS;
            return
                (int256(AccountQuad.unwrap(self)) << (above - account % PER_WORD * ACCOUNT_BITS)) >> (256 - ENERGY_BITS);
        }
    }

    /// @notice Whether balances fit their bits.
    function fits(int256 cash_, int256 energy_) internal pure returns (bool) {
        (uint256 aboveCash, uint256 aboveEnergy) = (256 - CASH_BITS, 256 - ENERGY_BITS);
        return cash_ == (cash_ << aboveCash) >> aboveCash && energy_ == (energy_ << aboveEnergy) >> aboveEnergy;
    }

    /// @dev The tests hold a twin of this in Solidity.
    /// @return next the accounts after the change
    /// @return cashAfter the account's cash after it; `NO_ROOM` where a balance does not fit, and `next` means nothing then
    function plus(AccountQuad self, uint256 account, int256 cashChange, int256 energyChange)
        internal
        pure
        returns (AccountQuad next, int256 cashAfter)
    {
        int256 noRoom = NO_ROOM;
        // The shift is at most 192. |cash| < 2^37, |energy| < 2^25 and changes are below 2^128: sums below 2^129. Memory is
        // not touched.
        assembly ("memory-safe") {
            let aboveCash := sub(256, CASH_BITS)
            let aboveEnergy := sub(256, ENERGY_BITS)
            let aboveAccount := sub(256, ACCOUNT_BITS)
            let shift := mul(ACCOUNT_BITS, mod(account, PER_WORD))
            let fourth := shr(shift, self)
            let cashBefore := sar(aboveCash, shl(aboveCash, fourth))
            let energyBefore := sar(aboveEnergy, shl(aboveAccount, fourth))
            cashAfter := add(cashBefore, cashChange)
            let energyAfter := add(energyBefore, energyChange)
            let cashBits := shr(aboveCash, shl(aboveCash, xor(cashBefore, cashAfter)))
            let energyBits := shr(aboveAccount, shl(aboveEnergy, xor(energyBefore, energyAfter)))
            next := xor(self, shl(shift, or(cashBits, energyBits)))
            // Moved up by half the range, what fits has no bits above it.
            let cashExcess := shr(CASH_BITS, add(cashAfter, CASH_HALF))
            let energyExcess := shr(ENERGY_BITS, add(energyAfter, ENERGY_HALF))
            if or(cashExcess, energyExcess) { cashAfter := noRoom }
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
    uint256 internal constant CASH_BITS = 64;
    int256 internal constant CASH_MAX = type(int64).max;

    function cash(SystemCash self, uint256 account) internal pure returns (int256) {
        return int64(uint64(SystemCash.unwrap(self) >> CASH_BITS * account));
    }

    /// @return next the accounts after the change
    /// @return before the account's cash before it
    function plus(SystemCash self, uint256 account, int256 change)
        internal
        pure
        returns (SystemCash next, int256 before)
    {
        // |before| < 2^63 and |change| < 2^254; account < 4, so the shift is at most 192.
        unchecked {
            before = cash(self, account);
            int256 changed = before + change;
            require(changed == int64(changed), BalanceOverflow());
            uint256 flipped = uint64(uint256(before ^ changed));
            next = SystemCash.wrap(SystemCash.unwrap(self) ^ (flipped << CASH_BITS * account));
        }
    }
}
