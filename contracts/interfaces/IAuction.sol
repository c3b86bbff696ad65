// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clearing} from "../libraries/Clearing.sol";

/// The book of one interval, as the market stores it.
/// @param occupied for either side, bit t is set when something is queued at tick t
/// @param words the lanes, as `TickBook` draws them; zero for those that the auction cannot reach
struct Lanes {
    uint256[2] occupied;
    uint256[74] words;
}

/// @title The call auction over a tick book
/// @notice Holds nothing and decides nothing: a function of its arguments. Whoever has a book can ask what it clears to.
interface IAuction {
    /// @notice Merit order on both sides, matched while the bid is worth the ask, at one price.
    /// @dev Its cost does not grow with the number of orders: at most 512 ticks are occupied.
    function clear(Lanes calldata lanes) external pure returns (Clearing);

    /// @notice The same clearing with its volume cut to `limit`, at the same price: the walk stopped earlier.
    function cap(Clearing cleared, uint256 limit, Lanes calldata lanes) external pure returns (Clearing);
}
