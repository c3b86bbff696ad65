// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MeterReading} from "../../../contracts/interfaces/ICorrections.sol";
import {BatchWord} from "../../../contracts/libraries/BatchWord.sol";
import {OrderCodec} from "../../../contracts/libraries/OrderCodec.sol";
import {IEnergyMarket, Interval, NetworkReport, Phase} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {READING_BYTES} from "../../../contracts/libraries/Reading.sol";
import {Verdict} from "../../../contracts/libraries/Terms.sol";
import {Log, vm, within} from "../Vm.sol";
import {OfferActs} from "./OfferActs.sol";
import {SettleActs} from "./SettleActs.sol";

/// @title The life of an interval after its book has closed: each call is one act of somebody at some time
/// @notice An act that the market refuses is caught: refusing is right, what it leaves behind is what the invariants look
/// at.
abstract contract IntervalActs is OfferActs, SettleActs {
    mapping(Verdict => uint256) public verdicts;

    struct Proposed {
        uint256 interval;
        uint256 number;
        uint16 run;
        uint40 delivered;
        bytes readings;
        bytes32 id;
    }

    Proposed[] private _proposed;
    mapping(bytes32 id => bool) private _cancelled;
    /// @dev How many of `intervals`, from the first on, need nothing any more.
    uint256 private _allSettled;

    /// @notice Up to six times whatever comes next for the oldest interval that is not settled, at the time it becomes
    /// possible.
    function proceed(uint256 seed) external {
        for (uint256 i = within(seed, 1, 6); i > 0; --i) {
            _proceed(uint256(keccak256(abi.encode(seed, i))));
        }
    }

    /// Whether anything was left to do.
    function _proceed(uint256 seed) internal returns (bool) {
        for (uint256 i = _allSettled; i < intervals.length; ++i) {
            uint256 interval = intervals[i];
            (bool found, Interval memory state) = _state(interval);
            if (!found || state.settled == state.batches) {
                if (i == _allSettled) ++_allSettled;
                continue;
            }
            uint256 closure = _bookClosure(interval);
            if (state.phase == Phase.Open) {
                _waitUntil(closure);
                _clear(interval);
            } else if (state.phase == Phase.Cleared) {
                if (seed & 7 == 0) _waitUntil(closure + REPORT_WINDOW);
                if (block.timestamp < closure + REPORT_WINDOW) _report(interval, _someVerdict(seed >> 3), seed);
                else _expire(interval);
            } else {
                _measure(interval, state.attested, seed);
            }
            return true;
        }
        return false;
    }

    /// The readings of an interval, or the silence of its meters, and then its settlement.
    function _measure(uint256 interval, bool attested, uint256 seed) private {
        uint256 deadline = (interval + 1) * LENGTH + ATTEST_WINDOW;
        _waitUntil((interval + 1) * LENGTH);
        if (!attested && seed & 7 != 0 && block.timestamp < deadline) return _someAttestation(interval, seed);
        _waitUntil(deadline);
        if (seed & 8 == 0) _overrule(interval, seed >> 4, seed);
        _waitUntil(deadline + OVERRULE_WINDOW);
        for (uint256 j; j < batches[interval].length; ++j) {
            _settle(interval, j);
        }
    }

    function _waitUntil(uint256 time) internal {
        if (block.timestamp < time) vm.warp(time);
    }

    /// @notice One of these at any time, mostly a wrong one.
    function actOutOfTurn(uint256 act, uint256 which, uint256 number, uint256 seed) external {
        act = within(act, 0, 5);
        if (act == 0) this.clear(which);
        if (act == 1) this.report(which, number, seed);
        if (act == 2) this.expire(which);
        if (act == 3) this.attest(which, seed);
        if (act == 4) this.overrule(which, number, seed);
        if (act == 5) this.settle(which, number);
    }

    function clear(uint256 which) external {
        _clear(_pick(which));
    }

    function _clear(uint256 interval) internal {
        try market.clear(interval) {
            ++done["clear"];
        } catch {}
    }

    function report(uint256 which, uint256 verdict, uint256 seed) external {
        _report(_pick(which), _someVerdict(verdict), seed);
    }

    function _someVerdict(uint256 draw) private pure returns (Verdict) {
        return Verdict(within(draw, 1, 4));
    }

    function _report(uint256 interval, Verdict verdict, uint256 seed) internal {
        (bool found, Interval memory state) = _state(interval);
        if (!found || state.phase != Phase.Cleared) return;
        NetworkReport memory r;
        r.interval = uint32(interval);
        r.verdict = verdict;
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
        (uint256 signers, bytes memory signatures) = _signedBy(3, digest);
        try market.report(r, decisions, signers, signatures) {
            ++verdicts[r.verdict];
            for (uint256 i; i < decisions.length; ++i) {
                batches[interval][i].decisions = decisions[i];
            }
        } catch {}
    }

    function expire(uint256 which) external {
        _expire(_pick(which));
    }

    function _expire(uint256 interval) private {
        try market.expire(interval) {
            ++done["expire"];
        } catch {}
    }

    function attest(uint256 which, uint256 seed) external {
        _someAttestation(_pick(which), seed);
    }

    /// Half the time all that stands is said to be delivered, and half the time nothing was.
    function _someAttestation(uint256 interval, uint256 seed) private {
        _attest(interval, (seed >> 128) & 1 == 0, (seed >> 129) & 1 == 0, seed);
    }

    function _attest(uint256 interval, bool claimsAll, bool isNight, uint256 seed) internal {
        (bool found, Interval memory state) = _state(interval);
        if (!found || state.phase != Phase.Gated || state.attested) return;
        bytes[] memory readings = _readings(interval, isNight, seed);
        uint256 delivered = claimsAll ? state.terms.volume() : within(seed >> 4, 0, state.terms.volume());
        bytes memory signature = _attestation(interval, readings, delivered);
        try market.attest(interval, readings, delivered, signature) {
            ++done["attest"];
            for (uint256 i; i < readings.length; ++i) {
                batches[interval][i].readings = readings[i];
            }
        } catch {}
    }

    function overrule(uint256 which, uint256 number, uint256 seed) external {
        _overrule(_pick(which), number, seed);
    }

    function _overrule(uint256 interval, uint256 number, uint256 seed) private {
        if (batches[interval].length == 0) return;
        number = within(number, 0, batches[interval].length - 1);
        Batch storage batch = batches[interval][number];
        bytes memory records = batch.records;
        bytes memory signed;
        uint256 orders;
        for (uint256 at = OrderCodec.COUNT_BYTES; at < records.length; ++orders) {
            uint256 draw = uint256(keccak256(abi.encode(seed, orders)));
            if (draw & 1 == 0) {
                signed = abi.encodePacked(signed, _signedReading(interval, records, at, orders, draw));
            }
            at = _next(records, at);
        }
        vm.recordLogs();
        try market.overrule(interval, number, _data(batch), signed) {
            ++done["overrule"];
            batch.readings = _overruled(batch.readings, orders, signed, vm.getRecordedLogs());
        } catch {}
    }

    /// @dev The readings with those replaced that meters signed, but for the skipped.
    function _overruled(bytes memory readings, uint256 orders, bytes memory signed, Log[] memory logs)
        private
        pure
        returns (bytes memory)
    {
        uint256 skipped;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IEnergyMarket.OverruleSkipped.selector) continue;
            skipped |= 1 << abi.decode(logs[i].data, (uint256));
        }
        if (readings.length != orders * READING_BYTES) {
            readings = new bytes(orders * READING_BYTES);
        }
        for (uint256 at; at < signed.length; at += 86) {
            uint256 word = _word(signed, at);
            uint256 position = word >> 240;
            if (skipped & (1 << position) != 0) continue;
            uint256 own = (2 << 62) | (uint256(uint32(word >> 208)) << 31) | uint32(word >> 176);
            for (uint256 i; i < READING_BYTES; ++i) {
                readings[position * READING_BYTES + i] = bytes1(uint8(own >> (56 - 8 * i)));
            }
        }
        return readings;
    }

    function settle(uint256 which, uint256 number) external {
        uint256 interval = _pick(which);
        if (batches[interval].length == 0) return;
        _settle(interval, within(number, 0, batches[interval].length - 1));
    }

    /// @notice A correction is proposed, or one that was proposed is booked, contested or cancelled.
    function correct(uint256 which, uint256 number, uint256 seed) external {
        uint256 interval = _pick(which);
        if (batches[interval].length == 0) return;
        number = within(number, 0, batches[interval].length - 1);
        if (!batches[interval][number].settled) return;
        if (seed & 3 == 0 && _proposed.length != 0) {
            return _judge(_proposed[(seed >> 2) % _proposed.length], seed >> 32);
        }
        Proposed memory p = Proposed(interval, number, 0, 0, "", 0);
        p.readings = _readings(interval, (seed >> 129) & 1 == 0, seed)[number];
        Batch storage batch = batches[interval][number];
        p.run = uint16(batch.terms.run() + within(seed, 0, 2));
        p.delivered = uint40(within(seed >> 4, 0, 2 * batch.terms.volume()));
        bytes memory signature = _correction(interval, number, p.run, p.readings, p.delivered);
        BatchWord unread = _unread(interval, number);
        try corrections.propose(
            uint32(interval), uint16(number), p.run, p.delivered, unread, p.readings, signature
        ) returns (
            bytes32 id
        ) {
            ++done["propose"];
            p.id = id;
            // Mostly what comes next of it, sometimes much later.
            if (seed >> 252 != 0) _judge(p, seed >> 32);
            else _proposed.push(p);
        } catch {}
    }

    function _judge(Proposed memory p, uint256 seed) private {
        if (seed & 15 == 0) _contest(p, seed);
        if (seed & 0xf0 == 0) _cancel(p.id);
        if (seed & 0xf00 != 0) _waitUntil(corrections.bookableFrom(p.id));
        Batch storage batch = batches[p.interval][p.number];
        (int256 before, uint256 left) = (market.freeBalance(0), corrections.left());
        try market.correct(
            p.interval, p.number, batch.terms, batch.clearing, _data(batch), p.readings, p.run, p.delivered
        ) {
            ++done["correct"];
            (uint256 debt,,) = market.totals();
            if (debt != 0) ++done["debt"];
            batch.terms = batch.terms.withRun(p.run).withDelivered(p.delivered);
            batch.readings = p.readings;
            _requireBounded(p.id, before, left);
        } catch {}
    }

    /// @dev What every correction that was booked must have kept.
    function _requireBounded(bytes32 id, int256 before, uint256 left) private {
        if (block.timestamp < corrections.bookableFrom(id)) broken = "a correction was booked within its delay";
        if (_cancelled[id]) broken = "a cancelled correction was booked";
        if (market.freeBalance(0) < 0 && market.freeBalance(0) < before) {
            broken = "a correction took the supplier below its margin";
        }
        // What the supplier lost, others were paid.
        int256 lost = before - market.freeBalance(0);
        if (lost > int256(left)) broken = "corrections moved more than their cap";
    }

    /// @dev A meter of the batch says what it recorded, or somebody in its name.
    function _contest(Proposed memory p, uint256 seed) private {
        bytes memory records = batches[p.interval][p.number].records;
        uint256 at = OrderCodec.COUNT_BYTES;
        for (uint256 i = seed % _orders(records); i != 0; --i) {
            at = _next(records, at);
        }
        (MeterReading memory reading, bytes memory signature) =
            _meterReading(p.interval, _participant(records, at), seed);
        try corrections.contest(reading, signature) {
            ++done["contest"];
        } catch {}
    }

    function _cancel(bytes32 id) private {
        corrections.cancel(id);
        _cancelled[id] = true;
        ++done["cancel"];
    }
}
