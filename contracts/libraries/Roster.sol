// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {field} from "./PackedWord.sol";

/// The first word of a participant's entry: who may sign its orders, and what its connection can carry
///
///   255..96      95..64              63..32              31..16               15..0
///   order key    import limit, Wh    export limit, Wh    import, 100 W each   export, 100 W each
///
/// in one interval in Wh, and as power.
type Connection is uint256;

using {
    orderKey,
    isOrderKey,
    importLimit,
    exportLimit,
    carries,
    importPower,
    exportPower,
    isNarrowed
} for Connection global;

uint256 constant ORDER_KEY_OFFSET = 96;
uint256 constant IMPORT_LIMIT_OFFSET = 64;
uint256 constant EXPORT_LIMIT_OFFSET = 32;
uint256 constant LIMIT_BITS = 32;
/// @dev Both limits.
uint256 constant LIMITS_OFFSET = 32;
uint256 constant LIMITS_BITS = 64;
uint256 constant IMPORT_POWER_OFFSET = 16;
uint256 constant EXPORT_POWER_OFFSET = 0;
uint256 constant POWER_BITS = 16;

function orderKey(Connection self) pure returns (address) {
    return address(uint160(Connection.unwrap(self) >> ORDER_KEY_OFFSET));
}

/// @dev `self.orderKey() == key`, without cleaning what is clean.
function isOrderKey(Connection self, address key) pure returns (bool result) {
    // Two values below 2^160; memory is not touched.
    assembly ("memory-safe") {
        result := eq(shr(ORDER_KEY_OFFSET, self), key)
    }
}

function importLimit(Connection self) pure returns (uint256) {
    return field(Connection.unwrap(self), IMPORT_LIMIT_OFFSET, LIMIT_BITS);
}

function exportLimit(Connection self) pure returns (uint256) {
    return field(Connection.unwrap(self), EXPORT_LIMIT_OFFSET, LIMIT_BITS);
}

function importPower(Connection self) pure returns (uint256) {
    return field(Connection.unwrap(self), IMPORT_POWER_OFFSET, POWER_BITS);
}

function exportPower(Connection self) pure returns (uint256) {
    return field(Connection.unwrap(self), EXPORT_POWER_OFFSET, POWER_BITS);
}

/// @notice Whether the limits cover `energy`.
/// @param energy Wh imported and, 32 bits lower, Wh exported; each below 2^31, as the limits are
/// @dev Both at once: each of the two differences keeps its guard bit unless it falls below zero.
function carries(Connection self, uint256 energy) pure returns (bool) {
    // Limits and energies are below 2^31: with its guard bit set, the lower half never borrows from the upper one.
    unchecked {
        return (((Connection.unwrap(self) >> LIMITS_OFFSET) | Roster.GUARDS) - energy) & Roster.GUARDS == Roster.GUARDS;
    }
}

/// @notice Whether an operating envelope narrowed the limits to less than what the powers come to in an interval of
/// `length` seconds.
function isNarrowed(Connection self, uint256 length) pure returns (bool) {
    return self.importLimit() != Roster.energy(self.importPower(), length)
        || self.exportLimit() != Roster.energy(self.exportPower(), length);
}

