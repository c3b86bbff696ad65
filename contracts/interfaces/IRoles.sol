// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Roles, each with one holder, who hands it over in two steps
/// @notice A role is named by its word in ASCII. Its holder offers it to somebody, who holds it once it accepts: a role is
/// never given to an address that nobody has the key of.
interface IRoles {
    /// @notice A role's holder offers it to `next`; an earlier offer of it no longer counts.
    event RoleOffered(bytes32 indexed role, address indexed next);
    /// @notice A role has a new holder.
    event RoleChanged(bytes32 indexed role, address indexed holder);

    /// @notice The caller does not hold the role that this needs, or was not offered the one that it would take.
    error NotAllowed(address caller);

    /// @notice Offers a role to `next`. Only the role's holder, who can take the offer back by another one, to nobody for
    /// instance.
    function offerRole(bytes32 role, address next) external;

    /// @notice Takes a role over. Only whom its holder offered it to last.
    /// @dev Warning: a holder that lost its key cannot be replaced.
    function acceptRole(bytes32 role) external;

    /// @notice Who holds a role; zero for a role that this contract does not know.
    function holderOf(bytes32 role) external view returns (address);

    /// @notice To whom a role is offered; zero for nobody.
    function offeredTo(bytes32 role) external view returns (address);
}
