// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEnergyMarket, Skip} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {ISealedBatches} from "../../../contracts/interfaces/ISealedBatches.sol";
import {Log, vm, within} from "../Vm.sol";
import {IntervalActs} from "./IntervalActs.sol";

/// @title The sealed phase: relayers and participants commit, reveal or do not, and thieves copy what they see
abstract contract SealedActs is IntervalActs {
    /// @dev Two relayers, and a participant for itself.
    uint256 private constant RELAYERS = 3;
    uint256 private constant RELAYER_FUNDS = 1e15;

    /// A batch that somebody has committed to.
    /// @param isCopy its seal is another relayer's: nothing opens it
    /// @param isOut whether its bond is still out
    struct Commitment {
        uint256 interval;
        address relayer;
        bytes orders;
        bytes32 salt;
        bytes32 seal;
        bool isCopy;
        bool isOut;
    }

    Commitment[] private _commitments;
    mapping(address relayer => uint256) private _left;
    uint256 public bondsOut;
    /// What was burnt of bonds, as the events and the forfeits say.
    uint256 public burntInAll;

    function _fundRelayers() internal {
        for (uint256 i; i < RELAYERS; ++i) {
            token.mint(_relayer(i), RELAYER_FUNDS);
            vm.prank(_relayer(i));
            token.approve(address(sealedBatches), type(uint256).max);
        }
    }

    function _relayer(uint256 which) private pure returns (address) {
        which = which % RELAYERS;
        return which == 0 ? _firstWallet(FIRST + 2) : address(uint160(0x20000 + which));
    }

    function commit(uint256 which, uint256 seed) external {
        for (uint256 i = within(seed, 1, RELAYERS); i > 0; --i) {
            _commitAs(_relayer(i), _someInterval(which), uint256(keccak256(abi.encode(seed, i))));
        }
    }

    function _commitAs(address relayer, uint256 interval, uint256 seed) private {
        bytes memory orders = _someOrders(interval, seed);
        // One in sixteen ends within an order.
        if (seed >> 252 == 0) orders = abi.encodePacked(orders, uint8(0));
        _commitTo(relayer, interval, orders, seed);
    }

    function _commitTo(address relayer, uint256 interval, bytes memory orders, uint256 seed) private {
        bytes32 salt = keccak256(abi.encode(seed, "salt"));
        bytes32 seal = sealedBatches.sealOf(relayer, interval, orders, salt);
        _commit(Commitment(interval, relayer, orders, salt, seal, false, true));
    }

    /// A relayer commits to a batch and reveals it as soon as it can.
    function _postSealed(uint256 interval, bytes memory orders, uint256 seed) internal {
        uint256 number = _commitments.length;
        _commitTo(_relayer(1), interval, orders, seed);
        if (_commitments.length == number) return;
        _waitUntil(_gateClosure(interval));
        _reveal(number);
    }

    /// @notice Mostly of the next interval and at its gate closure, mostly all that relayers have for it; half the time the
    /// interval goes on at once.
    function reveal(uint256 which, uint256 seed) external {
        (bool any, uint256 number) = which & 7 == 0 ? _someOut(which >> 3) : _nextOut();
        if (!any) return;
        uint256 interval = _commitments[number].interval;
        if (seed & 7 != 0 && block.timestamp < _gateClosure(interval)) vm.warp(_gateClosure(interval));
        // Now and then the supplier covers more than it holds the margin of: what is not open does not open.
        bool isShort = seed & 448 == 0;
        if (isShort) _coverTimes(4);
        _reveal(number);
        if (isShort) _coverTimes(1);
        if (seed & 24 == 0) return;
        for (uint256 i; i < _commitments.length; ++i) {
            if (_commitments[i].isOut && _commitments[i].interval == interval) _reveal(i);
        }
        if (seed & 32 == 0) this.proceed(seed >> 8);
    }

    function _coverTimes(uint256 times) private {
        uint256 cover = times * registry.totalEnergyLimit();
        vm.prank(_wallet(0));
        registry.setSupplierCover(uint64(cover));
    }

    function forfeit(uint256 which, uint256 seed) external {
        if (seed & 24 == 0) _collect(which);
        (bool any, uint256 number) = _someOut(which);
        if (!any) return;
        uint256 due = _bookClosure(_commitments[number].interval);
        if (seed & 7 == 0 && block.timestamp < due) vm.warp(due);
        _forfeit(number);
    }

    /// @notice Somebody does with another's commitment what only its relayer may do, or what nobody may do.
    function stealSealed(uint256 which, uint256 seed) external {
        try market.post(_someInterval(which), _someOrders(_someInterval(which), seed)) {
            broken = "orders came past the sealed phase";
        } catch {}
        if (_commitments.length == 0) return;
        Commitment memory theirs = _commitments[_commitments.length - 1 - which % _least(_commitments.length, 6)];
        address thief = _relayer(seed);
        if (thief == theirs.relayer) {
            vm.prank(thief);
            try sealedBatches.commit(theirs.interval, theirs.seal) {
                broken = "somebody committed to a batch twice";
            } catch {}
        } else if (!theirs.isCopy) {
            if ((seed >> 8) & 1 == 0) {
                _commit(Commitment(theirs.interval, thief, theirs.orders, theirs.salt, theirs.seal, true, true));
            }
            vm.prank(thief);
            try sealedBatches.reveal(theirs.interval, theirs.orders, theirs.salt) {
                broken = "a thief revealed another's batch";
            } catch {}
        }
        if (_isOut(theirs.interval, theirs.relayer, theirs.seal)) return;
        vm.prank(theirs.relayer);
        try sealedBatches.reveal(theirs.interval, theirs.orders, theirs.salt) {
            broken = "a batch was revealed that is not out";
        } catch {}
        try sealedBatches.forfeit(theirs.interval, theirs.relayer, theirs.seal) {
            broken = "a bond was forfeited that is not out";
        } catch {}
    }

    /// What the relayers that do nothing else have less than they began with.
    function relayersLack() external view returns (uint256 sum) {
        for (uint256 i = 1; i < RELAYERS; ++i) {
            sum += RELAYER_FUNDS - token.balanceOf(_relayer(i)) - sealedBatches.owed(_relayer(i));
        }
    }

    /// What all relayers are owed.
    function owedInAll() external view returns (uint256 sum) {
        for (uint256 i; i < RELAYERS; ++i) {
            sum += sealedBatches.owed(_relayer(i));
        }
    }

    /// Somebody has a relayer paid what it is owed.
    function _collect(uint256 which) private {
        address relayer = _relayer(which);
        (uint256 owed, uint256 before) = (sealedBatches.owed(relayer), token.balanceOf(relayer));
        sealedBatches.collect(relayer);
        if (token.balanceOf(relayer) != before + owed) broken = "a relayer was paid another amount than it is owed";
        if (owed != 0) ++done["collect"];
    }

    /// The bonds that they left and did not get back.
    function relayersLeft() external view returns (uint256 sum) {
        for (uint256 i = 1; i < RELAYERS; ++i) {
            sum += _left[_relayer(i)];
        }
    }

    /// Every bond that is still out is burnt, once the books are closed; every relayer collects.
    function _forfeitAll() internal {
        for (uint256 i; i < _commitments.length; ++i) {
            if (!_commitments[i].isOut) continue;
            _forfeit(i);
            require(!_commitments[i].isOut, "a bond is stuck");
        }
        for (uint256 i; i < RELAYERS && address(sealedBatches) != address(0); ++i) {
            _collect(i);
        }
    }

    function _commit(Commitment memory commitment) private {
        vm.prank(commitment.relayer);
        try sealedBatches.commit(commitment.interval, commitment.seal) {
            if (registry.postingPaused()) broken = "a batch was committed to while posting was paused";
            if (block.timestamp >= _gateClosure(commitment.interval)) broken = "a batch was committed to too late";
            _commitments.push(commitment);
            bondsOut += BOND;
            _left[commitment.relayer] += BOND;
            ++done[commitment.isCopy ? bytes32("copy") : bytes32("commit")];
        } catch {}
    }

    function _reveal(uint256 number) private {
        Commitment memory c = _commitments[number];
        (bool wasOpen, bool taking) = _takes(c.interval);
        bool inWindow = block.timestamp >= _gateClosure(c.interval) && block.timestamp < _bookClosure(c.interval);
        uint256 before = sealedBatches.owed(c.relayer);
        vm.recordLogs();
        vm.prank(c.relayer);
        try sealedBatches.reveal(c.interval, c.orders, c.salt) {
            if (!inWindow) broken = "a batch was revealed too soon or too late";
            if (c.isCopy) broken = "a copied seal was opened";
            _commitments[number].isOut = false;
            bondsOut -= BOND;
            Log[] memory logs = vm.getRecordedLogs();
            uint256 kept = _kept(logs);
            if (sealedBatches.owed(c.relayer) != before + BOND - kept) broken = "a reveal owes another amount";
            _left[c.relayer] -= BOND - kept;
            burntInAll += kept;
            _noteRevealed(c, wasOpen, taking, logs);
        } catch (bytes memory reason) {
            bytes4 why = bytes4(reason);
            bool excused = c.isCopy || !inWindow || why == IEnergyMarket.SlotBusy.selector
                || why == IEnergyMarket.TruncatedBatch.selector;
            if (!excused) broken = "a batch could not be revealed";
            ++done[inWindow ? bytes32("reveal refused") : bytes32("reveal out of time")];
        }
    }

    /// What must be kept of the bond, by the orders that were skipped and why.
    function _kept(Log[] memory logs) private returns (uint256) {
        uint256 faulty;
        uint256 skipped;
        uint256 said;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == ISealedBatches.Revealed.selector) said = abi.decode(logs[i].data, (uint256));
            if (logs[i].topics[0] != IEnergyMarket.OrderSkipped.selector) continue;
            (,, Skip reason) = abi.decode(logs[i].data, (uint256, uint256, Skip));
            ++skipped;
            if (reason != Skip.OverEnvelope) ++faulty;
        }
        // An order above an envelope may have been skipped for another reason first.
        if (said > BOND || (faulty == 0 && said != 0)) broken = "more was kept than orders were skipped";
        if (address(envelopes) == address(0) && (said == 0) != (skipped == 0)) broken = "a skipped order cost nothing";
        if (said != 0) ++done["kept"];
        return said;
    }

    function _noteRevealed(Commitment memory c, bool wasOpen, bool taking, Log[] memory logs) private {
        bool posted;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == ISealedBatches.Revealed.selector) posted = true;
        }
        if (posted != taking) broken = "a bond was returned without a post, or a post made that is not to be";
        ++done[posted ? bytes32("reveal") : bytes32("return")];
        if (posted) _notePosted(c.interval, c.orders, wasOpen, taking, logs);
    }

    function _forfeit(uint256 number) private {
        Commitment memory c = _commitments[number];
        uint256 before = sealedBatches.burnt();
        try sealedBatches.forfeit(c.interval, c.relayer, c.seal) {
            if (block.timestamp < _bookClosure(c.interval)) broken = "a bond was forfeited before its time";
            if (sealedBatches.burnt() != before + BOND) broken = "a forfeited bond is not burnt";
            _commitments[number].isOut = false;
            bondsOut -= BOND;
            burntInAll += BOND;
            ++done["forfeit"];
        } catch {}
    }

    /// One of the first interval that is still to be revealed.
    function _nextOut() private view returns (bool any, uint256 number) {
        for (uint256 i; i < _commitments.length; ++i) {
            Commitment storage c = _commitments[i];
            if (!c.isOut || c.isCopy || block.timestamp >= _bookClosure(c.interval)) continue;
            if (!any || c.interval < _commitments[number].interval) (any, number) = (true, i);
        }
    }

    /// One of the last six that are out.
    function _someOut(uint256 which) private view returns (bool, uint256) {
        uint256[6] memory found;
        uint256 count;
        for (uint256 i = _commitments.length; i > 0 && count < 6; --i) {
            if (_commitments[i - 1].isOut) found[count++] = i - 1;
        }
        return (count != 0, count == 0 ? 0 : found[which % count]);
    }

    function _isOut(uint256 interval, address relayer, bytes32 seal) private view returns (bool) {
        for (uint256 i; i < _commitments.length; ++i) {
            Commitment storage c = _commitments[i];
            if (c.isOut && c.interval == interval && c.relayer == relayer && c.seal == seal) return true;
        }
        return false;
    }

    function _least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
