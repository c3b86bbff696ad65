// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clearing} from "../libraries/Clearing.sol";
import {Booking, Sums} from "../libraries/Settlement.sol";
import {Terms} from "../libraries/Terms.sol";

/// @title What the orders of a batch come to, by the terms of their interval and by their meters
/// @notice Holds nothing and decides nothing: a function of its arguments, of the market's fixed parameters and of what
/// the registry says of connections and meters. The packed forms are drawn in `IEnergyMarket`.
interface ISettler {
    /// @notice What settling a batch books: to each order's participant, and in sum to everybody else.
    /// @param records the batch's, which must be well-formed, as the market's are
    /// @param decisions of the report; of another length than one for each order: none
    /// @param readings of another length than one for each order: all of them are missing
    function settle(
        Terms terms,
        Clearing clearing,
        bytes calldata records,
        bytes calldata decisions,
        bytes calldata readings
    ) external view returns (Booking[] memory bookings, Sums memory sums);

    /// @notice The batch's readings with those replaced that their own meters signed.
    /// @param domain the market's EIP-712 domain separator
    /// @param signedReadings packed, positions ascending
    /// @return overruled the batch's readings from now on
    /// @return change of the peer energy delivered, Wh
    /// @return skipped the positions whose signed reading does not verify, came second, or has no order
    function overrule(
        bytes32 domain,
        uint256 interval,
        Terms terms,
        Clearing clearing,
        bytes calldata records,
        bytes calldata decisions,
        bytes calldata readings,
        bytes calldata signedReadings
    ) external view returns (bytes memory overruled, int256 change, uint256[] memory skipped);
}
