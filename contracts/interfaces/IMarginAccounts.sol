// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Cash, energy, margin and exit
/// @notice Account 0 is the supplier, 1 the grid operator, 2 the metering operator, 3 the community, through which
/// peer payments pass; participants follow. Cash over all accounts is what was deposited and not withdrawn.
interface IMarginAccounts {
    /// @notice `from` paid `amount` base units into an account.
    event Deposited(uint256 indexed account, address indexed from, uint256 amount);
    /// @notice `amount` base units were paid to an account's wallet.
    event Withdrawn(uint256 indexed account, address indexed to, uint256 amount);
    /// @notice A participant is leaving: none of its orders is taken any more, and none lies in an interval after
    /// `lastInterval`.
    event ExitRequested(uint256 indexed account, uint256 lastInterval);
    /// @notice A participant's margin was released; its wallet may withdraw all that is left.
    event Exited(uint256 indexed account);
    /// @notice `amount` Wh of energy credit became tokens of an account's wallet.
    event EnergyTakenOut(uint256 indexed account, address indexed to, uint256 amount);

    /// @notice The registry has no such account, or it is a system account, which cannot leave.
    error UnknownAccount(uint256 account);
    /// @notice Only the account's wallet may call this; for an exit, see `requestExit`.
    error NotWallet(uint256 account, address caller);
    /// @notice The account may withdraw `free` at most.
    error AboveFreeBalance(uint256 account, uint256 amount, int256 free);
    /// @notice The account may take out `credit` Wh at most: its own credit, or what was delivered in all and not taken out.
    error AboveEnergyCredit(uint256 account, uint256 amount, int256 credit);
    /// @notice So many intervals are settled in part: what lies in the community's account is sellers' until their batches are
    /// settled. Anybody can settle them.
    error InFlight(uint256 intervals);
    /// @notice The account would hold more than a quarter of what 64 bits can.
    error DepositTooLarge(uint256 amount);
    /// @notice The account has not asked to leave, or has left.
    error NotLeaving(uint256 account);
    /// @notice The account has asked to leave before.
    error AlreadyLeaving(uint256 account);
    /// @notice Orders of this account may still be unsettled in interval `interval`.
    error OpenPosition(uint256 account, uint256 interval);

    /// @notice Adds `amount` base units to the account; the caller pays.
    /// @dev Warning: tokens that are sent to the market without this call belong to no account.
    function deposit(uint256 account_, uint256 amount) external;

    /// @notice Pays `amount` to the account's wallet, from what is above its margin.
    /// @dev Only the wallet. Of the supplier's free balance, what others owe is already taken off.
    ///
    /// Warning: a system account other than the supplier's has no margin. The community's holds what buyers paid and sellers
    /// are not paid yet while an interval is settled batch by batch: until its last batch is, the wallet withdraws nothing.
    function withdraw(uint256 account_, uint256 amount) external;

    /// @notice Turns `amount` Wh of energy credit into tokens for the account's wallet.
    /// @dev Only the wallet. A system account has no credit: what the metering operator's holds is delivered and credited to
    /// nobody yet.
    ///
    /// Warning: credits may exceed what was delivered in all. Tokens never do, so who takes them out first gets them.
    function takeOutEnergy(uint256 account_, uint256 amount) external;

    /// @notice Stops the participant's orders for good, so that its margin can be released.
    /// @dev Only the wallet, or the operator or the supplier once the participant has been suspended for a lap of the ring. What
    /// the account holds stays its wallet's. Warning: this cannot be taken back; to trade again is to be registered anew.
    function requestExit(uint256 account_) external;

    /// @notice Releases the margin once every interval in the ring that holds an order of the participant is settled, or is so
    /// old that a later one may take its slot. Anyone.
    function finishExit(uint256 account_) external;

    /// @notice What an account holds: cash in base units, energy credit in Wh.
    function account(uint256 index) external view returns (int256 cash, int256 energy);
    /// @notice (cash, energy) of accounts `[from, from + count)`.
    function accounts(uint256 from, uint256 count) external view returns (int256[2][] memory);
    /// @notice What an account must leave in the market, base units; zero for a system account other than the supplier's.
    function marginOf(uint256 account_) external view returns (uint256);
    /// @notice What the account may withdraw now; negative when it is below its margin.
    function freeBalance(uint256 account_) external view returns (int256);
    /// @return debt what accounts other than the supplier owe, base units
    /// @return delivered peer energy metered as delivered, net of corrections, Wh
    /// @return takenOut energy credit taken out as tokens so far, Wh
    function totals() external view returns (uint256 debt, int256 delivered, uint256 takenOut);
}
