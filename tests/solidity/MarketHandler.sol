// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EnergyMarket} from "../../contracts/EnergyMarket.sol";
import {EnergyToken} from "../../contracts/EnergyToken.sol";
import {GridGate} from "../../contracts/GridGate.sol";
import {ParticipantRegistry} from "../../contracts/ParticipantRegistry.sol";
import {BatchData, Correction, Interval, NetworkReport, Phase} from "../../contracts/interfaces/IEnergyMarket.sol";
import {MarketConfig, Participant, Tariff} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Clearing} from "../../contracts/libraries/Clearing.sol";
import {Terms, Verdict} from "../../contracts/libraries/Terms.sol";
import {PaymentToken} from "../../contracts/mocks/PaymentToken.sol";
import {Log, compact, vm, within} from "./Vm.sol";

/// @title Everybody at once: participants, relayers, the committee, the metering operator and thieves
/// @notice Each call is one act of somebody at some time. An act that the market refuses is caught: refusing is right,
/// what it leaves behind is what the invariants look at.
contract MarketHandler {
    uint256 internal constant LENGTH = 900;
    uint256 internal constant RING = 4;
    uint256 internal constant FIRST = 4;
    uint256 internal constant PEOPLE = 6;
    uint256 internal constant OPERATOR_KEY = 0xBEEF;
    uint256 internal constant COMMITTEE_KEY = 0xC0FFEE;
    bytes32 private constant ORDER_TYPEHASH = keccak256(
        "Order(uint32 interval,uint16 participant,Step[] steps)Step(uint8 side,uint8 tick,uint32 quantity)"
    );
    bytes32 private constant STEP_TYPEHASH = keccak256("Step(uint8 side,uint8 tick,uint32 quantity)");
    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "NetworkReport(uint32 interval,uint8 verdict,uint40 volume,uint24 lossRate,bytes32 feederHash,bytes32 inputsHash,bytes32 clearingHash,bytes32 decisionsHash)"
    );
    bytes32 private constant ATTESTATION_TYPEHASH =
        keccak256("MeterAttestation(uint32 interval,uint16 run,bytes32 readingsHash,uint40 delivered)");
    bytes32 private constant READING_TYPEHASH = keccak256(
        "MeterReading(uint32 interval,uint16 participant,uint32 imported,uint32 exported,uint48 importRegister,uint48 exportRegister)"
    );

    PaymentToken public immutable token;
    ParticipantRegistry public immutable registry;
    GridGate public immutable gate;
    EnergyMarket public immutable market;
    EnergyToken public immutable energyToken;

    /// What a batch must be shown with, and what it was last settled by.
    struct Batch {
        bytes records;
        bytes decisions;
        bytes readings;
        Terms terms;
        Clearing clearing;
        bool settled;
    }

    mapping(uint256 interval => Batch[]) internal batches;
    uint256[] internal intervals;
    uint256 public paidIn;
    uint256 public paidOut;
    uint256 public retired;
    mapping(bytes32 act => uint256) public done;

    constructor() {
        vm.warp(1_600_000 * LENGTH);
        token = new PaymentToken();
        address[4] memory wallets = [_wallet(0), _wallet(1), _wallet(2), _wallet(3)];
        registry = new ParticipantRegistry(
            MarketConfig(900, 300, 240, 300, 300, 86_400, 2, uint16(RING), 100, 1, 400, 50_000),
            Tariff(300, 80, 20),
            address(this),
            vm.addr(OPERATOR_KEY),
            wallets
        );
        address[] memory members = new address[](4);
        for (uint256 i; i < 4; ++i) {
            members[i] = vm.addr(COMMITTEE_KEY + i);
        }
        gate = new GridGate(address(this), LENGTH, 2, members, 3);
        market = new EnergyMarket(registry, gate, token);
        energyToken = market.energyToken();
        Participant[] memory people = new Participant[](PEOPLE);
        for (uint256 i; i < PEOPLE; ++i) {
            uint256 account = FIRST + i;
            people[i] = Participant(_wallet(account), vm.addr(_orderKey(account)), vm.addr(_meterKey(account)), 0, 40, 40);
        }
        registry.register(people);
        token.mint(address(this), 1e18);
        token.approve(address(market), type(uint256).max);
        for (uint256 account = FIRST; account < FIRST + PEOPLE; ++account) {
            _deposit(account, market.marginOf(account));
        }
        _deposit(0, 2 * market.marginOf(0));
    }

    function people() external pure returns (uint256) {
        return FIRST + PEOPLE;
    }

    /* TIME AND MONEY */

    function wait(uint256 time) external {
        vm.warp(block.timestamp + within(time, 1, 700));
    }

    function deposit(uint256 account, uint256 amount) external {
        _deposit(within(account, 0, FIRST + PEOPLE - 1), within(amount, 0, 10_000_000));
    }

    function withdraw(uint256 account, uint256 amount) external {
        account = within(account, 0, FIRST + PEOPLE - 1);
        int256 free = market.freeBalance(account);
        // Mostly what can be had, sometimes a little more.
        amount = within(amount, 0, free < 0 ? 1000 : uint256(free) + 10);
        _withdraw(account, amount);
    }

    function takeOut(uint256 account, uint256 amount) external {
        account = within(account, 2, FIRST + PEOPLE - 1);
        (, int256 energy) = market.account(account);
        amount = within(amount, 0, energy < 0 ? 10 : uint256(energy) + 1);
        vm.prank(_wallet(account));
        try market.takeOutEnergy(account, amount) {
            done["takeOut"] += amount;
        } catch {}
    }

    function retire(uint256 account, uint256 amount) external {
        address owner = _wallet(within(account, FIRST, FIRST + PEOPLE - 1));
        amount = within(amount, 0, energyToken.balanceOf(owner));
        vm.prank(owner);
        energyToken.retire(amount);
        retired += amount;
    }

    /// Of six people two at most leave, so that a market remains.
    function leave(uint256 account) external {
        account = within(account, FIRST, FIRST + 1);
        vm.prank(_wallet(account));
        try market.requestExit(account) {} catch {}
        try market.finishExit(account) {
            ++done["exit"];
        } catch {}
    }

    function suspend(uint256 account, bool on) external {
        registry.setSuspended(within(account, FIRST + 2, FIRST + 3), on);
    }

    /* THE LIFE OF AN INTERVAL */

    function post(uint256 which, uint256 seed) external {
        uint256 interval = block.timestamp / LENGTH + within(which, 0, 3);
        bytes memory orders;
        for (uint256 i; i < PEOPLE; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            if (draw & 1 == 0) orders = abi.encodePacked(orders, _order(interval, FIRST + i, draw));
        }
        vm.recordLogs();
        try market.post(interval, orders) {
            _notePosted(interval);
        } catch {}
    }

    /// @notice Whatever comes next for the oldest interval that is not settled, at the time it becomes possible.
    function proceed(uint256 seed) external {
        for (uint256 i; i < intervals.length; ++i) {
            uint256 interval = intervals[i];
            (bool found, Interval memory state) = _state(interval);
            if (!found || state.settled == state.batches) continue;
            uint256 which = intervals.length - 1 - i;
            uint256 due = interval * LENGTH - 300;
            if (state.phase == Phase.Cleared) due += seed & 3 == 0 ? 240 : 0;
            if (state.phase == Phase.Gated) due = (interval + 1) * LENGTH + (state.attested || seed & 3 == 0 ? 600 : 0);
            if (block.timestamp < due) vm.warp(due);
            if (state.phase == Phase.Open) return this.clear(which);
            if (state.phase == Phase.Cleared) return seed & 3 == 0 ? this.expire(which) : this.report(which, seed >> 2, seed);
            if (!state.attested && seed & 3 != 0) return this.attest(which, seed);
            if (seed & 4 == 0) this.overrule(which, seed >> 3, seed);
            for (uint256 j; j < batches[interval].length; ++j) {
                _settle(interval, j);
            }
            return;
        }
    }

    function clear(uint256 which) external {
        try market.clear(_pick(which)) {
            ++done["clear"];
        } catch {}
    }

    function report(uint256 which, uint256 verdict, uint256 seed) external {
        uint256 interval = _pick(which);
        (bool found, Interval memory state) = _state(interval);
        if (!found || state.phase != Phase.Cleared) return;
        NetworkReport memory r;
        r.interval = uint32(interval);
        r.verdict = Verdict(within(verdict, 1, 4));
        uint256 most = state.terms.volume();
        r.volume = uint40(r.verdict == Verdict.Accept ? most : r.verdict == Verdict.Void ? 0 : within(seed, 0, most));
        r.lossRate = uint24(within(seed >> 8, 0, 50_000));
        r.clearingHash = market.clearingHash(interval);
        bytes[] memory decisions;
        if (r.verdict == Verdict.Curtail || seed & 4 == 0) {
            decisions = _decisions(interval, seed);
            r.decisionsHash = _hashes(decisions);
        }
        if (decisions.length == 0 && r.verdict == Verdict.Curtail) return;
        bytes32 digest = _digest(keccak256(abi.encode(REPORT_TYPEHASH, r)));
        bytes memory signatures;
        for (uint256 i; i < 3; ++i) {
            signatures = abi.encodePacked(signatures, compact(COMMITTEE_KEY + i, digest));
        }
        try market.report(r, decisions, 7, signatures) {
            ++done["report"];
            for (uint256 i; i < decisions.length; ++i) {
                batches[interval][i].decisions = decisions[i];
            }
        } catch {}
    }

    function expire(uint256 which) external {
        try market.expire(_pick(which)) {
            ++done["expire"];
        } catch {}
    }

    function attest(uint256 which, uint256 seed) external {
        uint256 interval = _pick(which);
        (bool found, Interval memory state) = _state(interval);
        if (!found || state.phase != Phase.Gated || state.attested) return;
        bytes[] memory readings = _readings(interval, seed);
        uint256 delivered = within(seed >> 4, 0, state.terms.volume());
        bytes memory signature = _attestation(interval, 1, _hashes(readings), delivered);
        try market.attest(interval, readings, delivered, signature) {
            ++done["attest"];
            for (uint256 i; i < readings.length; ++i) {
                batches[interval][i].readings = readings[i];
            }
        } catch {}
    }

    function overrule(uint256 which, uint256 number, uint256 seed) external {
        uint256 interval = _pick(which);
        if (batches[interval].length == 0) return;
        number = within(number, 0, batches[interval].length - 1);
        Batch storage batch = batches[interval][number];
        bytes memory signed;
        uint256 at;
        for (uint256 i; at < batch.records.length; ++i) {
            uint256 account = (uint256(uint8(batch.records[at])) << 8) | uint8(batch.records[at + 1]);
            at += 3 + 8 * uint256(uint8(batch.records[at + 2]));
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            if (draw & 1 == 0) signed = abi.encodePacked(signed, _signedReading(interval, i, account, draw));
        }
        vm.recordLogs();
        try market.overrule(interval, number, BatchData(batch.records, batch.decisions, batch.readings), signed) {
            ++done["overrule"];
            Log[] memory logs = vm.getRecordedLogs();
            (, batch.readings) = abi.decode(logs[logs.length - 1].data, (uint256, bytes));
        } catch {}
    }

    function settle(uint256 which, uint256 number) external {
        uint256 interval = _pick(which);
        if (batches[interval].length == 0) return;
        _settle(interval, within(number, 0, batches[interval].length - 1));
    }

    function correct(uint256 which, uint256 number, uint256 seed) external {
        uint256 interval = _pick(which);
        if (batches[interval].length == 0) return;
        number = within(number, 0, batches[interval].length - 1);
        Batch storage batch = batches[interval][number];
        if (!batch.settled) return;
        bytes[] memory readings = _readings(interval, seed);
        bytes32[] memory hashes = new bytes32[](readings.length);
        for (uint256 i; i < hashes.length; ++i) {
            hashes[i] = keccak256(readings[i]);
        }
        uint256 run = batch.terms.run() + within(seed, 0, 2);
        uint256 delivered = within(seed >> 4, 0, 10_000);
        Correction memory correction = Correction(
            uint16(run), uint40(delivered), hashes, _attestation(interval, run, _hashes(readings), delivered)
        );
        try market.correct(
            interval,
            number,
            batch.terms,
            batch.clearing,
            BatchData(batch.records, batch.decisions, batch.readings),
            readings[number],
            correction
        ) {
            ++done["correct"];
            batch.terms = batch.terms.withRun(run).withDelivered(delivered);
            batch.readings = readings[number];
        } catch {}
    }

    /* THIEVES */

    function steal(uint256 account, uint256 amount, uint256 which, uint256 seed) external {
        account = within(account, 0, FIRST + PEOPLE - 1);
        amount = within(amount, 0, 1000);
        try market.withdraw(account, amount) {
            revert("a thief withdrew");
        } catch {}
        try market.takeOutEnergy(account, amount) {
            revert("a thief took energy out");
        } catch {}
        try energyToken.mint(address(this), 1) {
            revert("a thief minted");
        } catch {}
        uint256 interval = _pick(which);
        if (batches[interval].length == 0) return;
        Batch storage batch = batches[interval][0];
        bytes memory altered = batch.records;
        altered[seed % altered.length] ^= bytes1(uint8(1 << (seed % 8)));
        try market.settle(interval, 0, BatchData(altered, batch.decisions, batch.readings)) {
            revert("altered records were settled");
        } catch {}
        if (batch.settled) {
            try market.settle(interval, 0, BatchData(batch.records, batch.decisions, batch.readings)) {
                revert("a batch was settled twice");
            } catch {}
        }
    }

    /* SILENCE */

    /// @notice Nobody with a role acts any more. Time passes, and what anyone may call is called: everybody leaves.
    function everyoneLeaves() external {
        vm.warp(block.timestamp + 4 * LENGTH + 86_400);
        for (uint256 i; i < intervals.length; ++i) {
            uint256 interval = intervals[i];
            try market.clear(interval) {} catch {}
            try market.expire(interval) {} catch {}
            for (uint256 j; j < batches[interval].length; ++j) {
                if (!batches[interval][j].settled) _settle(interval, j);
                require(batches[interval][j].settled, "a batch cannot be settled");
            }
        }
        for (uint256 account = FIRST; account < FIRST + PEOPLE; ++account) {
            vm.prank(_wallet(account));
            try market.requestExit(account) {} catch {}
            try market.finishExit(account) {} catch {}
            (int256 cash,) = market.account(account);
            if (cash > 0) require(_withdraw(account, uint256(cash)), "what is owed cannot be withdrawn");
        }
        int256 free = market.freeBalance(0);
        if (free > 0) require(_withdraw(0, uint256(free)), "the supplier cannot leave");
    }

    /* PARTS */

    function _settle(uint256 interval, uint256 number) private {
        Batch storage batch = batches[interval][number];
        (bool found, Interval memory state) = _state(interval);
        if (!found) return;
        try market.settle(interval, number, BatchData(batch.records, batch.decisions, batch.readings)) {
            ++done["settle"];
            (batch.settled, batch.terms, batch.clearing) = (true, state.terms, state.clearing);
        } catch {}
    }

    function _deposit(uint256 account, uint256 amount) private {
        market.deposit(account, amount);
        paidIn += amount;
    }

    function _withdraw(uint256 account, uint256 amount) private returns (bool) {
        vm.prank(_wallet(account));
        try market.withdraw(account, amount) {
            paidOut += amount;
            return true;
        } catch {
            return false;
        }
    }

    function _order(uint256 interval, uint256 account, uint256 draw) private view returns (bytes memory) {
        uint256 count = within(draw >> 8, 1, 3);
        bytes memory steps;
        bytes memory hashes;
        uint256 side = (draw >> 16) & 1;
        for (uint256 i; i < count; ++i) {
            uint256 tick = 20 + 4 * i + ((draw >> (20 + 4 * i)) & 3) + 4 * (1 - side);
            uint256 quantity = within(draw >> (60 + 20 * i), 1, 350);
            steps = abi.encodePacked(steps, uint32((side << 31) | (tick << 23) | quantity));
            hashes = abi.encodePacked(hashes, keccak256(abi.encode(STEP_TYPEHASH, side, tick, quantity)));
        }
        // One in eight signs with a foreign key.
        uint256 key = (draw >> 17) & 7 == 0 ? _meterKey(account) : _orderKey(account);
        bytes32 digest = _digest(keccak256(abi.encode(ORDER_TYPEHASH, interval, account, keccak256(hashes))));
        return abi.encodePacked(uint16(account), uint8(count), steps, compact(key, digest));
    }

    function _notePosted(uint256 interval) private {
        Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != keccak256("BatchPosted(uint256,uint256,address,bytes)")) continue;
            if (batches[interval].length == 0) intervals.push(interval);
            Batch storage batch = batches[interval].push();
            batch.records = abi.decode(logs[i].data, (bytes));
            ++done["post"];
        }
    }

    function _decisions(uint256 interval, uint256 seed) private view returns (bytes[] memory vectors) {
        vectors = new bytes[](batches[interval].length);
        for (uint256 i; i < vectors.length; ++i) {
            uint256 orders = _orders(batches[interval][i].records);
            if (uint256(keccak256(abi.encode(seed, i))) % 4 == 0) continue;
            for (uint256 j; j < orders; ++j) {
                uint256 draw = uint256(keccak256(abi.encode(seed, i, j)));
                vectors[i] = abi.encodePacked(vectors[i], uint32(draw % 400), uint32((draw >> 32) % 400), uint32(draw >> 250));
            }
        }
    }

    /// What a meter signed is repeated, mostly: a correction that changes it is refused.
    function _readings(uint256 interval, uint256 seed) private view returns (bytes[] memory vectors) {
        vectors = new bytes[](batches[interval].length);
        for (uint256 i; i < vectors.length; ++i) {
            Batch storage batch = batches[interval][i];
            uint256 orders = _orders(batch.records);
            bytes memory old = batch.readings;
            for (uint256 j; j < orders; ++j) {
                uint256 draw = uint256(keccak256(abi.encode(seed, i, j)));
                uint256 reading = ((draw % 2) << 62) | (((draw >> 8) % 1200) << 31) | ((draw >> 32) % 1200);
                if (old.length == 8 * orders && uint8(old[8 * j]) >> 6 == 2 && draw >> 253 != 0) {
                    reading = 0;
                    for (uint256 k; k < 8; ++k) {
                        reading = (reading << 8) | uint8(old[8 * j + k]);
                    }
                }
                vectors[i] = abi.encodePacked(vectors[i], uint64(reading));
            }
        }
    }

    function _signedReading(uint256 interval, uint256 position, uint256 account, uint256 draw)
        private
        view
        returns (bytes memory)
    {
        (uint256 imported, uint256 exported) = ((draw >> 8) % 1200, (draw >> 32) % 1200);
        bytes32 structHash = keccak256(abi.encode(READING_TYPEHASH, interval, account, imported, exported, 7, 9));
        uint256 key = (draw >> 64) & 7 == 0 ? _orderKey(account) : _meterKey(account);
        bytes memory signature = compact(key, _digest(structHash));
        return abi.encodePacked(
            uint16(position), uint32(imported), uint32(exported), uint48(7), uint48(9), signature
        );
    }

    function _attestation(uint256 interval, uint256 run, bytes32 readingsHash, uint256 delivered)
        private
        view
        returns (bytes memory)
    {
        bytes32 structHash = keccak256(abi.encode(ATTESTATION_TYPEHASH, interval, run, readingsHash, delivered));
        return compact(OPERATOR_KEY, _digest(structHash));
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", market.domainSeparator(), structHash));
    }

    function _hashes(bytes[] memory vectors) private pure returns (bytes32) {
        bytes memory hashes;
        for (uint256 i; i < vectors.length; ++i) {
            hashes = abi.encodePacked(hashes, keccak256(vectors[i]));
        }
        return keccak256(hashes);
    }

    function _orders(bytes memory records) private pure returns (uint256 count) {
        for (uint256 at; at < records.length; ++count) {
            at += 3 + 8 * uint256(uint8(records[at + 2]));
        }
    }

    function _pick(uint256 which) private view returns (uint256) {
        uint256 recent = intervals.length < 5 ? intervals.length : 5;
        return recent == 0 ? 0 : intervals[intervals.length - 1 - which % recent];
    }

    function _state(uint256 interval) private view returns (bool, Interval memory state) {
        try market.intervalState(interval) returns (Interval memory found) {
            return (true, found);
        } catch {
            return (false, state);
        }
    }

    function _wallet(uint256 account) internal pure returns (address) {
        return address(uint160(0x10000 + account));
    }

    function _orderKey(uint256 account) private pure returns (uint256) {
        return 1_000 + account;
    }

    function _meterKey(uint256 account) private pure returns (uint256) {
        return 2_000 + account;
    }
}
