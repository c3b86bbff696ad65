// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ICorrections} from "../../contracts/interfaces/ICorrections.sol";
import {IEnergyMarket, Interval, Skip} from "../../contracts/interfaces/IEnergyMarket.sol";
import {IMarginAccounts} from "../../contracts/interfaces/IMarginAccounts.sol";
import {Pricing} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {ISealedBatches} from "../../contracts/interfaces/ISealedBatches.sol";
import {Log, compact, vm} from "./Vm.sol";
import {Community, Kind} from "./handler/Community.sol";
import {Orders} from "./handler/Orders.sol";

/// @title One order of one home, and what it is in the next interval that takes orders
abstract contract OneOrder is Orders {
    uint256 internal constant HOME = 4;

    function _last() internal view returns (uint256) {
        return block.timestamp / LENGTH + OPEN_AHEAD;
    }

    /// An order of an account to buy something.
    function _order(uint256 interval, uint256 account) internal view returns (bytes memory order) {
        order = abi.encodePacked(uint16(account), uint8(1), uint32((40 << 23) | 600));
        return abi.encodePacked(order, compact(_orderKey(account), _orderDigest(interval, order, 0)));
    }

    function _refused(address target, bytes memory call, bytes4 error) internal {
        (bool taken, bytes memory why) = target.call(call);
        require(!taken, "it was taken");
        require(bytes4(why) == error, "it was refused for another reason");
    }
}

/// @title What an interval keeps of a slot, of its batches' words, and of who may leave
contract RingTest is OneOrder {
    constructor() Community(Kind(Pricing.Uniform, false, false, 20, 0)) {}

    function test_finishExit_waitsForTheLastIntervalThatMayHoldAnOrder() external {
        uint256 interval = _last();
        _post(interval, HOME);
        vm.prank(_wallet(HOME));
        market.requestExit(HOME);
        _refused(address(market), abi.encodeCall(market.finishExit, (HOME)), IMarginAccounts.OpenPosition.selector);
        _expire(interval);
        vm.warp(_readingsDeadline(interval));
        _refused(address(market), abi.encodeCall(market.finishExit, (HOME)), IMarginAccounts.OpenPosition.selector);
        market.settle(interval, 0, _data(batches[interval][0]));
        market.finishExit(HOME);
        require(market.marginOf(HOME) == 0, "its margin is held on");
    }

    function test_post_knowsNobodyWhoWasRegisteredAfterTheOpening() external {
        uint256 interval = _last();
        market.post(interval, "");
        uint256 account = registry.accountCount();
        _register(1, true);
        require(_skipped(interval, account) == uint256(Skip.UnknownParticipant), "the newcomer is known");
        vm.warp(block.timestamp + LENGTH);
        _post(interval + 1, account);
    }

    function test_settle_ofALeftIntervalTakesEachBatchOnce() external {
        uint256 interval = _last();
        _post(interval, HOME);
        _post(interval, HOME + 2);
        _expire(interval);
        vm.warp(_readingsDeadline(interval));
        market.settle(interval, 0, _data(batches[interval][0]));
        vm.warp((interval + RING - OPEN_AHEAD) * LENGTH);
        _post(interval + RING, HOME);
        bytes memory again = abi.encodeCall(market.settle, (interval, 0, _data(batches[interval][0])));
        _refused(address(market), again, IEnergyMarket.AlreadySettled.selector);
        market.settle(interval, 1, _data(batches[interval][1]));
        again = abi.encodeCall(market.settle, (interval, 1, _data(batches[interval][1])));
        _refused(address(market), again, IEnergyMarket.AlreadySettled.selector);
    }

    /// What is told apart is at least as long as corrections are booked: one lap less, and this interval's first batch would
    /// have the word of the other's.
    function test_post_leavesTheWordsOfWhatMayStillBeCorrected() external {
        uint256 interval = _last();
        _post(interval, HOME);
        _expire(interval);
        vm.warp(_readingsDeadline(interval));
        Interval memory settled = market.intervalState(interval);
        market.settle(interval, 0, _data(batches[interval][0]));
        uint256 lap = RING * LENGTH;
        uint256 later = interval + RING * ((CORRECTION_WINDOW + 2 * CORRECTION_DELAY + lap - 1) / lap);
        vm.warp((later - OPEN_AHEAD) * LENGTH);
        require(
            block.timestamp < (interval + 1) * LENGTH + CORRECTION_WINDOW + 2 * CORRECTION_DELAY, "nothing is corrected"
        );
        _post(later, HOME);
        // Its word is found, and what is not there is the proposal.
        bytes memory call = abi.encodeCall(
            market.correct,
            (interval, 0, settled.terms, settled.clearing, _data(batches[interval][0]), new bytes(8), 2, 0)
        );
        _refused(address(market), call, ICorrections.NotProposed.selector);
    }

    function _post(uint256 interval, uint256 account) private {
        uint256 number = batches[interval].length;
        require(_skipped(interval, account) == type(uint256).max, "the order was skipped");
        if (number != 0) batches[interval][number].previous = market.batchCommitment(interval, number - 1);
    }

    /// Posts an order, and says why it was skipped; the greatest number: it was taken.
    function _skipped(uint256 interval, uint256 account) private returns (uint256 reason) {
        vm.recordLogs();
        market.post(interval, _order(interval, account));
        Log[] memory logs = vm.getRecordedLogs();
        reason = type(uint256).max;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IEnergyMarket.BatchPosted.selector) {
                batches[interval].push().records = abi.decode(logs[i].data, (bytes));
            } else if (logs[i].topics[0] == IEnergyMarket.OrderSkipped.selector) {
                (,, uint256 why) = abi.decode(logs[i].data, (uint256, uint256, uint256));
                reason = why;
            }
        }
    }

    /// The committee is silent.
    function _expire(uint256 interval) private {
        vm.warp(interval * LENGTH - GATE_LEAD + REPORT_WINDOW);
        market.clear(interval);
        market.expire(interval);
    }

    function _readingsDeadline(uint256 interval) private pure returns (uint256) {
        return (interval + 1) * LENGTH + ATTEST_WINDOW + OVERRULE_WINDOW;
    }
}

/// @title The last second of the reveal window
contract RevealTest is OneOrder {
    constructor() Community(Kind(Pricing.Uniform, true, false, 20, 0)) {}

    function test_reveal_endsAtTheBooksClosureItself() external {
        uint256 interval = _last();
        bytes memory orders = _order(interval, HOME);
        bytes32 seal = sealedBatches.sealOf(address(this), interval, orders, 0);
        token.approve(address(sealedBatches), type(uint256).max);
        sealedBatches.commit(interval, seal);
        vm.warp(_bookClosure(interval));
        bytes memory call = abi.encodeCall(ISealedBatches.reveal, (interval, orders, 0));
        _refused(address(sealedBatches), call, ISealedBatches.BookClosed.selector);
        vm.warp(block.timestamp - 1);
        sealedBatches.reveal(interval, orders, 0);
    }
}
