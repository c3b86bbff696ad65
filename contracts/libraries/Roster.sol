// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";

/// @title The participants as a batch reads them
/// @notice What every order is checked against lies in pages of contract code, 96 participants to a page: a page is
/// read at once, for less than what two storage slots cost. The registry keeps one word of each page, where its entries
/// lie and who of it is suspended:
///
///   255..160              159..0
///   suspended, a bit each address of the code that holds the entries
///
/// An entry:
///
///   order key (20)   meter key (20)   import limit (2)   export limit (2)
///
/// Limits are in units of 100 W.
library Roster {
    uint256 internal constant PAGE_SIZE = 96;
    uint256 internal constant ENTRY_BYTES = 44;
    uint256 internal constant LIMIT_UNIT = 100;
    uint256 internal constant SECONDS_PER_HOUR = 3600;

    /// @dev A page in memory. `index` is one more than its number, so that zero means none.
    struct Page {
        uint256 index;
        uint256 suspended;
        bytes entries;
    }

    /// @notice Reads page `number`.
    function open(Page memory page, IParticipantRegistry registry, uint256 number) internal view {
        uint256 word = registry.page(number);
        unchecked {
            page.index = number + 1;
        }
        page.suspended = word >> 160;
        page.entries = entriesOf(word);
    }

    /// @notice The entries of the page whose word is `word`.
    function entriesOf(uint256 word) internal view returns (bytes memory) {
        address code = address(uint160(word));
        return code == address(0) ? bytes("") : SSTORE2.read(code);
    }

    /// @notice Whether the page, which must be the participant's, knows the participant.
    /// @dev The entries of the system accounts are zero: nobody signs for them.
    function knows(Page memory page, uint256 participant) internal pure returns (bool) {
        unchecked {
            return (participant % PAGE_SIZE) * ENTRY_BYTES < page.entries.length
                && orderKey(page, participant) != address(0);
        }
    }

    // What follows reads the entry of a participant whose page this is.

    function orderKey(Page memory page, uint256 participant) internal pure returns (address) {
        return address(uint160(_word(page, participant, 0) >> 96));
    }

    function meterKey(Page memory page, uint256 participant) internal pure returns (address) {
        return address(uint160(_word(page, participant, 20) >> 96));
    }

    /// @notice The connection's limits, in units of 100 W.
    function powerLimits(Page memory page, uint256 participant) internal pure returns (uint256 imports, uint256 exports) {
        uint256 word = _word(page, participant, ENTRY_BYTES - 32);
        return (uint16(word >> 16), uint16(word));
    }

    /// @notice What the connection can carry in an interval of `length` seconds, Wh.
    function energyLimits(Page memory page, uint256 participant, uint256 length)
        internal
        pure
        returns (uint256 imports, uint256 exports)
    {
        (imports, exports) = powerLimits(page, participant);
        return (energy(imports, length), energy(exports, length));
    }

    /// @notice A power limit over an interval of `length` seconds, Wh, rounded down.
    function energy(uint256 limit, uint256 length) internal pure returns (uint256) {
        // Below 2^16 * 100 * 2^32.
        unchecked {
            return limit * LIMIT_UNIT * length / SECONDS_PER_HOUR;
        }
    }

    /// @dev 32 bytes of the participant's entry from byte `from` on.
    function _word(Page memory page, uint256 participant, uint256 from) private pure returns (uint256 word) {
        bytes memory entries = page.entries;
        unchecked {
            uint256 at = 32 + (participant % PAGE_SIZE) * ENTRY_BYTES + from;
            assembly ("memory-safe") {
                word := mload(add(entries, at))
            }
        }
    }
}
