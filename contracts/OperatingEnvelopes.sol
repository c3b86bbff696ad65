// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {MarketRules} from "./MarketRules.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";
import {IGridGate} from "./interfaces/IGridGate.sol";
import {IOperatingEnvelopes, OperatingEnvelope} from "./interfaces/IOperatingEnvelopes.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {Connection, Roster} from "./libraries/Roster.sol";

/// @title OperatingEnvelopes: what the network can carry of each connection, interval by interval
contract OperatingEnvelopes is MarketRules, EIP712, IOperatingEnvelopes {
    using Roster for Roster.Page;

    bytes32 private constant ENVELOPE_TYPEHASH =
        keccak256("OperatingEnvelope(uint32 interval,uint16 page,bytes32 feederHash,bytes32 inputsHash,bytes limits)");
    // A participant's limits, at the top of a word:
    //
    //   255..240        239..224        223..0
    //   import, 100 W   export, 100 W   what follows
    //
    // and what they come to in an interval:
    //
    //   255..224     223..192     191..0
    //   import, Wh   export, Wh   what follows
    uint256 private constant LIMITS_BYTES = 4;
    uint256 private constant IMPORT_OFFSET = 240;
    uint256 private constant EXPORT_OFFSET = 224;
    uint256 private constant POWER_MASK = 0xffff;
    uint256 private constant ENERGIES_BYTES = 8;
    uint256 private constant IMPORT_ENERGY_OFFSET = 224;
    uint256 private constant EXPORT_ENERGY_OFFSET = 192;
    uint256 private constant ENERGIES_BITS = 64;

    /// @inheritdoc IOperatingEnvelopes
    IGridGate public immutable gate;

    /// @dev Where the limits lie, as a page's word says where its entries do.
    mapping(uint256 interval => mapping(uint256 page => uint256)) private _words;

    constructor(IParticipantRegistry registry_, IGridGate gate_) MarketRules(registry_) EIP712("Peerwatt", "1") {
        require(
            gate_.intervalLength() == INTERVAL_LENGTH && gate_.openAhead() == OPEN_AHEAD,
            IEnergyMarket.PartOfAnotherMarket("gate")
        );
        gate = gate_;
    }

    /// @inheritdoc IOperatingEnvelopes
    function publishEnvelope(OperatingEnvelope calldata envelope, uint256 signers, bytes calldata signatures) external {
        (uint256 interval, uint256 page) = (envelope.interval, envelope.page);
        require(interval <= _lastOpen(), IEnergyMarket.NotYetOpen(interval, _lastOpen()));
        require(block.timestamp + GATE_LEAD < interval * INTERVAL_LENGTH, IEnergyMarket.GateClosed(interval));
        require(_words[interval][page] == 0, AlreadyPublished(interval, page));
        _requireNarrow(page, envelope.limits);
        require(gate.isQuorum(interval, _digest(envelope), signers, signatures), IEnergyMarket.NoQuorum());

        _words[interval][page] = uint160(SSTORE2.write(envelope.limits));
        emit EnvelopePublished(interval, page, envelope.feederHash, envelope.inputsHash, envelope.limits, signers);
    }

    /// @inheritdoc IOperatingEnvelopes
    function energyLimits(uint256 interval, uint256 page) external view returns (bytes memory energies) {
        bytes memory limits = Roster.entriesOf(_words[interval][page]);
        energies = new bytes(2 * limits.length);
        // As `Roster.energy` says it, for every batch that turns to the page.
        (uint256 unit, uint256 hour) = (Roster.LIMIT_UNIT * INTERVAL_LENGTH, Roster.SECONDS_PER_HOUR);
        // unit <= 100 * 86,400 < 2^24, so an energy is below 2^40 / 3,600 < 2^29. Eight bytes are written for every four read;
        // the 24 behind the last, which may not be allocated, keep their value.
        assembly ("memory-safe") {
            let to := add(energies, 0x20)
            let end := add(add(limits, 0x20), mload(limits))
            for { let at := add(limits, 0x20) } lt(at, end) { at := add(at, LIMITS_BYTES) } {
                let word := mload(at)
                let imports := div(mul(shr(IMPORT_OFFSET, word), unit), hour)
                let exports := div(mul(and(shr(EXPORT_OFFSET, word), POWER_MASK), unit), hour)
                let pair := or(shl(IMPORT_ENERGY_OFFSET, imports), shl(EXPORT_ENERGY_OFFSET, exports))
                mstore(to, or(pair, shr(ENERGIES_BITS, shl(ENERGIES_BITS, mload(to)))))
                to := add(to, ENERGIES_BYTES)
            }
        }
    }

    /// @dev The limits must be those of everybody in the page, and none above the connection's: connections never change.
    function _requireNarrow(uint256 number, bytes memory limits) private view {
        Roster.Page memory page;
        page.open(registry, number);
        uint256 members = page.entries.length / Roster.ENTRY_BYTES;
        require(members != 0, UnknownPage(number));
        require(limits.length == members * LIMITS_BYTES, WrongLength(limits.length, members * LIMITS_BYTES));
        // i < members <= 96, and number < 2^16.
        unchecked {
            for (uint256 i; i < members; ++i) {
                Connection connection = page.connection(i);
                (uint256 imports, uint256 exports) = _limitsAt(limits, i * LIMITS_BYTES);
                require(
                    imports <= connection.importPower() && exports <= connection.exportPower(),
                    LimitTooHigh(number * Roster.PAGE_SIZE + i)
                );
            }
        }
    }

    /// @dev The limits of one participant, whose bytes begin at `at`: callers stay below the end.
    function _limitsAt(bytes memory limits, uint256 at) private pure returns (uint256 imports, uint256 exports) {
        // at + LIMITS_BYTES <= limits.length.
        assembly ("memory-safe") {
            let word := mload(add(add(limits, 0x20), at))
            imports := shr(IMPORT_OFFSET, word)
            exports := and(shr(EXPORT_OFFSET, word), POWER_MASK)
        }
    }

    function _digest(OperatingEnvelope calldata envelope) private view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    ENVELOPE_TYPEHASH,
                    envelope.interval,
                    envelope.page,
                    envelope.feederHash,
                    envelope.inputsHash,
                    keccak256(envelope.limits)
                )
            )
        );
    }
}
