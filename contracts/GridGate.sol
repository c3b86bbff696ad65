// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {Roles} from "./Roles.sol";
import {IGridGate} from "./interfaces/IGridGate.sol";
import {IRoles} from "./interfaces/IRoles.sol";
import {Quorum} from "./libraries/Quorum.sol";

/// @title GridGate: the oracle committee
/// @notice Says whether a quorum of an interval's committee signed. A committee of 3f + 1 with a quorum of 2f + 1 stays
/// right with f liars and alive with f dead. Its keys rotate from a future interval on, so that nobody who already
/// posted an order finds another committee judging it.
contract GridGate is Roles, IGridGate {
    bytes32 private constant ADMINISTRATOR = "administrator";
    uint256 private constant COMMITTEE_MAX = 255;

    /// @inheritdoc IGridGate
    uint256 public immutable intervalLength;
    /// @inheritdoc IGridGate
    uint256 public immutable openAhead;

    /// @dev A committee and the first interval it is for. The keys lie in contract code, 20 bytes each.
    struct Committee {
        uint32 from;
        uint8 quorum;
        address keys;
    }

    address private _administrator;
    /// @dev The latest may lie in the future. It is apart from those before it, ascending in `from`, because every report
    /// and every envelope asks for a committee.
    Committee private _latest;
    Committee[] private _earlier;

    /// @param intervalLength_ of the markets that ask, seconds
    /// @param openAhead_ how many intervals ahead those markets take orders
    constructor(
        address administrator,
        uint256 intervalLength_,
        uint256 openAhead_,
        address[] memory members,
        uint256 quorum
    ) {
        intervalLength = intervalLength_;
        openAhead = openAhead_;
        _give(ADMINISTRATOR, administrator);
        _schedule(0, members, quorum);
    }

    /// @inheritdoc IGridGate
    function scheduleCommittee(uint256 fromInterval, address[] calldata members, uint256 quorum)
        external
        only(ADMINISTRATOR)
    {
        uint256 untouched = block.timestamp / intervalLength + openAhead + 1;
        require(fromInterval >= untouched && fromInterval <= type(uint32).max, TooSoon(fromInterval, untouched));
        // One that no interval which takes orders uses yet is replaced; until the new one begins, the earlier counts.
        if (_latest.from < untouched) _earlier.push(_latest);
        _schedule(fromInterval, members, quorum);
    }

    /// @inheritdoc IGridGate
    function isQuorum(uint256 interval, bytes32 digest, uint256 signers, bytes calldata signatures)
        external
        view
        returns (bool)
    {
        Committee memory committee = _committee(interval);
        return Quorum.reached(digest, SSTORE2.read(committee.keys), signers, signatures, committee.quorum);
    }

    /// @inheritdoc IGridGate
    function committeeAt(uint256 interval) external view returns (address[] memory members, uint256 quorum) {
        Committee memory committee = _committee(interval);
        bytes memory keys = SSTORE2.read(committee.keys);
        members = new address[](keys.length / Quorum.KEY_BYTES);
        for (uint256 i; i < members.length; ++i) {
            members[i] = Quorum.member(keys, i);
        }
        quorum = committee.quorum;
    }

    /// @inheritdoc IRoles
    function holderOf(bytes32 role) public view override returns (address) {
        return role == ADMINISTRATOR ? _administrator : address(0);
    }

    function _setHolder(bytes32, address holder) internal override {
        _administrator = holder;
    }

    function _schedule(uint256 fromInterval, address[] memory members, uint256 quorum) private {
        uint256 size = members.length;
        require(size <= COMMITTEE_MAX && quorum <= size && 3 * quorum > 2 * size, BadCommittee());
        bytes memory keys;
        for (uint256 i; i < size; ++i) {
            require(members[i] != address(0), BadCommittee());
            for (uint256 j; j < i; ++j) {
                require(members[j] != members[i], BadCommittee());
            }
            keys = abi.encodePacked(keys, members[i]);
        }
        _latest = Committee(uint32(fromInterval), uint8(quorum), SSTORE2.write(keys));
        emit CommitteeScheduled(fromInterval, members, quorum);
    }

    function _committee(uint256 interval) private view returns (Committee memory committee) {
        committee = _latest;
        if (committee.from > interval) committee = _earlierCommittee(interval);
    }

    function _earlierCommittee(uint256 interval) private view returns (Committee memory) {
        uint256 i = _earlier.length - 1;
        while (_earlier[i].from > interval) --i;
        return _earlier[i];
    }
}
