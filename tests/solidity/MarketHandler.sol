// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BatchData} from "../../contracts/interfaces/IEnergyMarket.sol";
import {BatchWord} from "../../contracts/libraries/BatchWord.sol";
import {vm, within} from "./Vm.sol";
import {Community, Kind} from "./handler/Community.sol";
import {RegistryActs} from "./handler/RegistryActs.sol";

/// @title Everybody at once: participants, relayers, the committee, the metering operator and thieves
/// @notice Each call is one act of somebody at some time. An act that the market refuses is caught: refusing is right,
/// what it leaves behind is what the invariants look at.
contract MarketHandler is RegistryActs {
    constructor(Kind memory kind) Community(kind) {
        if (kind.isSealed) _fundRelayers();
    }

    /// @notice What is done in a market of this kind.
    function acts() external view returns (bytes4[] memory list) {
        bytes4[15] memory always = [
            this.wait.selector,
            this.deposit.selector,
            this.withdraw.selector,
            this.takeOut.selector,
            this.retire.selector,
            this.takeAsStranger.selector,
            this.join.selector,
            this.leave.selector,
            this.govern.selector,
            this.pause.selector,
            this.steal.selector,
            this.tradeAtLarge.selector,
            this.proceed.selector,
            this.actOutOfTurn.selector,
            this.correct.selector
        ];
        bool isSealed = address(sealedBatches) != address(0);
        bool hasEnvelopes = address(envelopes) != address(0);
        list = new bytes4[](always.length + (isSealed ? 4 : 1) + (hasEnvelopes ? 1 : 0));
        uint256 count;
        for (; count < always.length; ++count) {
            list[count] = always[count];
        }
        if (isSealed) {
            list[count++] = this.commit.selector;
            list[count++] = this.reveal.selector;
            list[count++] = this.forfeit.selector;
            list[count++] = this.stealSealed.selector;
        } else {
            list[count++] = this.post.selector;
        }
        if (hasEnvelopes) list[count] = this.publish.selector;
    }

    /* TIME AND MONEY */

    function wait(uint256 time) external {
        vm.warp(block.timestamp + within(time, 1, 2800));
    }

    /// @notice Everybody who is below its margin comes back to it, and somebody pays in something.
    function deposit(uint256 account, uint256 amount) external {
        _topUp();
        account = _someAccount(account, 0);
        // Little to the accounts that payments only pass through, so that they come to owe.
        bool passes = account != 0 && account < FIRST;
        amount = within(amount, 0, passes ? 100 : 10_000_000);
        (int256 cash,) = market.account(account);
        bool fits = account < FIRST || cash + int256(amount) <= DEPOSIT_MAX;
        if (fits && account < registry.accountCount()) _deposit(account, amount);
    }

    function withdraw(uint256 account, uint256 amount) external {
        account = _someAccount(account, 0);
        int256 free = market.freeBalance(account);
        // Mostly what can be had, sometimes a little more.
        uint256 most = free < 0 ? 1000 : uint256(free) + 10;
        _withdraw(account, within(amount, 0, most));
        // The community takes all that it may: decisions that do not balance leave it owing.
        free = market.freeBalance(3);
        if (free > 0) _withdraw(3, uint256(free));
    }

    function takeOut(uint256 account, uint256 amount) external {
        int256 energy;
        for (uint256 i; i < PEOPLE && energy <= 0; ++i) {
            account = _someAccount(account + i, 2);
            (, energy) = market.account(account);
        }
        amount = within(amount, 0, energy < 0 ? 10 : uint256(energy) + 1);
        vm.prank(_wallet(account));
        try market.takeOutEnergy(account, amount) {
            done["takeOut"] += amount;
        } catch {}
    }

    function retire(uint256 account, uint256 amount) external {
        address owner = _wallet(_person(account % PEOPLE));
        amount = within(amount, 0, energyToken.balanceOf(owner));
        vm.prank(owner);
        energyToken.retire(amount);
        retired += amount;
    }

    function join(uint256 seed) external {
        if (seed & 7 != 0 || registry.accountCount() == _accountsInAll()) return;
        _register(1, true);
        ++done["join"];
    }

    /// Two at most leave, so that a market remains.
    function leave(uint256 account, uint256 seed) external {
        account = within(account, FIRST, FIRST + 1);
        if (seed & 7 == 0) {
            vm.prank(_wallet(account));
            try market.requestExit(account) {
                _isLeaving[account] = true;
            } catch {}
        }
        try market.finishExit(account) {
            ++done["exit"];
            (int256 cash,) = market.account(account);
            if (cash > 0) _withdraw(account, uint256(cash));
        } catch {}
    }

    /* THIEVES */

    function steal(uint256 which, uint256 seed) external {
        try energyToken.mint(address(this), 1) {
            broken = "a thief minted";
        } catch {}
        uint256 interval = _pick(which);
        if (batches[interval].length == 0) return;
        Batch storage batch = batches[interval][0];
        BatchData memory altered = _data(batch);
        altered.records[seed % altered.records.length] ^= bytes1(uint8(1 << (seed % 8)));
        try market.settle(interval, 0, altered) {
            broken = "altered records were settled";
        } catch {}
        altered = _data(batch);
        altered.previous = BatchWord.wrap(BatchWord.unwrap(altered.previous) ^ bytes32(1 << (seed % 256)));
        try market.settle(interval, 0, altered) {
            broken = "a batch was settled after another";
        } catch {}
        if (batch.settled) {
            try market.settle(interval, 0, _data(batch)) {
                broken = "a batch was settled twice";
            } catch {}
        }
    }

    /* SILENCE */

    /// @notice The committee and the metering operator act no more. Time passes, what anyone may call is called, and everybody
    /// leaves, also who lost its wallet or will not: then the supplier stands for nobody and takes all that it has.
    function everyoneLeaves() external {
        vm.warp(block.timestamp + 4 * LENGTH + CORRECTION_WINDOW);
        _forfeitAll();
        for (uint256 i; i < intervals.length; ++i) {
            uint256 interval = intervals[i];
            try market.clear(interval) {} catch {}
            try market.expire(interval) {} catch {}
            for (uint256 j; j < batches[interval].length; ++j) {
                if (!batches[interval][j].settled) {
                    // Late, nobody's margin stands for it: the supplier must hold more than its own.
                    _deposit(0, market.marginOf(0));
                    _settle(interval, j);
                }
                require(batches[interval][j].settled, "a batch cannot be settled");
            }
        }
        _allLeave();
        for (uint256 i; i < PEOPLE && _person(i) < registry.accountCount(); ++i) {
            (int256 cash,) = market.account(_person(i));
            if (cash > 0) require(_withdraw(_person(i), uint256(cash)), "what is owed cannot be withdrawn");
        }
        uint256 registered = registry.totalEnergyLimit();
        vm.prank(_wallet(0));
        registry.setSupplierCover(uint64(registered));
        require(market.marginOf(0) == 0, "the supplier stands for somebody who has left");
        int256 free = market.freeBalance(0);
        if (free > 0) require(_withdraw(0, uint256(free)), "the supplier cannot leave");
    }
}
