// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MeterReading} from "../../../contracts/interfaces/ICorrections.sol";
import {NetworkReport} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {OperatingEnvelope} from "../../../contracts/interfaces/IOperatingEnvelopes.sol";
import {BatchWord, postedWord} from "../../../contracts/libraries/BatchWord.sol";
import {OrderCodec} from "../../../contracts/libraries/OrderCodec.sol";
import {READING_BYTES} from "../../../contracts/libraries/Reading.sol";
import {compact} from "../Vm.sol";
import {Community} from "./Community.sol";

/// @title What meters, the committee and the metering operator pack and sign
abstract contract Papers is Community {
    /// @dev Bytes from step to step, in an order and in a record.
    uint256 internal constant ORDER_STRIDE = 4;
    uint256 internal constant RECORD_STRIDE = 8;
    uint256 private constant READING_MAX = (1 << 31) - 1;

    bytes32 internal constant REPORT_TYPEHASH = keccak256(
        "NetworkReport(uint32 interval,uint8 verdict,uint40 volume,uint24 lossRate,bytes32 feederHash,bytes32 inputsHash,bytes32 clearingHash,bytes32 decisionsHash)"
    );
    bytes32 private constant ATTESTATION_TYPEHASH =
        keccak256("MeterAttestation(uint32 interval,bytes32 metered,uint40 delivered)");
    bytes32 private constant CORRECTION_TYPEHASH =
        keccak256("MeterCorrection(uint32 interval,uint16 batch,uint16 run,bytes32 metered,uint40 delivered)");
    bytes32 private constant READING_TYPEHASH = keccak256(
        "MeterReading(uint32 interval,uint16 participant,uint32 imported,uint32 exported,uint48 importRegister,uint48 exportRegister)"
    );

    bytes32 private constant ENVELOPE_TYPEHASH =
        keccak256("OperatingEnvelope(uint32 interval,uint16 page,bytes32 feederHash,bytes32 inputsHash,bytes limits)");
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// For each order about what it bids and asks, or less.
    function _decisions(uint256 interval, uint256 seed) internal view returns (bytes[] memory vectors) {
        vectors = new bytes[](batches[interval].length);
        for (uint256 i; i < vectors.length; ++i) {
            bytes memory records = batches[interval][i].records;
            if (uint256(keccak256(abi.encode(seed, i))) % 4 == 0) continue;
            for (uint256 at = OrderCodec.COUNT_BYTES; at < records.length; at = _next(records, at)) {
                uint256 draw = uint256(keccak256(abi.encode(seed, i, at)));
                (uint256 bids, uint256 asks) = _offer(records, at, RECORD_STRIDE);
                (uint32 sell, uint32 buy) = (uint32(draw % (asks + 2)), uint32((draw >> 32) % (bids + 2)));
                bytes memory costs = abi.encodePacked(uint32(draw >> 250), uint32((draw >> 64) % 20_000));
                // Price and reserved bits are read by nobody.
                bytes memory rest = abi.encodePacked(uint32((draw >> 96) % (asks + 100)), uint32(draw >> 128));
                vectors[i] = abi.encodePacked(vectors[i], sell, buy, costs, rest);
            }
        }
    }

    /// What a meter signed is repeated, mostly: a correction that changes it is refused.
    /// @param isNight whether nobody feeds in
    function _readings(uint256 interval, bool isNight, uint256 seed) internal view returns (bytes[] memory vectors) {
        vectors = new bytes[](batches[interval].length);
        for (uint256 i; i < vectors.length; ++i) {
            (bytes memory records, bytes memory old) = (batches[interval][i].records, batches[interval][i].readings);
            bool any = old.length == READING_BYTES * _orders(records);
            uint256 order;
            for (uint256 at = OrderCodec.COUNT_BYTES; at < records.length; at = _next(records, at)) {
                uint256 draw = uint256(keccak256(abi.encode(seed, i, at)));
                (uint256 imported, uint256 exported) = _measured(records, at, draw >> 8);
                if (isNight) exported = 0;
                uint256 reading = ((draw % 2) << 62) | (imported << 31) | exported;
                uint256 before = any ? _word(old, READING_BYTES * order) >> 192 : 0;
                if (before >> 62 == 2 && draw >> 253 != 0) reading = before;
                vectors[i] = abi.encodePacked(vectors[i], uint64(reading));
                ++order;
            }
        }
    }

    /// What went through the meter of the record at `at`, Wh: something like what it bids and asks; now and then more than
    /// its connection carries.
    function _measured(bytes memory records, uint256 at, uint256 draw)
        private
        pure
        returns (uint256 imported, uint256 exported)
    {
        (uint256 bids, uint256 asks) = _offer(records, at, RECORD_STRIDE);
        if (draw & 31 == 0) return (READING_MAX, READING_MAX);
        return ((draw >> 8) % (2 * bids + 100), (draw >> 40) % (2 * asks + 100));
    }

    /// The reading that a meter signs for the record at `at`, the batch's at `position`.
    function _signedReading(uint256 interval, bytes memory records, uint256 at, uint256 position, uint256 draw)
        internal
        view
        returns (bytes memory)
    {
        uint256 account = _participant(records, at);
        (uint256 imported, uint256 exported) = _measured(records, at, draw >> 8);
        bytes32 structHash = keccak256(abi.encode(READING_TYPEHASH, interval, account, imported, exported, 7, 9));
        uint256 key = (draw >> 1) & 7 == 0 ? _orderKey(account) : _meterKey(account);
        bytes memory signature = compact(key, _digest(structHash));
        return abi.encodePacked(uint16(position), uint32(imported), uint32(exported), uint48(7), uint48(9), signature);
    }

    /// Over readings of batches that have none yet.
    function _attestation(uint256 interval, bytes[] memory readings, uint256 delivered)
        internal
        view
        returns (bytes memory)
    {
        bytes memory words;
        for (uint256 i; i < readings.length; ++i) {
            BatchWord word = market.batchCommitment(interval, i);
            words = abi.encodePacked(words, readings[i].length == 0 ? word : word.metered(keccak256(readings[i])));
        }
        bytes32 structHash = keccak256(abi.encode(ATTESTATION_TYPEHASH, interval, keccak256(words), delivered));
        return compact(OPERATOR_KEY, _digest(structHash));
    }

    /// The batch's word before any readings.
    function _unread(uint256 interval, uint256 number) internal view returns (BatchWord word) {
        Batch storage batch = batches[interval][number];
        word = postedWord(interval, number, batch.previous, batch.records);
        if (batch.decisions.length != 0) word = word.gated(keccak256(batch.decisions));
    }

    /// What an account's meter says it recorded, and its signature; now and then another key's.
    function _meterReading(uint256 interval, uint256 account, uint256 draw)
        internal
        view
        returns (MeterReading memory reading, bytes memory signature)
    {
        reading = MeterReading(
            uint32(interval), uint16(account), uint32((draw >> 8) % 2000), uint32((draw >> 40) % 2000), 7, 9
        );
        uint256 key = (draw >> 5) & 7 == 0 ? _orderKey(account) : _meterKey(account);
        signature = compact(key, _digest(keccak256(abi.encode(READING_TYPEHASH, reading))));
    }

    /// Over new readings of one batch.
    function _correction(uint256 interval, uint256 number, uint256 run, bytes memory readings, uint256 delivered)
        internal
        view
        returns (bytes memory)
    {
        BatchWord word = _unread(interval, number).metered(keccak256(readings));
        bytes32 structHash = keccak256(abi.encode(CORRECTION_TYPEHASH, interval, number, run, word, delivered));
        return compact(OPERATOR_KEY, _digest(structHash));
    }

    /// Signatures of so many members of the committee, from the first on, and who they are.
    function _signedBy(uint256 members, bytes32 digest)
        internal
        pure
        returns (uint256 signers, bytes memory signatures)
    {
        for (uint256 i; i < members; ++i) {
            signatures = abi.encodePacked(signatures, compact(COMMITTEE_KEY + i, digest));
        }
        signers = (1 << members) - 1;
    }

    function _envelopeDigest(OperatingEnvelope memory e) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256("Peerwatt"), keccak256("1"), block.chainid, address(envelopes))
        );
        bytes32 structHash = keccak256(
            abi.encode(ENVELOPE_TYPEHASH, e.interval, e.page, e.feederHash, e.inputsHash, keccak256(e.limits))
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", market.domainSeparator(), structHash));
    }

    function _hashes(bytes[] memory vectors) internal pure returns (bytes32) {
        bytes memory hashes;
        for (uint256 i; i < vectors.length; ++i) {
            hashes = abi.encodePacked(hashes, keccak256(vectors[i]));
        }
        return keccak256(hashes);
    }

    function _participant(bytes memory packed, uint256 at) internal pure returns (uint256) {
        return _word(packed, at) >> 240;
    }

    function _stepCount(bytes memory packed, uint256 at) internal pure returns (uint256) {
        return uint8(packed[at + 2]);
    }

    /// Where the record after the one at `at` begins.
    function _next(bytes memory records, uint256 at) internal pure returns (uint256) {
        return at + 3 + RECORD_STRIDE * _stepCount(records, at);
    }

    /// Wh that the order or record at `at` bids and asks; `stride` bytes from step to step.
    function _offer(bytes memory packed, uint256 at, uint256 stride)
        internal
        pure
        returns (uint256 bids, uint256 asks)
    {
        uint256 end = at + 3 + stride * _stepCount(packed, at);
        for (at += 3; at < end; at += stride) {
            uint256 step = _word(packed, at) >> 224;
            if (step >> 31 == 0) bids += step & 0x7fffff;
            else asks += step & 0x7fffff;
        }
    }

    function _orders(bytes memory records) internal pure returns (uint256) {
        return _word(records, 0) >> 240;
    }

    /// @dev The 32 bytes from `at` on; what lies behind the end may be anything.
    function _word(bytes memory packed, uint256 at) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(packed, 32), at))
        }
    }
}
