// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clearing} from "../libraries/Clearing.sol";
import {Terms} from "../libraries/Terms.sol";

/// @title The call auction over a tick book
/// @notice Holds nothing and decides nothing: a function of its arguments and of the market's fixed parameters. Whoever has
/// a book can ask what it clears to. The pricing rules are told in `IParticipantRegistry`.
interface IAuction {
    /// @notice Merit order on both sides, matched while the bid is worth the ask and, where a rule sets the price, both
    /// are content with it.
    /// @dev Its cost does not grow with the number of orders: a book has 512 lanes.
    /// @param terms of the interval: its tariff
    /// @param words of the book, as `TickBook` draws them
    /// @return volume what is matched, Wh
    function clear(Terms terms, uint256[52] calldata words) external view returns (Clearing, uint256 volume);

    /// @notice The same clearing with its volume cut to `limit`, at the same prices: the walk stopped earlier.
    /// @param limit at most the volume of the clearing, Wh
    /// @param words of the book that was cleared
    function cap(Clearing cleared, uint256 limit, uint256[52] calldata words) external view returns (Clearing);

    /// @notice What an order's peer energy books to its participant where every Wh is traded at its own step's limit,
    /// base units.
    /// @dev Where less is accepted than the steps were filled, the best for the market stays: the highest bids and the
    /// lowest asks. The steps of a record ascend.
    /// @param record of the order, as `OrderCodec` draws it
    /// @param sell what was accepted of it, Wh sold
    /// @param buy Wh bought
    function limitPayment(Clearing cleared, bytes calldata record, uint256 sell, uint256 buy)
        external
        view
        returns (int256 booked);
}
