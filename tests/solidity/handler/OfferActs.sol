// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEnergyMarket, Skip} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {OperatingEnvelope} from "../../../contracts/interfaces/IOperatingEnvelopes.sol";
import {OrderCodec} from "../../../contracts/libraries/OrderCodec.sol";
import {Log, vm, within} from "../Vm.sol";
import {Papers} from "./Papers.sol";

/// @title What everybody may offer, and what is offered
/// @notice What was taken and what was left out is held to the limits that counted when it was posted.
abstract contract OfferActs is Papers {
    uint256 private constant ORDER_SIGNATURE_BYTES = 64;

    mapping(Skip => uint256) public skips;
    /// @dev The limits that were published, empty before.
    mapping(uint256 interval => bytes) private _envelopes;

    /* ENVELOPES */

    /// @notice The committee publishes an envelope, or somebody one that must be refused: too wide, of too few or too many
    /// people, under too few signatures, a second one, too late or too soon.
    function publish(uint256 which, uint256 seed) external {
        uint256 interval = _someInterval(which);
        bytes memory limits = _someLimits(seed);
        uint256 signatures = (seed >> 8) & 15 == 0 ? 2 : 3;
        bool may = limits.length == 4 * registry.accountCount() && _isNarrow(limits) && signatures == 3
            && _envelopes[interval].length == 0 && block.timestamp < _gateClosure(interval)
            && interval <= block.timestamp / LENGTH + OPEN_AHEAD;

        OperatingEnvelope memory envelope =
            OperatingEnvelope(uint32(interval), 0, bytes32(seed), bytes32(which), limits);
        (uint256 signers, bytes memory signed) = _signedBy(signatures, _envelopeDigest(envelope));
        try envelopes.publishEnvelope(envelope, signers, signed) {
            if (!may) broken = "an envelope was published that must not be";
            _envelopes[interval] = limits;
            ++done["publish"];
        } catch {
            if (may) broken = "an envelope was refused";
            ++done["publish refused"];
        }
    }

    function _someLimits(uint256 seed) private view returns (bytes memory limits) {
        limits = new bytes(4 * FIRST);
        uint256 count = registry.accountCount() + ((seed >> 4) & 15 == 0 ? 1 : 0) - ((seed >> 4) & 15 == 1 ? 1 : 0);
        for (uint256 account = FIRST; account < count; ++account) {
            uint256 draw = uint256(keccak256(abi.encode(seed, account)));
            // One in three is not narrowed, one in a hundred is wider than its connection.
            uint256 imports = draw % 3 == 0 ? POWER : within(draw >> 8, 0, POWER);
            uint256 exports = draw % 3 == 0 ? POWER : within(draw >> 16, 0, POWER);
            if ((draw >> 32) % 97 == 0) exports = POWER + 1;
            limits = abi.encodePacked(limits, uint16(imports), uint16(exports));
        }
    }

    function _isNarrow(bytes memory limits) private pure returns (bool) {
        for (uint256 at; at < limits.length; at += 2) {
            if (_participant(limits, at) > POWER) return false;
        }
        return true;
    }

    /// What the participant may bid and ask for in the interval, Wh, and whether that is less than its connection carries.
    function _limits(uint256 interval, uint256 account)
        private
        view
        returns (uint256 imports, uint256 exports, bool narrowed)
    {
        bytes storage limits = _envelopes[interval];
        (imports, exports) = (POWER, POWER);
        if (4 * account + 4 <= limits.length) {
            imports = uint8(limits[4 * account + 1]);
            exports = uint8(limits[4 * account + 3]);
        }
        narrowed = imports < POWER || exports < POWER;
        (imports, exports) = (imports * 100 * LENGTH / 3600, exports * 100 * LENGTH / 3600);
    }

    /* POST */

    function post(uint256 which, uint256 seed) external {
        uint256 interval = _someInterval(which);
        bytes memory orders = _someOrders(interval, seed);
        (bool wasOpen, bool taking) = _takes(interval);
        vm.recordLogs();
        try market.post(interval, orders) {
            _notePosted(interval, orders, wasOpen, taking, vm.getRecordedLogs());
        } catch {}
    }

    /// @notice New orders are refused for a while, now and then.
    function pause(uint256 seed) external {
        registry.setPostingPaused(seed & 7 == 0);
        ++done["pause"];
    }

    /// Whether the interval is open, and whether it takes orders, or may be opened, as far as pause and supplier go.
    function _takes(uint256 interval) internal view returns (bool wasOpen, bool taking) {
        (wasOpen,) = _state(interval);
        taking = !registry.postingPaused() && (wasOpen || market.freeBalance(0) >= 0);
    }

    /// Holds what a post did to what it may do.
    function _notePosted(uint256 interval, bytes memory orders, bool wasOpen, bool taking, Log[] memory logs) internal {
        if (!taking) broken = "orders were taken while paused, or with a supplier below its margin";
        if (!wasOpen) known[interval] = registry.accountCount();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IEnergyMarket.OrderSkipped.selector) {
                (uint256 position,, Skip reason) = abi.decode(logs[i].data, (uint256, uint256, Skip));
                _noteSkipped(interval, orders, position, reason);
            }
            if (logs[i].topics[0] == IEnergyMarket.BatchPosted.selector) {
                _noteBatch(interval, abi.decode(logs[i].data, (bytes)));
            }
        }
    }

    function _noteSkipped(uint256 interval, bytes memory orders, uint256 position, Skip reason) private {
        ++skips[reason];
        if (reason != Skip.OverConnectionLimit && reason != Skip.OverEnvelope) return;
        uint256 at;
        for (; position > 0; --position) {
            at += 3 + 4 * uint256(uint8(orders[at + 2])) + ORDER_SIGNATURE_BYTES;
        }
        (uint256 bids, uint256 asks) = _offer(orders, at, 4);
        (uint256 imports, uint256 exports, bool narrowed) = _limits(interval, _participant(orders, at));
        if (bids <= imports && asks <= exports) broken = "an order within its limits was left out for them";
        if (narrowed != (reason == Skip.OverEnvelope)) {
            broken = "an order was left out for another limit than it is over";
        }
    }

    function _noteBatch(uint256 interval, bytes memory records) private {
        if (batches[interval].length == 0) intervals.push(interval);
        Batch storage batch = batches[interval].push();
        batch.records = records;
        uint256 number = batches[interval].length - 1;
        if (number != 0) batch.previous = market.batchCommitment(interval, number - 1);
        for (uint256 at = OrderCodec.COUNT_BYTES; at < records.length; at = _next(records, at)) {
            uint256 account = _participant(records, at);
            if (account >= known[interval]) broken = "an interval took an order of somebody it does not know";
            (uint256 bids, uint256 asks) = _offer(records, at, 8);
            (uint256 imports, uint256 exports, bool narrowed) = _limits(interval, account);
            if (bids > imports || asks > exports) broken = "an order above its limits was taken";
            if (narrowed) ++done["taken within an envelope"];
        }
        ++done["post"];
    }
}
