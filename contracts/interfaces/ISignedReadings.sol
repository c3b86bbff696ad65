// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clearing} from "../libraries/Clearing.sol";
import {Terms} from "../libraries/Terms.sol";
import {BatchData} from "./IEnergyMarket.sol";

/// @title What meters say for themselves
/// @notice Holds nothing and decides nothing: a function of its arguments, of the market's fixed parameters and of what
/// the registry says of connections and meters. The packed forms are drawn in `IEnergyMarket`.
interface ISignedReadings {
    /// @notice The batch's readings with those replaced that their own meters signed.
    /// @param domain the market's EIP-712 domain separator
    /// @param signedReadings packed, positions ascending
    /// @return readingsHash keccak of the batch's readings from now on
    /// @return change of the peer energy delivered, Wh
    /// @return skipped the positions whose signed reading does not verify, came second, or has no order
    function overrule(
        bytes32 domain,
        uint256 interval,
        Terms terms,
        Clearing clearing,
        BatchData calldata data,
        bytes calldata signedReadings
    ) external view returns (bytes32 readingsHash, int256 change, uint256[] memory skipped);
}
