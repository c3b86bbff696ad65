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
    uint256 private constant LIMITS_BYTES = 4;

    /// @inheritdoc IOperatingEnvelopes
    IGridGate public immutable gate;

    /// @dev Where the limits lie, as a page's word says where its entries do.
    mapping(uint256 interval => mapping(uint256 page => uint256)) private _words;

    constructor(IParticipantRegistry registry_, IGridGate gate_) MarketRules(registry_) EIP712("Peerwatt", "1") {
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
        assembly ("memory-safe") {
            let to := add(energies, 0x20)
            let end := add(add(limits, 0x20), mload(limits))
            for { let at := add(limits, 0x20) } lt(at, end) { at := add(at, 4) } {
                let word := mload(at)
                let imports := div(mul(shr(240, word), unit), hour)
                let exports := div(mul(and(shr(224, word), 0xffff), unit), hour)
                // What lies behind the last pair stays.
                mstore(to, or(shl(192, or(shl(32, imports), exports)), shr(64, shl(64, mload(to)))))
                to := add(to, 8)
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
        assembly ("memory-safe") {
            let word := mload(add(add(limits, 0x20), at))
            imports := shr(240, word)
            exports := and(shr(224, word), 0xffff)
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
