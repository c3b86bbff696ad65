// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Connection, Roster} from "../../../contracts/libraries/Roster.sol";
import {within} from "../Vm.sol";

contract RosterTest {
    using Roster for Roster.Page;

    /// @dev The test is the registry whose pages it reads.
    mapping(uint256 number => uint256) public page;

    function testFuzz_pages_areReadOverOneAnother(uint8[4] calldata sizes, bytes32 seed) external {
        Roster.Page memory reused;
        for (uint256 i; i < 4; ++i) {
            bytes memory entries = new bytes(within(sizes[i], 0, Roster.PAGE_SIZE) * Roster.ENTRY_BYTES);
            for (uint256 at; at < entries.length; ++at) {
                entries[at] = bytes1(keccak256(abi.encode(seed, i, at / 32)) << (8 * (at % 32)));
            }
            // An empty page has no code at all.
            if (entries.length != 0) page[i] = (uint256(sizes[i]) << 160) | uint160(SSTORE2.write(entries));
            reused.open(IParticipantRegistry(address(this)), i);
            bytes memory behind = new bytes(64);
            require(reused.index == i + 1 && reused.suspended == page[i] >> 160);
            require(keccak256(reused.entries) == keccak256(entries), "another page's entries");
            require(keccak256(behind) == keccak256(new bytes(64)), "wrote beyond its room");
        }
    }

    /// The twin writes every entry again, field by field.
    function testFuzz_narrow_isTheTwins(uint256 seed, uint8 size, uint8 narrowed) external pure {
        uint256 members = within(size, 0, 20);
        uint256 first = within(narrowed, 0, members);
        (bytes memory entries, bytes memory limits, bytes memory expected) = ("", "", "");
        for (uint256 i; i < members; ++i) {
            uint256 entry = uint256(keccak256(abi.encode(seed, i)));
            address meter = address(uint160(uint256(keccak256(abi.encode(seed, i, "meter")))));
            uint64 limit = uint64(uint256(keccak256(abi.encode(seed, i, "limit"))));
            entries = abi.encodePacked(entries, entry, meter);
            if (i < first) {
                limits = abi.encodePacked(limits, limit);
                expected = abi.encodePacked(expected, bytes20(bytes32(entry)), limit, uint32(entry), meter);
            } else {
                expected = abi.encodePacked(expected, entry, meter);
            }
        }
        Roster.Page memory page = Roster.Page(1, 0, entries, 0);
        // What lies behind both must stay too.
        bytes memory guard = abi.encodePacked(seed);
        page.narrow(limits);
        require(keccak256(page.entries) == keccak256(expected), "entries");
        require(uint256(bytes32(guard)) == seed, "behind");
    }

    function testFuzz_isNarrowed_tellsAnEnvelopeFromAConnection(
        uint16 imports,
        uint16 exports,
        uint32 lessImport,
        uint32 lessExport,
        uint256 length
    ) external pure {
        length = within(length, 1, 1 days);
        (uint256 most, uint256 mostOut) = (Roster.energy(imports, length), Roster.energy(exports, length));
        (uint256 least, uint256 leastOut) = (within(lessImport, 0, most), within(lessExport, 0, mostOut));
        Connection connection = Connection.wrap((least << 64) | (leastOut << 32) | (uint256(imports) << 16) | exports);
        require(connection.isNarrowed(length) == (least != most || leastOut != mostOut));
    }
}
