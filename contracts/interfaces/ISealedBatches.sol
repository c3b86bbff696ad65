// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The sealed phase: batches are committed to before gate closure and shown after it
/// @notice Before gate closure the chain holds hashes alone, so nobody can answer the orders of others. A batch that is
/// not revealed in the reveal window never existed, and its bond goes to the community's account. Anybody can commit and
/// reveal, a participant for its own order too.
/// @dev Warning: a bond is lost only by not revealing. A revealed batch whose orders are all skipped gets its bond back, so who
/// commits to several orders of one participant, or keeps an account just below its margin, decides after it has seen the
/// others' orders which of its own counts, and pays nothing for that.
interface ISealedBatches {
    /// @notice `relayer` committed to a batch and left its bond.
    event Committed(uint256 indexed interval, address indexed relayer, bytes32 indexed seal);
    /// @notice A batch was shown and given to the market; its bond is returned.
    event Revealed(uint256 indexed interval, address indexed relayer, bytes32 indexed seal);
    /// @notice The batch was shown while the market took no orders at all; its relayer could not help it.
    event Returned(uint256 indexed interval, address indexed relayer, bytes32 indexed seal);
    /// @notice A batch was not shown in time; its bond is the community's.
    event Forfeited(uint256 indexed interval, address indexed relayer, bytes32 indexed seal);

    /// @notice The caller has committed to this batch for this interval already.
    error AlreadyCommitted(bytes32 seal);
    /// @notice The caller has committed to no such batch, or it was revealed or forfeited before.
    error UnknownSeal(bytes32 seal);
    /// @notice The interval's reveal window is over.
    error BookClosed(uint256 interval);
    /// @notice Bonds are forfeited from second `until` on.
    error RevealNotOver(uint256 until);

    /// @notice Commits the caller to a batch and takes its bond. Before gate closure, for intervals that take orders.
    /// @param seal what `sealOf` gives for the caller
    function commit(uint256 interval, bytes32 seal) external;

    /// @notice Posts a batch that the caller has committed to, and returns the bond. In the reveal window only.
    /// @dev Warning: whatever makes `post` itself fail, such as bytes that end within an order or a ring slot that nobody
    /// has settled, fails the reveal too. Only while posting is paused, or the supplier is below its margin, the bond is
    /// returned without posting.
    function reveal(uint256 interval, bytes calldata orders, bytes32 salt) external;

    /// @notice Pays the bond of a batch that was not revealed in time into the community's account. Anyone.
    function forfeit(uint256 interval, address relayer, bytes32 seal) external;

    /// @notice What `relayer` commits to. It binds the relayer, so that a copied seal opens nothing.
    /// @param salt anything that nobody can guess
    function sealOf(address relayer, uint256 interval, bytes calldata orders, bytes32 salt)
        external
        pure
        returns (bytes32);

    /// @notice Whether the relayer has committed to the batch and it is neither revealed nor forfeited.
    function isCommitted(uint256 interval, address relayer, bytes32 seal) external view returns (bool);
}
