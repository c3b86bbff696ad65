// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {BatchData, IEnergyMarket} from "./interfaces/IEnergyMarket.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {ISignedReadings} from "./interfaces/ISignedReadings.sol";
import {Clearing} from "./libraries/Clearing.sol";
import {DECISION_BYTES} from "./libraries/Decision.sol";
import {OrderCodec} from "./libraries/OrderCodec.sol";
import {METERED_BITS, READING_BYTES, Reading, readingFrom, signedBy} from "./libraries/Reading.sol";
import {Recovery} from "./libraries/Recovery.sol";
import {Connection, Roster} from "./libraries/Roster.sol";
import {Settlement} from "./libraries/Settlement.sol";
import {
    READING_TYPEHASH,
    SIGNATURE_R_AT,
    SIGNATURE_VS_AT,
    SIGNED_READING_BYTES,
    SignedReading,
    signedReadingFrom
} from "./libraries/SignedReading.sol";
import {Terms} from "./libraries/Terms.sol";

/// @title SignedReadings: what meters say for themselves
contract SignedReadings is ISignedReadings {
    using Roster for Roster.Page;
    using Settlement for Settlement.Rules;

    IParticipantRegistry private immutable REGISTRY;
    uint256 private immutable MAX_LOSS_RATE;
    /// @dev Whoever created this contract.
    address private immutable MARKET;

    /// @dev A walk over a batch.
    /// @param frame where the digests of the readings are made
    /// @param change of the peer energy delivered, Wh
    struct Walk {
        Settlement.Rules rules;
        Roster.Page page;
        uint256 frame;
        int256 change;
        uint256[] skipped;
        uint256 skips;
    }

    constructor(IParticipantRegistry registry) {
        REGISTRY = registry;
        MARKET = msg.sender;
        MAX_LOSS_RATE = registry.config().maxLossRate;
    }

    /// @inheritdoc ISignedReadings
    function overrule(
        bytes32 domain,
        uint256 interval,
        uint256 batch,
        Terms terms,
        Clearing clearing,
        BatchData calldata data,
        bytes calldata signedReadings
    ) external returns (bytes32 readingsHash, int256 change) {
        // The events are the market's word.
        require(msg.sender == MARKET, NotMarket());
        uint256 orders = OrderCodec.recordCount(data.records);
        Walk memory walk;
        // What is delivered does not depend on network charges.
        bool named = data.decisions.length == orders * DECISION_BYTES;
        walk.rules = Settlement.rules(terms, clearing, named, MAX_LOSS_RATE, 0);
        walk.frame = _frame(domain, interval);
        walk.skipped = new uint256[](signedReadings.length / SIGNED_READING_BYTES);
        bytes memory overruled = new bytes(orders * READING_BYTES + 32);
        _walk(walk, data, signedReadings, OrderCodec.start(overruled));
        OrderCodec.endAt(overruled, OrderCodec.start(overruled) + orders * READING_BYTES);
        for (uint256 i; i < walk.skips; ++i) {
            emit IEnergyMarket.OverruleSkipped(interval, batch, walk.skipped[i]);
        }
        emit ReadingsOverruled(interval, batch, overruled);
        return (keccak256(overruled), walk.change);
    }

    /// @dev Writes the readings to memory from `cursor` on.
    function _walk(Walk memory walk, BatchData calldata data, bytes calldata signedReadings, uint256 cursor)
        private
        view
    {
        (uint256 at, uint256 end) = OrderCodec.bounds(data.records);
        (uint256 decisionAt,) = OrderCodec.bounds(data.decisions);
        uint256 readingAt = Settlement.readingsAt(data.records, data.readings);
        uint256 signedAt;
        (signedAt,) = OrderCodec.bounds(signedReadings);
        uint256 signedEnd = signedAt + walk.skipped.length * SIGNED_READING_BYTES;
        // Places in calldata and memory are below 2^64. Every signed reading is skipped at most once: skips <= skipped.length.
        unchecked {
            at += OrderCodec.COUNT_BYTES;
            for (uint256 i; at < end; ++i) {
                (uint256 participant, uint256 count) = OrderCodec.header(OrderCodec.load(at));
                Reading reading = readingFrom(readingAt);
                if (signedReadingFrom(signedAt).position() == i && signedAt < signedEnd) {
                    (bool valid, Reading replacement) = _signed(walk, participant, reading, signedAt);
                    if (!valid) {
                        walk.skipped[walk.skips++] = i;
                    } else {
                        uint256 sold = walk.rules.sold(at, count, decisionAt + i * DECISION_BYTES);
                        if (sold != 0) _count(walk, sold, participant, reading, replacement);
                        reading = replacement;
                    }
                    signedAt += SIGNED_READING_BYTES;
                }
                cursor = OrderCodec.write(cursor, Reading.unwrap(reading), READING_BYTES);
                readingAt += READING_BYTES;
                at += OrderCodec.recordLength(count);
            }
            // Positions that no order has, or that do not ascend.
            for (; signedAt < signedEnd; signedAt += SIGNED_READING_BYTES) {
                walk.skipped[walk.skips++] = signedReadingFrom(signedAt).position();
            }
        }
    }

    /// @dev Adds to the change what the participant delivers more by `replacement` than by `reading` of what it sold.
    function _count(Walk memory walk, uint256 sold, uint256 participant, Reading reading, Reading replacement)
        private
        pure
    {
        // Both energies are at most `most` < 2^32, and a batch has less than 2^16 orders: |change| < 2^48.
        unchecked {
            uint256 most = Math.min(sold, walk.page.connection(participant).exportLimit());
            walk.change += int256(Math.min(most, replacement.exported()))
            - int256(Math.min(most, reading.exportedUnlessMissing()));
        }
    }

    /// @dev The signed reading at `at` as a batch holds it, valid unless `reading` is signed already, it does not fit, or
    /// another than the participant's meter signed it.
    function _signed(Walk memory walk, uint256 participant, Reading reading, uint256 at)
        private
        view
        returns (bool valid, Reading replacement)
    {
        // at + 54 is a place in the calldata: below 2^64.
        unchecked {
            SignedReading signed = signedReadingFrom(at);
            (uint256 imported, uint256 exported) = (signed.imported(), signed.exported());
            if (!reading.hasSignedFlag() && (imported | exported) >> METERED_BITS == 0) {
                walk.page.turnTo(REGISTRY, participant);
                address signer = Recovery.signer(
                    _digest(walk.frame, participant, signed),
                    OrderCodec.load(at + SIGNATURE_R_AT),
                    OrderCodec.load(at + SIGNATURE_VS_AT)
                );
                valid = walk.page.isMeterKey(participant, signer);
                replacement = signedBy(imported, exported);
            }
        }
    }

    /// @dev Memory in which the digests of readings are made, so that what they share is written once:
    ///
    ///   0x000   type     interval   participant   imported   exported   import register   export register
    ///   0x0fe   0x1901   domain     hash of the reading
    function _frame(bytes32 domain, uint256 interval) private pure returns (uint256 frame) {
        bytes32 typehash = READING_TYPEHASH;
        // Writes [0x00, 0x120) of the 0x140 bytes that it allocates.
        assembly ("memory-safe") {
            frame := mload(0x40)
            mstore(0x40, add(frame, 0x140))
            mstore(frame, typehash)
            mstore(add(frame, 0x20), interval)
            mstore(add(frame, 0xe0), 0x1901)
            mstore(add(frame, 0x100), domain)
        }
    }

    /// @dev The tests compare it with the client's EIP-712 encoding.
    function _digest(uint256 frame, uint256 participant, SignedReading signed) private pure returns (bytes32 digest) {
        (uint256 imported, uint256 exported) = (signed.imported(), signed.exported());
        (uint256 importRegister, uint256 exportRegister) = (signed.importRegister(), signed.exportRegister());
        // Writes [0x40, 0xe0) and [0x120, 0x140) of the frame's 0x140 bytes, and hashes up to 0xfe + 0x42 = 0x140.
        assembly ("memory-safe") {
            mstore(add(frame, 0x40), participant)
            mstore(add(frame, 0x60), imported)
            mstore(add(frame, 0x80), exported)
            mstore(add(frame, 0xa0), importRegister)
            mstore(add(frame, 0xc0), exportRegister)
            mstore(add(frame, 0x120), keccak256(frame, 0xe0))
            digest := keccak256(add(frame, 0xfe), 0x42)
        }
    }
}
