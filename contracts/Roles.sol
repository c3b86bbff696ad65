// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IRoles} from "./interfaces/IRoles.sol";

/// @title Roles: who may do what only one may do
/// @dev A contract keeps the holders itself, so that they can lie in the words that are read with them.
abstract contract Roles is IRoles {
    /// @inheritdoc IRoles
    mapping(bytes32 role => address) public offeredTo;

    modifier only(bytes32 role) {
        require(msg.sender == holderOf(role), NotAllowed(msg.sender));
        _;
    }

    /// @inheritdoc IRoles
    function offerRole(bytes32 role, address next) external only(role) {
        offeredTo[role] = next;
        emit RoleOffered(role, next);
    }

    /// @inheritdoc IRoles
    function acceptRole(bytes32 role) external {
        require(msg.sender == offeredTo[role], NotAllowed(msg.sender));
        delete offeredTo[role];
        _give(role, msg.sender);
    }

    /// @inheritdoc IRoles
    function holderOf(bytes32 role) public view virtual returns (address);

    function _give(bytes32 role, address holder) internal {
        _setHolder(role, holder);
        emit RoleChanged(role, holder);
    }

    /// @dev Of a role of this contract: nobody holds another, so nobody is offered one.
    function _setHolder(bytes32 role, address holder) internal virtual;
}
