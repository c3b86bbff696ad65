// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IParticipantRegistry} from "./IParticipantRegistry.sol";

/// @title What every contract says that keeps the rules of a market
interface IMarketRules {
    /// @notice Whoever takes part, and under which rules.
    function registry() external view returns (IParticipantRegistry);
}
