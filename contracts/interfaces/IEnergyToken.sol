// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The token of delivered peer energy
interface IEnergyToken {
    /// @notice `holder` declared `amount` Wh consumed; they are gone.
    event Retired(address indexed holder, uint256 amount);

    /// @notice Only the market mints.
    error OnlyMarket();

    /// @notice The market whose settled energy credit becomes tokens.
    function market() external view returns (address);

    /// @notice Creates `amount` Wh for `to`. The market calls it against settled energy credit only.
    function mint(address to, uint256 amount) external;

    /// @notice Declares `amount` Wh of the caller's as consumed and burns them.
    function retire(uint256 amount) external;
}