/// @title The participants as a batch reads them
/// @notice What every order is checked against lies in pages of contract code, 96 participants to a page: a page is
/// read at once, for less than what two storage slots cost. The registry keeps one word of each page, where its entries
/// lie and who of it is suspended:
///
///   255..160              159..0
///   suspended, a bit each address of the code that holds the entries
///
/// An entry is a `Connection` and the meter's key (20 bytes).
library Roster {
    uint256 internal constant PAGE_SIZE = 96;
    uint256 internal constant ENTRY_BYTES = 52;
    uint256 private constant KEY_BYTES = 20;
    /// @dev Where in an entry the word begins that ends with the meter's key.
    uint256 private constant METER_KEY_AT = 20;
    /// @dev Bytes that an envelope's energy limits have for each participant.
    uint256 private constant NARROWED_BYTES = 8;
    uint256 internal constant LIMIT_UNIT = 100;
    uint256 internal constant SECONDS_PER_HOUR = 3600;
    /// @dev The highest bit of either limit, which no limit reaches.
    uint256 internal constant GUARDS = 0x8000000080000000;
    /// @dev Of a page's word.
    uint256 internal constant SUSPENDED_OFFSET = 160;
    uint256 private constant KEY_BITS = 160;

    /// @dev A page in memory. `index` is one more than its number, so that zero means none; `room` is the largest code
    /// that `entries` can take in.
    struct Page {
        uint256 index;
        uint256 suspended;
        bytes entries;
        uint256 room;
    }

    /// @notice Reads page `number`.
    function open(Page memory page, IParticipantRegistry registry, uint256 number) internal view {
        uint256 word = registry.page(number);
        // number < 2^16.
        unchecked {
            page.index = number + 1;
        }
        page.suspended = word >> SUSPENDED_OFFSET;
        address code = address(uint160(word));
        uint256 size = code.code.length;
        if (size > page.room) {
            page.room = size;
            page.entries = _room(size);
        }
        _copy(code, size, page.entries);
    }

    /// @dev Memory for the entries in `size` bytes of code, whatever was in it.
    function _room(uint256 size) private pure returns (bytes memory entries) {
        // Code has at most 24,576 bytes. Allocates the length's word and `size` bytes, rounded up to whole words.
        assembly ("memory-safe") {
            entries := mload(0x40)
            mstore(0x40, and(add(entries, add(size, 0x5f)), not(0x1f)))
        }
    }

    /// @dev Reads the entries into memory that has room for them: the pages of a batch are read over one another.
    function _copy(address code, uint256 size, bytes memory entries) private view {
        // Writes the length's word and size - 1 bytes, or nothing but the length where there is no code.
        assembly ("memory-safe") {
            // The code begins with a byte that is no entry's, so that nobody can call it.
            let length := sub(size, iszero(iszero(size)))
            extcodecopy(code, add(entries, 0x20), 1, length)
            mstore(entries, length)
        }
    }

    /// @notice The participant's bit in a word that has one for each of its page.
    function bitOf(uint256 participant) internal pure returns (uint256) {
        return 1 << (participant % PAGE_SIZE);
    }

    /// @notice Makes `page` the participant's, if it is not.
    function turnTo(Page memory page, IParticipantRegistry registry, uint256 participant) internal view {
        // number < 2^16.
        unchecked {
            uint256 number = participant / PAGE_SIZE;
            if (page.index != number + 1) open(page, registry, number);
        }
    }

    /// @notice Puts an operating envelope's energy limits into the page, in memory. The powers stay, from which those of
    /// the connections themselves follow.
    /// @param limits import and export limit, Wh, four bytes each, of so many participants from the page's first on: no
    /// more than there are, and no limit above the connection's
    function narrow(Page memory page, bytes memory limits) internal pure {
        bytes memory entries = page.entries;
        uint256 others = type(uint256).max >> LIMITS_BITS;
        // Eight bytes of limits for each entry of 52: the word written to begins at byte 20 of an entry and ends in it.
        assembly ("memory-safe") {
            let to := add(entries, add(0x20, KEY_BYTES))
            let end := add(add(limits, 0x20), mload(limits))
            for { let at := add(limits, 0x20) } lt(at, end) { at := add(at, NARROWED_BYTES) } {
                mstore(to, or(and(mload(to), others), and(mload(at), not(others))))
                to := add(to, ENTRY_BYTES)
            }
        }
    }

    /// @notice The entries of the page whose word is `word`.
    function entriesOf(uint256 word) internal view returns (bytes memory entries) {
        address code = address(uint160(word));
        uint256 size = code.code.length;
        entries = _room(size);
        _copy(code, size, entries);
    }

    /// @notice Whether the page, which must be the participant's, knows the participant.
    /// @dev The entries of the system accounts are zero: nobody signs for them.
    function knows(Page memory page, uint256 participant) internal pure returns (bool) {
        // Below 96 * 52 = 4,992.
        unchecked {
            return (participant % PAGE_SIZE) * ENTRY_BYTES < page.entries.length
                && connection(page, participant).orderKey() != address(0);
        }
    }

    // What follows reads the entry of a participant whose page this is.

    function connection(Page memory page, uint256 participant) internal pure returns (Connection result) {
        bytes memory entries = page.entries;
        // at <= 32 + 95 * 52. Of a participant that the page does not know, whatever lies in memory there.
        unchecked {
            uint256 at = 32 + (participant % PAGE_SIZE) * ENTRY_BYTES;
            assembly ("memory-safe") {
                result := mload(add(entries, at))
            }
        }
    }

    function meterKey(Page memory page, uint256 participant) internal pure returns (address) {
        return address(uint160(_meterKeyWord(page, participant)));
    }

    /// @dev `meterKey(page, participant) == key`, without cleaning what is clean.
    function isMeterKey(Page memory page, uint256 participant, address key) internal pure returns (bool result) {
        uint256 word = _meterKeyWord(page, participant);
        // The lower 160 bits of both; memory is not touched.
        assembly ("memory-safe") {
            result := iszero(shl(sub(256, KEY_BITS), xor(word, key)))
        }
    }

    /// @notice A power limit over an interval of `length` seconds, Wh, rounded down.
    function energy(uint256 limit, uint256 length) internal pure returns (uint256) {
        // limit < 2^16 and length <= 86,400: the product is below 2^40 and the energy below 2^29.
        unchecked {
            return limit * LIMIT_UNIT * length / SECONDS_PER_HOUR;
        }
    }

    /// @dev The word that ends with the meter's key.
    function _meterKeyWord(Page memory page, uint256 participant) private pure returns (uint256 word) {
        bytes memory entries = page.entries;
        // at <= 32 + 95 * 52 + 20: the word ends where the entry does.
        unchecked {
            uint256 at = 32 + (participant % PAGE_SIZE) * ENTRY_BYTES + METER_KEY_AT;
            assembly ("memory-safe") {
                word := mload(add(entries, at))
            }
        }
    }
}
