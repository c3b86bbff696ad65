// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clearing} from "../libraries/Clearing.sol";
import {Terms} from "../libraries/Terms.sol";
import {BatchData} from "./IEnergyMarket.sol";

/// @title What meters say for themselves
/// @notice Holds nothing and decides nothing: a function of its arguments, of the market's fixed parameters and of what
/// the registry says of connections and meters. The packed forms are drawn in `IEnergyMarket`. It tells what became of the
/// readings, so that whoever settles the batch finds them in events.
interface ISignedReadings {
    /// @notice The readings of a batch as they stand from now on: settling it takes these bytes again.
    /// @dev Of an interval and a batch that the market has: nobody else can have this emitted. `OverruleSkipped` comes from
    /// here too.
    event ReadingsOverruled(uint256 indexed interval, uint256 indexed batch, bytes readings);

    /// @notice Only the market that this contract was created by asks it.
    error NotMarket();

    /// @notice The batch's readings with those replaced that their own meters signed. Only for the market.
    /// @param domain the market's EIP-712 domain separator
    /// @param signedReadings packed, positions ascending
    /// @return readingsHash keccak of the batch's readings from now on
    /// @return change of the peer energy delivered, Wh
    function overrule(
        bytes32 domain,
        uint256 interval,
        uint256 batch,
        Terms terms,
        Clearing clearing,
        BatchData calldata data,
        bytes calldata signedReadings
    ) external returns (bytes32 readingsHash, int256 change);
}
