// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEnergyMarket, Skip} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {OperatingEnvelope} from "../../../contracts/interfaces/IOperatingEnvelopes.sol";
import {Log, vm, within} from "../Vm.sol";
import {Fates} from "./Fates.sol";

/// @title What everybody may offer, and what is offered
abstract contract OfferActs is Fates {
    /* ENVELOPES */

    /// @notice The committee publishes an envelope, or somebody one that must be refused: too wide, of too few or too many
    /// people, under too few signatures, a second one, too late or too soon.
    function publish(uint256 which, uint256 seed) external {
        uint256 interval = _someInterval(which);
        uint256 page = (seed >> 12) & 1;
        uint256 members = page == 0 ? PAGE_SIZE : registry.accountCount() - PAGE_SIZE;
        bytes memory limits = _someLimits(page, members, seed);
        uint256 signatures = (seed >> 8) & 15 == 0 ? 2 : 3;
        bool may = limits.length == 4 * members && _isNarrow(page, limits) && signatures == 3
            && _envelopes[interval][page].length == 0 && block.timestamp < _gateClosure(interval)
            && interval <= block.timestamp / LENGTH + OPEN_AHEAD;

        OperatingEnvelope memory envelope =
            OperatingEnvelope(uint32(interval), uint16(page), bytes32(seed), bytes32(which), limits);
        (uint256 signers, bytes memory signed) = _signedBy(signatures, _envelopeDigest(envelope));
        try envelopes.publishEnvelope(envelope, signers, signed) {
            if (!may) broken = "an envelope was published that must not be";
            _envelopes[interval][page] = limits;
            ++done["publish"];
        } catch {
            if (may) broken = "an envelope was refused";
            ++done["publish refused"];
        }
    }

    /// Nothing for those who never pay in.
    function _someLimits(uint256 page, uint256 members, uint256 seed) private pure returns (bytes memory limits) {
        uint256 flaw = (seed >> 4) & 15;
        limits = new bytes(4 * (flaw == 0 ? members + 1 : flaw == 1 ? members - 1 : members));
        for (uint256 i; i < PEOPLE; ++i) {
            uint256 account = _person(i);
            uint256 at = 4 * (account % PAGE_SIZE);
            if (account / PAGE_SIZE != page || at >= limits.length) continue;
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            (uint256 imports, uint256 mostExports) = _powers(account);
            uint256 exports = mostExports;
            // Many are narrowed, or few, so that lanes can fill; one in a hundred is wider than its connection.
            if (seed & 1 == 0 ? draw % 3 != 0 : draw % 16 == 0) {
                (imports, exports) = (within(draw >> 8, 0, imports), within(draw >> 32, 0, exports));
            }
            if ((draw >> 64) % 97 == 0) exports = mostExports + 1;
            (limits[at], limits[at + 1]) = (bytes1(uint8(imports >> 8)), bytes1(uint8(imports)));
            (limits[at + 2], limits[at + 3]) = (bytes1(uint8(exports >> 8)), bytes1(uint8(exports)));
        }
    }

    function _isNarrow(uint256 page, bytes memory limits) private pure returns (bool) {
        for (uint256 at; at < limits.length; at += 4) {
            (uint256 imports, uint256 exports) = _powers(page * PAGE_SIZE + at / 4);
            if (_word(limits, at) >> 240 > imports || _word(limits, at + 2) >> 240 > exports) return false;
        }
        return true;
    }

    /* POST */

    function post(uint256 which, uint256 seed) external {
        uint256 interval = _someInterval(which);
        _post(interval, _someOrders(interval, seed));
    }

    function _post(uint256 interval, bytes memory orders) internal {
        (bool wasOpen, bool taking) = _takes(interval);
        vm.recordLogs();
        try market.post(interval, orders) {
            _notePosted(interval, orders, wasOpen, taking, vm.getRecordedLogs());
        } catch (bytes memory reason) {
            bytes4 why = bytes4(reason);
            bool excused = !taking || why == IEnergyMarket.GateClosed.selector
                || why == IEnergyMarket.NotYetOpen.selector || why == IEnergyMarket.SlotBusy.selector;
            if (!excused) broken = "a batch could not be posted";
        }
    }

    /// @notice New orders are refused for a while, now and then.
    function pause(uint256 seed) external {
        registry.setPostingPaused(seed & 7 == 0);
        ++done["pause"];
    }

    /// Whether the interval is open, and whether it takes orders, or may be opened, as far as pause and supplier go.
    function _takes(uint256 interval) internal view returns (bool wasOpen, bool taking) {
        (wasOpen,) = _state(interval);
        bool paused = registry.postingPaused() && address(sealedBatches) == address(0);
        taking = !paused && (wasOpen || market.freeBalance(0) >= 0);
    }

    /// Holds what a post did to what it may do.
    function _notePosted(uint256 interval, bytes memory orders, bool wasOpen, bool taking, Log[] memory logs) internal {
        if (!taking) broken = "orders were taken while paused, or with a supplier below its margin";
        if (!wasOpen) _known[interval] = registry.accountCount();
        Skip[] memory reasons = new Skip[](PEOPLE);
        bytes memory records;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IEnergyMarket.OrderSkipped.selector) {
                (uint256 position,, Skip reason) = abi.decode(logs[i].data, (uint256, uint256, Skip));
                reasons[position] = reason;
            }
            if (logs[i].topics[0] == IEnergyMarket.BatchPosted.selector) {
                records = abi.decode(logs[i].data, (bytes));
                _noteBatch(interval, records);
            }
        }
        _holdToRules(interval, orders, reasons, records);
    }

    function _noteBatch(uint256 interval, bytes memory records) private {
        if (batches[interval].length == 0) intervals.push(interval);
        Batch storage batch = batches[interval].push();
        batch.records = records;
        uint256 number = batches[interval].length - 1;
        if (number != 0) batch.previous = market.batchCommitment(interval, number - 1);
        ++done["post"];
    }
}
