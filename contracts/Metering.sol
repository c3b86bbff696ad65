// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {LibBit} from "solady/src/utils/LibBit.sol";
import {IntervalRing} from "./IntervalRing.sol";
import {BatchData, IEnergyMarket, Interval, Phase} from "./interfaces/IEnergyMarket.sol";
import {ISignedReadings} from "./interfaces/ISignedReadings.sol";
import {BatchWord, METERED_TAG, postedWord} from "./libraries/BatchWord.sol";
import {DECISION_BYTES} from "./libraries/Decision.sol";
import {OrderCodec} from "./libraries/OrderCodec.sol";
import {READING_BITS, READING_BYTES} from "./libraries/Reading.sol";

/// @title Metering: the readings of a batch, and what a batch is committed to
abstract contract Metering is IntervalRing {
    bytes32 private constant ATTESTATION_TYPEHASH =
        keccak256("MeterAttestation(uint32 interval,bytes32 metered,uint40 delivered)");
    /// @dev The higher bit of the status in each of the four readings of a word.
    uint256 private constant SIGNED_FLAGS = 0x8000000000000000800000000000000080000000000000008000000000000000;

    /// @notice What meters say for themselves.
    ISignedReadings public immutable signedReadings;

    constructor(ISignedReadings signedReadings_) {
        signedReadings = signedReadings_;
    }

    /* READINGS */

    /// @inheritdoc IEnergyMarket
    function attest(uint256 interval, bytes[] calldata readings, uint256 delivered, bytes calldata signature) external {
        Slot storage slot = _slot(interval, Phase.Gated);
        Interval storage state = slot.interval;
        _requireFrom(_deliveryEnd(interval));
        _requireBefore(_attestDeadline(interval));
        require(!state.attested, AlreadyAttested());
        uint256 most = state.terms.volume();
        require(delivered <= most, VolumeTooLarge(delivered, most));
        bytes32[] memory hashes = _hashes(readings, state.batches);
        // The words bind the readings to the records, so that what is attested of one participant is never another's.
        bytes32 metered = _commitVectors(interval, METERED_TAG, readings, hashes);
        _requireAttested(keccak256(abi.encode(ATTESTATION_TYPEHASH, interval, metered, delivered)), signature);
        for (uint256 i; i < hashes.length; ++i) {
            _requireUnsigned(readings[i]);
        }

        state.attested = true;
        state.terms = state.terms.withDelivered(delivered);
        emit Attested(interval, delivered);
    }

    /// @dev Only a meter's own signature, given to `overrule`, makes a reading meter-signed.
    function _requireUnsigned(bytes calldata readings) private pure {
        // at < readings.length + 32 < 2^64.
        unchecked {
            for (uint256 at; at < readings.length; at += 32) {
                // Four readings at once. What follows the vector in the calldata is its padding, or another's length.
                uint256 signed = OrderCodec.word(readings, at) & SIGNED_FLAGS;
                // No `require`: it would work out the position also where there is none.
                if (signed != 0) revert MeterSignedReading(at / READING_BYTES + LibBit.clz(signed) / READING_BITS);
            }
        }
    }

    /// @inheritdoc IEnergyMarket
    function overrule(uint256 interval, uint256 batch, BatchData calldata data, bytes calldata signed) external {
        Slot storage slot = _slot(interval, Phase.Gated);
        Interval storage state = slot.interval;
        uint256 from = state.attested ? _deliveryEnd(interval) : _attestDeadline(interval);
        _requireFrom(from);
        _requireBefore(_readingsDeadline(interval));
        BatchWord unread = _unread(interval, batch, data);
        require(_read(unread, data.readings) == _committed(state, batch), NotCommitted());

        (bytes32 readingsHash, int256 change) =
            signedReadings.overrule(domainSeparator(), interval, batch, state.terms, state.clearing, data, signed);
        _batchesOf(interval)[batch] = unread.metered(readingsHash);
        // An attestation may have claimed anything up to the volume, so the sum may leave its range.
        int256 delivered = SignedMath.max(0, int256(state.terms.delivered()) + change);
        delivered = SignedMath.min(delivered, int256(state.terms.volume()));
        state.terms = state.terms.withDelivered(uint256(delivered));
        emit Overruled(interval, batch, uint256(delivered));
    }

    /* COMMITMENTS */

    /// @dev Commits every batch to its vector besides. An empty one commits to nothing: a batch can be settled without
    /// decisions, and without readings all of its are missing.
    /// @return all hash of the batches' words from now on
    function _commitVectors(uint256 interval, bytes1 tag, bytes[] calldata vectors, bytes32[] memory hashes)
        internal
        returns (bytes32 all)
    {
        mapping(uint256 => BatchWord) storage batches = _batchesOf(interval);
        BatchWord[] memory words = new BatchWord[](hashes.length);
        for (uint256 i; i < hashes.length; ++i) {
            words[i] = batches[i];
            if (vectors[i].length == 0) continue;
            words[i] = words[i].tagged(tag, hashes[i]);
            batches[i] = words[i];
            emit Supplied(interval, i, tag, vectors[i]);
        }
        return keccak256(abi.encodePacked(words));
    }

    /// @dev The word of the batch that `data` shows, before any readings.
    function _unread(uint256 interval, uint256 batch, BatchData calldata data) internal pure returns (BatchWord) {
        BatchWord posted = postedWord(interval, batch, data.previous, data.records);
        return data.decisions.length == 0 ? posted : posted.gated(keccak256(data.decisions));
    }

    /// @dev The same with these readings.
    function _read(BatchWord unread, bytes calldata readings) internal pure returns (BatchWord) {
        return readings.length == 0 ? unread : unread.metered(keccak256(readings));
    }

    function _requireAttested(bytes32 structHash, bytes calldata signature) internal view {
        require(registry.attests(_digest(structHash), signature), NotAttestedByOperator());
    }

    /// @dev The hash of each vector. None may be longer than a batch's can be: what could be taken but not supplied again
    /// would leave its batch unsettled.
    function _hashes(bytes[] calldata vectors, uint256 batches) internal view returns (bytes32[] memory hashes) {
        require(vectors.length == batches, BatchCountMismatch(vectors.length, batches));
        uint256 most = BATCH_ORDERS * DECISION_BYTES;
        hashes = new bytes32[](batches);
        for (uint256 i; i < batches; ++i) {
            require(vectors[i].length <= most, VectorTooLong(i));
            hashes[i] = keccak256(vectors[i]);
        }
    }
}
