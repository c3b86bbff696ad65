// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Skip} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {Participant} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {OrderCodec} from "../../../contracts/libraries/OrderCodec.sol";
import {TickBook} from "../../../contracts/libraries/TickBook.sol";
import {Orders} from "./Orders.sol";

/// @title What must become of every order, and of the book: the naive twin of a post
abstract contract Fates is Orders {
    uint256 private constant SIGNATURE_BYTES = 64;

    mapping(Skip => uint256) public skips;
    /// @dev How many accounts there were when an interval opened.
    mapping(uint256 interval => uint256) internal _known;
    /// @dev The limits that were published, empty before.
    mapping(uint256 interval => mapping(uint256 page => bytes)) internal _envelopes;
    mapping(uint256 account => bool) internal _isLeaving;
    /// @dev Wh that are queued, by side and tick as a step begins with them.
    mapping(uint256 interval => mapping(uint256 rank => uint256)) private _lanes;

    /// Holds what was posted to the rules, order by order, and the book to what was taken.
    /// @param reasons why each order was left out
    /// @param records what the market says that it took; empty if it took nothing
    function _holdToRules(uint256 interval, bytes memory orders, Skip[] memory reasons, bytes memory records) internal {
        uint256 cursor = OrderCodec.COUNT_BYTES;
        uint256 position;
        uint256 taken;
        for (uint256 at; at < orders.length; ++position) {
            Skip fate = _fate(interval, orders, at);
            if (reasons[position] != fate) {
                broken = "an order was taken against a rule, or left out for none or another one";
                return;
            }
            ++skips[fate];
            if (fate == Skip.None) {
                if (!_isRecordOf(interval, orders, at, records, cursor)) {
                    broken = "a record is not its order's";
                    return;
                }
                _queue(interval, orders, at);
                cursor = _next(records, cursor);
                ++taken;
            }
            at += 3 + ORDER_STRIDE * _stepCount(orders, at) + SIGNATURE_BYTES;
        }
        bool complete = taken == 0 ? records.length == 0 : records.length == cursor && _orders(records) == taken;
        if (!complete) broken = "the records are not those of the orders that were taken";
        _holdBook(interval);
    }

    /// Whether an order is taken: the checks in their order, each said as plainly as possible.
    function _fate(uint256 interval, bytes memory orders, uint256 at) private returns (Skip) {
        uint256 account = _participant(orders, at);
        if (!_isWellFormed(orders, at)) return Skip.MalformedSteps;
        if (account < FIRST || account >= _known[interval]) return Skip.UnknownParticipant;
        (Participant memory details, bool suspended) = registry.participant(account);
        if (suspended || _isLeaving[account]) return Skip.Suspended;
        if (market.freeBalance(account) < 0) return Skip.BelowMargin;
        if (_hasOrder[interval][account]) return Skip.DuplicateOrder;

        (uint256 bids, uint256 asks) = _offer(orders, at, ORDER_STRIDE);
        (uint256 imports, uint256 exports, bool narrowed) = _limits(interval, account);
        if (bids > imports || asks > exports) return narrowed ? Skip.OverEnvelope : Skip.OverConnectionLimit;
        if (_signer(interval, orders, at) != details.orderKey) return Skip.BadSignature;
        if (narrowed) ++done["passed an envelope"];
        uint256 fitting = _fitting(interval, orders, at);
        if (fitting == _stepCount(orders, at)) return Skip.None;
        if (fitting != 0) ++done["taken back"];
        return Skip.LaneFull;
    }

    function _isWellFormed(bytes memory orders, uint256 at) private pure returns (bool) {
        uint256 count = _stepCount(orders, at);
        if (count == 0 || count > MAX_STEPS) return false;
        for (uint256 i; i < count; ++i) {
            uint256 step = _stepAt(orders, at, i);
            if (step & QUANTITY_MAX == 0) return false;
            if (i == 0) continue;
            uint256 before = _stepAt(orders, at, i - 1);
            if (step >> 23 <= before >> 23) return false;
            // An ask at or below a bid of its own.
            if (step >> 31 != before >> 31 && (step >> 23) & 0xff <= (before >> 23) & 0xff) return false;
        }
        return true;
    }

    /// What the participant may bid and ask for in the interval, Wh, and whether that is less than its connection
    /// carries.
    function _limits(uint256 interval, uint256 account)
        private
        view
        returns (uint256 imports, uint256 exports, bool narrowed)
    {
        bytes memory limits = _envelopes[interval][account / PAGE_SIZE];
        (uint256 mostImports, uint256 mostExports) = _powers(account);
        (imports, exports) = (mostImports, mostExports);
        uint256 at = 4 * (account % PAGE_SIZE);
        if (at < limits.length) (imports, exports) = (_word(limits, at) >> 240, _word(limits, at + 2) >> 240);
        narrowed = imports != mostImports || exports != mostExports;
        (imports, exports) = (_energy(imports), _energy(exports));
    }

    function _signer(uint256 interval, bytes memory orders, uint256 at) private view returns (address) {
        uint256 signature = at + 3 + ORDER_STRIDE * _stepCount(orders, at);
        uint256 vs = _word(orders, signature + 32);
        bytes32 digest = _orderDigest(interval, orders, at);
        return ecrecover(digest, uint8(27 + (vs >> 255)), bytes32(_word(orders, signature)), bytes32((vs << 1) >> 1));
    }

    /// How many steps of the order find room in their lanes, before one that does not.
    function _fitting(uint256 interval, bytes memory orders, uint256 at) private view returns (uint256 i) {
        uint256 count = _stepCount(orders, at);
        for (; i < count; ++i) {
            uint256 step = _stepAt(orders, at, i);
            if (_lanes[interval][step >> 23] + (step & QUANTITY_MAX) > TickBook.LANE_MAX) return i;
        }
    }

    /// Whether the record at `cursor` says who posted the order and, of every step, what is queued before it.
    function _isRecordOf(uint256 interval, bytes memory orders, uint256 at, bytes memory records, uint256 cursor)
        private
        view
        returns (bool)
    {
        uint256 count = _stepCount(orders, at);
        if (cursor + 3 + RECORD_STRIDE * count > records.length) return false;
        if (_word(records, cursor) >> 232 != _word(orders, at) >> 232) return false;
        for (uint256 i; i < count; ++i) {
            uint256 step = _stepAt(orders, at, i);
            uint256 expected = (step << 32) | _lanes[interval][step >> 23];
            if (_word(records, cursor + 3 + RECORD_STRIDE * i) >> 192 != expected) return false;
        }
        return true;
    }

    function _queue(uint256 interval, bytes memory orders, uint256 at) private {
        uint256 count = _stepCount(orders, at);
        for (uint256 i; i < count; ++i) {
            uint256 step = _stepAt(orders, at, i);
            _lanes[interval][step >> 23] += step & QUANTITY_MAX;
        }
        _hasOrder[interval][_participant(orders, at)] = true;
        if (count >= 6) ++done["order of six steps"];
    }

    function _holdBook(uint256 interval) private {
        for (uint256 i; i < 2 * SPREAD; ++i) {
            uint256 tick = LOWEST_ASK + i;
            bool alike = market.queued(interval, 1, tick) == _lanes[interval][256 | tick];
            tick += BID_ABOVE;
            alike = alike && market.queued(interval, 0, tick) == _lanes[interval][tick];
            if (!alike) broken = "something else is queued than what was taken";
        }
    }

    function _stepAt(bytes memory orders, uint256 at, uint256 i) private pure returns (uint256) {
        return _word(orders, at + 3 + ORDER_STRIDE * i) >> 224;
    }
}
