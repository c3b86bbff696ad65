// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The oracle committee
interface IGridGate {
    /// @notice From `fromInterval` on a quorum of `members` reports.
    event CommitteeScheduled(uint256 indexed fromInterval, address[] members, uint256 quorum);

    /// @notice Members must be distinct and not zero, and the quorum more than two thirds of them.
    error BadCommittee();
    /// @notice A change must begin after every interval that already takes orders.
    error TooSoon(uint256 fromInterval, uint256 earliest);

    /// @notice Announces who reports from `fromInterval` on. Only the holder of the role "administrator".
    function scheduleCommittee(uint256 fromInterval, address[] calldata members, uint256 quorum) external;

    /// @notice Whether exactly a quorum of the interval's committee signed `digest`.
    /// @param signers bit per member, in the order in which the committee was scheduled
    /// @param signatures 64 bytes (EIP-2098) per signer, in member order
    function isQuorum(uint256 interval, bytes32 digest, uint256 signers, bytes calldata signatures)
        external
        view
        returns (bool);

    /// @notice Delivery period of the markets that this gate serves, seconds: a market of another length is not created with it.
    function intervalLength() external view returns (uint256);
    /// @notice How many intervals ahead those markets take orders; the same holds.
    function openAhead() external view returns (uint256);
    /// @notice Who reports on an interval, and how many of them must sign.
    function committeeAt(uint256 interval) external view returns (address[] memory members, uint256 quorum);
}
