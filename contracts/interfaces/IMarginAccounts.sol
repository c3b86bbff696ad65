// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Cash, energy, margin and exit
/// @notice Account 0 is the supplier, 1 the grid operator, 2 the metering operator, 3 the community, through which
/// peer payments pass; participants follow. Cash over all accounts always equals the market's token balance.
interface IMarginAccounts {
    event Deposited(uint256 indexed account, address indexed from, uint256 amount);
    event Withdrawn(uint256 indexed account, address indexed to, uint256 amount);
    event ExitRequested(uint256 indexed account, uint256 lastInterval);
    event Exited(uint256 indexed account);
    event EnergyTakenOut(uint256 indexed account, address indexed to, uint256 amount);

    error UnknownAccount(uint256 account);
    error NotWallet(uint256 account, address caller);
    /// @notice The account may withdraw `free` at most.
    error AboveFreeBalance(uint256 account, uint256 amount, int256 free);
    error AboveEnergyCredit(uint256 account, uint256 amount, int256 credit);
    error DepositTooLarge(uint256 amount);
    error NotLeaving(uint256 account);
    error AlreadyLeaving(uint256 account);
    /// @notice Orders of this account may still be unsettled in interval `interval`.
    error OpenPosition(uint256 account, uint256 interval);

    /// @notice Adds `amount` base units to the account; the caller pays.
    function deposit(uint256 account_, uint256 amount) external;

    /// @notice Pays `amount` to the account's wallet, from what is above its margin.
    /// @dev Only the wallet. Of the supplier's free balance, what others owe is already taken off.
    function withdraw(uint256 account_, uint256 amount) external;

    /// @notice Turns `amount` Wh of energy credit into tokens for the account's wallet.
    /// @dev Only the wallet.
    function takeOutEnergy(uint256 account_, uint256 amount) external;

    /// @notice Stops the participant's orders for good, so that its margin can be released.
    function requestExit(uint256 account_) external;

    /// @notice Releases the margin once every interval that can hold the participant's orders is settled. Anyone.
    function finishExit(uint256 account_) external;

    function account(uint256 index) external view returns (int256 cash, int256 energy);
    /// @notice (cash, energy) of accounts `[from, from + count)`.
    function accounts(uint256 from, uint256 count) external view returns (int256[2][] memory);
    function marginOf(uint256 account_) external view returns (uint256);
    /// @notice What the account may withdraw now; negative when it is below its margin.
    function freeBalance(uint256 account_) external view returns (int256);
    /// @return debt what accounts other than the supplier owe, base units
    /// @return delivered peer energy metered as delivered, net of corrections, Wh
    /// @return takenOut energy credit taken out as tokens so far, Wh
    function totals() external view returns (uint256 debt, int256 delivered, uint256 takenOut);
}
