// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The sealed phase: batches are committed to before gate closure and shown after it
/// @notice Before gate closure the chain holds hashes alone, so nobody can answer the orders of others. A batch that is
/// not revealed in the reveal window never existed, and its bond is burnt. Anybody can commit and reveal, a participant for
/// its own order too.
///
/// Of the bond of a batch that is revealed a share is burnt for every order that is skipped, but for one above an operating
/// envelope, which may be published after the commitment. So who commits to several orders of one participant, or keeps an account just below
/// its margin, pays bond / orders of the batch for each that does not count. What is burnt stays here and is nobody's.
/// @dev Warning: a participant that gives different orders to two relayers, withdraws or leaves costs its relayer that share, and
/// so does an operator or a supplier that suspends it between commit and reveal.
interface ISealedBatches {
    /// @notice `relayer` committed to a batch and left its bond.
    event Committed(uint256 indexed interval, address indexed relayer, bytes32 indexed seal);
    /// @notice A batch was shown and given to the market; of its bond `kept` base units are burnt, the rest is owed to the relayer.
    event Revealed(uint256 indexed interval, address indexed relayer, bytes32 indexed seal, uint256 kept);
    /// @notice The batch was shown while no interval could open; its relayer could not help it, and is owed the bond.
    event Returned(uint256 indexed interval, address indexed relayer, bytes32 indexed seal);
    /// @notice `relayer` was paid what it was owed.
    event Collected(address indexed relayer, uint256 amount);
    /// @notice A batch was not shown in time; its bond is burnt.
    event Forfeited(uint256 indexed interval, address indexed relayer, bytes32 indexed seal);

    /// @notice The caller has committed to this batch for this interval already.
    error AlreadyCommitted(bytes32 seal);
    /// @notice The caller has committed to no such batch, or it was revealed or forfeited before.
    error UnknownSeal(bytes32 seal);
    /// @notice The interval's reveal window is over.
    error BookClosed(uint256 interval);
    /// @notice Bonds are forfeited from second `until` on.
    error RevealNotOver(uint256 until);

    /// @notice Commits the caller to a batch and takes its bond: from what it is owed, and the rest from its tokens. Before gate
    /// closure, for intervals that take orders.
    /// @param seal what `sealOf` gives for the caller
    function commit(uint256 interval, bytes32 seal) external;

    /// @notice Posts a batch that the caller has committed to, and owes it the bond. In the reveal window only, also while posting
    /// is paused, and whatever the payment token does.
    /// @dev Warning: whatever makes `post` itself fail, such as bytes that end within an order or too many orders, fails the reveal
    /// too. Only while the interval is not open and the supplier is below its margin the bond is owed without posting.
    function reveal(uint256 interval, bytes calldata orders, bytes32 salt) external;

    /// @notice Burns the bond of a batch that was not revealed in time. Anyone.
    function forfeit(uint256 interval, address relayer, bytes32 seal) external;

    /// @notice Pays a relayer what it is owed. Anyone may ask for it.
    function collect(address relayer) external;

    /// @notice What a relayer is owed of bonds that are back, base units.
    function owed(address relayer) external view returns (uint256);
    /// @notice What of all bonds is nobody's any more, base units.
    function burnt() external view returns (uint256);

    /// @notice What `relayer` commits to. It binds the relayer, so that a copied seal opens nothing.
    /// @param salt anything that nobody can guess
    function sealOf(address relayer, uint256 interval, bytes calldata orders, bytes32 salt)
        external
        pure
        returns (bytes32);

    /// @notice Whether the relayer has committed to the batch and it is neither revealed nor forfeited.
    function isCommitted(uint256 interval, address relayer, bytes32 seal) external view returns (bool);
}
