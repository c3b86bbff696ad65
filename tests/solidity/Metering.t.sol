// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ICorrections, MeterReading} from "../../contracts/interfaces/ICorrections.sol";
import {BatchData, IEnergyMarket, NetworkReport} from "../../contracts/interfaces/IEnergyMarket.sol";
import {IMarginAccounts} from "../../contracts/interfaces/IMarginAccounts.sol";
import {Pricing} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {SystemAccount} from "../../contracts/libraries/AccountLib.sol";
import {Terms, Verdict} from "../../contracts/libraries/Terms.sol";
import {Log, compact, vm} from "./Vm.sol";
import {Community, Kind} from "./handler/Community.sol";
import {Orders} from "./handler/Orders.sol";

/// @title What the metering operator may say, and what it moves
/// @dev One home sells 600 Wh to another. The seller's order is the first batch, the buyer's the second.
contract MeteringTest is Orders {
    uint256 private constant SELLER = 4;
    uint256 private constant BUYER = 6;
    uint256 private constant SOLD = 600;
    uint256 private constant EXPORTS = 3000;
    uint256 private constant FEED_IN = 80;
    uint256 private constant RETAIL = 300;

    uint256 private _interval;

    constructor() Community(Kind(Pricing.Uniform, false, false, 20, 0)) {}

    /* ATTEST, SETTLE */

    function test_attest_refusesAMetersSignatureAndAStatusThatMeansNothing() external {
        _gated();
        vm.warp((_interval + 1) * LENGTH);
        for (uint256 status = 2; status < 4; ++status) {
            bytes[] memory readings = _both(_reading(status, 0, SOLD), _reading(1, SOLD, 0));
            bytes memory signature = _attestation(_interval, readings, SOLD);
            _refused(
                address(market),
                abi.encodeCall(market.attest, (_interval, readings, SOLD, signature)),
                IEnergyMarket.MeterSignedReading.selector
            );
        }
    }

    function test_attest_refusesReadingsOfOtherRecords() external {
        _gated();
        vm.warp((_interval + 1) * LENGTH);
        bytes[] memory readings = _both(_reading(1, 0, SOLD), _reading(1, SOLD, 0));
        bytes memory signature = _attestation(_interval, readings, SOLD);
        // The same readings at the other order's place.
        (readings[0], readings[1]) = (readings[1], readings[0]);
        _refused(
            address(market),
            abi.encodeCall(market.attest, (_interval, readings, SOLD, signature)),
            IEnergyMarket.NotAttestedByOperator.selector
        );
    }

    function test_settle_waitsUntilMetersMayNotOverruleAnyMore() external {
        _gated();
        vm.warp((_interval + 1) * LENGTH + ATTEST_WINDOW + OVERRULE_WINDOW - 1);
        bytes memory call = abi.encodeCall(market.settle, (_interval, 0, _data(batches[_interval][0])));
        _refused(address(market), call, IEnergyMarket.TooEarly.selector);
        vm.warp(block.timestamp + 1);
        _settleBatch(0);
    }

    /* IN FLIGHT */

    function test_withdraw_givesTheCommunityNothingThatIsInFlight() external {
        _attested();
        _settleBatch(1);
        require(market.freeBalance(SystemAccount.COMMUNITY) > 0, "nothing is in flight");
        vm.prank(_wallet(SystemAccount.COMMUNITY));
        _refused(
            address(market),
            abi.encodeCall(market.withdraw, (SystemAccount.COMMUNITY, 1)),
            IMarginAccounts.InFlight.selector
        );
        _settleBatch(0);
        vm.prank(_wallet(SystemAccount.COMMUNITY));
        market.withdraw(SystemAccount.COMMUNITY, 0);
    }

    function test_takeOutEnergy_givesTheMeteringOperatorNothing() external {
        _attested();
        _settleBatch(0);
        (, int256 energy) = market.account(SystemAccount.METERING_OPERATOR);
        require(energy == int256(SOLD), "nothing is in flight");
        vm.prank(_wallet(SystemAccount.METERING_OPERATOR));
        _refused(
            address(market),
            abi.encodeCall(market.takeOutEnergy, (SystemAccount.METERING_OPERATOR, 1)),
            IMarginAccounts.AboveEnergyCredit.selector
        );
    }

    function test_takeOutEnergy_givesNoMoreThanMetersRecorded() external {
        _gated();
        vm.warp((_interval + 1) * LENGTH);
        bytes[] memory readings = _both(_reading(1, 0, 1), _reading(1, SOLD, 0));
        _attest(readings, SOLD);
        _settleBoth();
        (, int256 credit) = market.account(BUYER);
        require(credit == int256(SOLD), "the buyer is credited what nobody delivered");
        vm.prank(_wallet(BUYER));
        _refused(
            address(market),
            abi.encodeCall(market.takeOutEnergy, (BUYER, 2)),
            IMarginAccounts.AboveEnergyCredit.selector
        );
        vm.prank(_wallet(BUYER));
        market.takeOutEnergy(BUYER, 1);
    }

    /* CORRECT */

    function test_correct_refusesTheSameRunTwice() external {
        _settled();
        bytes memory up = _reading(1, 0, SOLD + 10);
        _proposeFor(0, 2, up);
        _proposeFor(0, 2, _reading(1, 0, SOLD));
        _book(0, 2, up);
        _refused(address(market), _booking(0, 2, up), IEnergyMarket.OldRun.selector);
        _refused(address(market), _booking(0, 2, _reading(1, 0, SOLD)), IEnergyMarket.OldRun.selector);
        _refused(address(market), _booking(0, 1, up), IEnergyMarket.OldRun.selector);
    }

    function test_correct_refusesANumberAbove32BitsForTheInterval() external {
        _settled();
        bytes memory up = _reading(1, 0, SOLD + 10);
        _proposeFor(0, 2, up);
        Batch storage batch = batches[_interval][0];
        // The word is found by the number's rest and made from its lower 40 bits.
        uint256 alias_ = _interval + (_batchRing() << 40);
        bytes memory call =
            abi.encodeCall(market.correct, (alias_, 0, batch.terms, batch.clearing, _data(batch), up, 2, uint40(SOLD)));
        _refused(address(market), call, IEnergyMarket.NotCommitted.selector);
        _book(0, 2, up);
    }

    function test_correct_refusesAMetersSignatureAndAStatusThatMeansNothing() external {
        _settled();
        for (uint256 status = 2; status < 4; ++status) {
            bytes memory claimed = _reading(status, 0, SOLD);
            _proposeFor(0, uint16(status), claimed);
            _refused(address(market), _booking(0, uint16(status), claimed), IEnergyMarket.MeterSignedReading.selector);
        }
    }

    function test_correct_leavesTheSupplierTheMarginThatItHolds() external {
        _settled();
        int256 free = market.freeBalance(SystemAccount.SUPPLIER);
        vm.prank(_wallet(SystemAccount.SUPPLIER));
        market.withdraw(SystemAccount.SUPPLIER, uint256(free));
        bytes memory up = _reading(1, 0, SOLD + 10);
        _proposeFor(0, 2, up);
        _refused(address(market), _booking(0, 2, up), IEnergyMarket.SupplierShort.selector);
        market.deposit(SystemAccount.SUPPLIER, 10 * FEED_IN - 1);
        _refused(address(market), _booking(0, 2, up), IEnergyMarket.SupplierShort.selector);
        market.deposit(SystemAccount.SUPPLIER, 1);
        _book(0, 2, up);
        require(market.freeBalance(SystemAccount.SUPPLIER) == 0);
    }

    function test_correct_waitsForItsDelay() external {
        _settled();
        bytes memory up = _reading(1, 0, SOLD + 10);
        _refused(address(market), _booking(0, 2, up), ICorrections.NotProposed.selector);
        uint256 from = corrections.bookableFrom(_proposeFor(0, 2, up));
        vm.warp(from - 1);
        _refused(address(market), _booking(0, 2, up), IEnergyMarket.TooEarly.selector);
        vm.warp(from);
        _book(0, 2, up);
    }

    function test_correct_refusesWhatAMeterContradicts() external {
        _settled();
        bytes memory up = _reading(1, SOLD + 1, 0);
        _proposeFor(1, 2, up);
        MeterReading memory own = MeterReading(uint32(_interval), uint16(BUYER), uint32(SOLD), 0, 7, 9);
        bytes32 digest = _digest(keccak256(abi.encode(_READING_TYPEHASH, own)));
        _refused(
            address(corrections),
            abi.encodeCall(corrections.contest, (own, compact(_orderKey(BUYER), digest))),
            ICorrections.NotSignedByMeter.selector
        );
        corrections.contest(own, compact(_meterKey(BUYER), digest));
        _refused(address(market), _booking(1, 2, up), ICorrections.ContestedReading.selector);
        _proposeFor(1, 3, up);
        _refused(address(market), _booking(1, 3, up), ICorrections.ContestedReading.selector);
    }

    function test_correct_movesNoMoreThanTheCapOnADay() external {
        _settled();
        // What one correction moves, back and forth: a day has no room for as many as it has hours.
        uint256 step = (EXPORTS - SOLD) * FEED_IN;
        uint256 bookings = CORRECTION_CAP / step;
        for (uint16 run = 2; run < bookings + 4; ++run) {
            _proposeFor(0, run, _upOrDown(run));
        }
        vm.warp((block.timestamp / 1 days + 2) * 1 days);
        for (uint16 run = 2; run < bookings + 2; ++run) {
            _book(0, run, _upOrDown(run));
        }
        uint16 next = uint16(bookings + 2);
        require(corrections.left() == CORRECTION_CAP - bookings * step);
        _refused(address(market), _booking(0, next, _upOrDown(next)), ICorrections.AboveCorrectionCap.selector);
        vm.warp(block.timestamp + 1 days);
        _book(0, next, _upOrDown(next));
    }

    function _upOrDown(uint16 run) private pure returns (bytes memory) {
        return _reading(1, 0, run % 2 == 0 ? EXPORTS : SOLD);
    }

    /* PLAY */

    bytes32 private constant _READING_TYPEHASH = keccak256(
        "MeterReading(uint32 interval,uint16 participant,uint32 imported,uint32 exported,uint48 importRegister,uint48 exportRegister)"
    );

    function _gated() private {
        _topUp();
        _interval = block.timestamp / LENGTH + OPEN_AHEAD;
        _postAlone(SELLER, uint32((1 << 31) | (20 << 23) | SOLD));
        _postAlone(BUYER, uint32((40 << 23) | SOLD));
        vm.warp(_interval * LENGTH - GATE_LEAD);
        market.clear(_interval);
        NetworkReport memory r;
        (r.interval, r.verdict, r.volume) = (uint32(_interval), Verdict.Accept, uint40(SOLD));
        r.clearingHash = market.clearingHash(_interval);
        bytes32 digest = _digest(keccak256(abi.encode(REPORT_TYPEHASH, r)));
        (uint256 signers, bytes memory signatures) = _signedBy(3, digest);
        market.report(r, new bytes[](0), signers, signatures);
    }

    function _postAlone(uint256 account, uint32 step) private {
        bytes memory order = abi.encodePacked(uint16(account), uint8(1), step);
        order = abi.encodePacked(order, compact(_orderKey(account), _orderDigest(_interval, order, 0)));
        vm.recordLogs();
        market.post(_interval, order);
        Log[] memory logs = vm.getRecordedLogs();
        Batch storage batch = batches[_interval].push();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IEnergyMarket.BatchPosted.selector) {
                batch.records = abi.decode(logs[i].data, (bytes));
            }
        }
        require(batch.records.length != 0, "the order was skipped");
        uint256 number = batches[_interval].length - 1;
        if (number != 0) batch.previous = market.batchCommitment(_interval, number - 1);
    }

    function _attested() private {
        _gated();
        vm.warp((_interval + 1) * LENGTH);
        _attest(_both(_reading(1, 0, SOLD), _reading(1, SOLD, 0)), SOLD);
        vm.warp((_interval + 1) * LENGTH + ATTEST_WINDOW + OVERRULE_WINDOW);
    }

    function _attest(bytes[] memory readings, uint256 delivered) private {
        market.attest(_interval, readings, delivered, _attestation(_interval, readings, delivered));
        for (uint256 i; i < readings.length; ++i) {
            batches[_interval][i].readings = readings[i];
        }
    }

    function _settled() private {
        _attested();
        _settleBoth();
    }

    function _settleBoth() private {
        vm.warp((_interval + 1) * LENGTH + ATTEST_WINDOW + OVERRULE_WINDOW);
        _settleBatch(0);
        _settleBatch(1);
    }

    function _settleBatch(uint256 number) private {
        Batch storage batch = batches[_interval][number];
        (batch.terms, batch.clearing) =
        (market.intervalState(_interval).terms, market.intervalState(_interval).clearing);
        market.settle(_interval, number, _data(batch));
    }

    function _proposeFor(uint256 number, uint16 run, bytes memory readings) private returns (bytes32 id) {
        bytes memory signature = _correction(_interval, number, run, readings, SOLD);
        id = corrections.propose(
            uint32(_interval), uint16(number), run, uint40(SOLD), _unread(_interval, number), readings, signature
        );
        if (run < 4) vm.warp(block.timestamp + CORRECTION_DELAY);
    }

    function _booking(uint256 number, uint16 run, bytes memory readings) private view returns (bytes memory) {
        Batch storage batch = batches[_interval][number];
        BatchData memory data = _data(batch);
        return abi.encodeCall(
            market.correct, (_interval, number, batch.terms, batch.clearing, data, readings, run, uint40(SOLD))
        );
    }

    function _book(uint256 number, uint16 run, bytes memory readings) private {
        (bool done_, bytes memory why) = address(market).call(_booking(number, run, readings));
        require(done_, string(why));
        Batch storage batch = batches[_interval][number];
        batch.terms = batch.terms.withRun(run).withDelivered(SOLD);
        batch.readings = readings;
    }

    function _refused(address target, bytes memory call, bytes4 error) private {
        (bool done_, bytes memory why) = target.call(call);
        require(!done_, "it was taken");
        require(bytes4(why) == error, "it was refused for another reason");
    }

    function _batchRing() private pure returns (uint256) {
        uint256 lap = RING * LENGTH;
        return RING * (1 + (CORRECTION_WINDOW + 2 * CORRECTION_DELAY + lap - 1) / lap);
    }

    function _reading(uint256 status, uint256 imported, uint256 exported) private pure returns (bytes memory) {
        return abi.encodePacked(uint64((status << 62) | (imported << 31) | exported));
    }

    function _both(bytes memory first, bytes memory second) private pure returns (bytes[] memory vectors) {
        vectors = new bytes[](2);
        (vectors[0], vectors[1]) = (first, second);
    }
}
