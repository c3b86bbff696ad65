// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IGridGate} from "./IGridGate.sol";
import {IMarketRules} from "./IMarketRules.sol";

/// What the network can carry of one page of participants in one interval.
/// @param interval which interval
/// @param page participants `[96 * page, 96 * (page + 1))`, as `Roster` draws it
/// @param feederHash the feeder that was computed on
/// @param inputsHash everything else that the limits follow from
/// @param limits four bytes for everybody in the page, in the order of the accounts: most import and most export, two bytes
/// each, in the connections' unit of 100 W
struct OperatingEnvelope {
    uint32 interval;
    uint16 page;
    bytes32 feederHash;
    bytes32 inputsHash;
    bytes limits;
}

/// @title Operating envelopes: how much everybody may offer to import and export in an interval
/// @notice Computed by the oracle committee before gate closure, from the state that it expects the network to be in.
/// Markets that name this contract take no order above a published limit. An envelope can only narrow what connections
/// can carry anyway; without one, they count.
///
/// An envelope is of a registry's participants and binds every market for them that names this contract. Its signatures
/// are made for this contract on this chain: a gate that serves several registries gives each its own.
interface IOperatingEnvelopes is IMarketRules {
    /// @notice A page's limits for an interval were published; orders posted from now on must keep them.
    event EnvelopePublished(
        uint256 indexed interval,
        uint256 indexed page,
        bytes32 feederHash,
        bytes32 inputsHash,
        bytes limits,
        uint256 signers
    );

    /// @notice The registry has no such page.
    error UnknownPage(uint256 page);
    /// @notice The limits are not one for everybody in the page.
    error WrongLength(uint256 given, uint256 expected);
    /// @notice A limit is above what the participant's connection can carry.
    error LimitTooHigh(uint256 participant);
    /// @notice There is one already: the first counts, so that nobody's limits change under its orders.
    error AlreadyPublished(uint256 interval, uint256 page);

    /// @notice Publishes what a quorum of the interval's committee signed. Anyone, before gate closure, for intervals that
    /// take orders. Orders that were posted before stay; the committee's report still judges them.
    /// @dev Whoever is registered after this is bound by its connection alone in this interval.
    /// @param signers bit per committee member
    /// @param signatures 64 bytes (EIP-2098) per signer, in member order
    function publishEnvelope(OperatingEnvelope calldata envelope, uint256 signers, bytes calldata signatures) external;

    /// @notice Whose committee signs.
    function gate() external view returns (IGridGate);

    /// @notice What the limits of a page come to in the interval, Wh: import and export, four bytes each, in the order of
    /// the accounts. Empty when none were published.
    function energyLimits(uint256 interval, uint256 page) external view returns (bytes memory);
}
