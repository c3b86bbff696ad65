// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {OrderBook} from "./OrderBook.sol";
import {BatchData, IEnergyMarket, Interval, Phase} from "./interfaces/IEnergyMarket.sol";
import {Clearing} from "./libraries/Clearing.sol";
import {OrderCodec} from "./libraries/OrderCodec.sol";
import {Roster} from "./libraries/Roster.sol";
import {Position, Settlement} from "./libraries/Settlement.sol";
import {Terms} from "./libraries/Terms.sol";

/// @title Metering: readings, and the walk over a batch that they are held against
abstract contract Metering is OrderBook {
    using Roster for Roster.Page;
    using Settlement for Settlement.Rules;
    using Settlement for Position;

    bytes32 private constant ATTESTATION_TYPEHASH =
        keccak256("MeterAttestation(uint32 interval,uint16 run,bytes32 readingsHash,uint40 delivered)");
    bytes32 private constant READING_TYPEHASH = keccak256(
        "MeterReading(uint32 interval,uint16 participant,uint32 imported,uint32 exported,uint48 importRegister,uint48 exportRegister)"
    );
    uint256 internal constant FIRST_RUN = 1;
    uint256 private constant SIGNED_READING_BYTES = 86;

    /* READINGS */

    /// @inheritdoc IEnergyMarket
    function attest(uint256 interval, bytes[] calldata readings, uint256 delivered, bytes calldata signature) external {
        Slot storage slot = _slot(interval, Phase.Gated);
        Interval storage state = slot.interval;
        require(block.timestamp >= _deliveryEnd(interval), TooEarly(_deliveryEnd(interval)));
        require(block.timestamp < _attestDeadline(interval), TooLate(_attestDeadline(interval)));
        require(!state.attested, AlreadyAttested());
        uint256 most = state.terms.volume();
        require(delivered <= most, VolumeTooLarge(delivered, most));
        bytes32[] memory hashes = _hashes(readings, state.batches);
        _requireAttested(interval, FIRST_RUN, keccak256(abi.encodePacked(hashes)), delivered, signature);

        for (uint256 i; i < hashes.length; ++i) {
            _requireUnsigned(readings[i]);
            // An empty vector commits to nothing: all of the batch's readings are missing.
            if (readings[i].length != 0) slot.batches[i] = _metered(slot.batches[i], hashes[i]);
        }
        state.attested = true;
        state.terms = state.terms.withDelivered(delivered);
        emit Attested(interval, delivered);
    }

    /// @dev Only a meter's own signature, given to `overrule`, makes a reading meter-signed.
    function _requireUnsigned(bytes calldata readings) private pure {
        for (uint256 i; i < readings.length / Settlement.READING_BYTES; ++i) {
            require(_reading(readings, i) >> 62 != Settlement.SIGNED, SignedReading(i));
        }
    }

    /// @inheritdoc IEnergyMarket
    function overrule(uint256 interval, uint256 batch, BatchData calldata data, bytes calldata signedReadings)
        external
    {
        Slot storage slot = _slot(interval, Phase.Gated);
        Interval storage state = slot.interval;
        uint256 from = state.attested ? _deliveryEnd(interval) : _attestDeadline(interval);
        require(block.timestamp >= from, TooEarly(from));
        require(block.timestamp < _readingsDeadline(interval), TooLate(_readingsDeadline(interval)));
        bytes32 unread = _requireCommitted(slot, interval, batch, data);

        (bytes memory readings, int256 change) = _overrule(state, interval, batch, data, signedReadings);
        slot.batches[batch] = _metered(unread, keccak256(readings));
        // An attestation may have claimed anything up to the volume, so the sum may leave its range.
        int256 delivered = SignedMath.max(0, int256(state.terms.delivered()) + change);
        delivered = SignedMath.min(delivered, int256(state.terms.volume()));
        state.terms = state.terms.withDelivered(uint256(delivered));
        emit Overruled(interval, batch, uint256(delivered), readings);
    }

    /// @dev The batch's readings with those that verify replaced, and by how much that changes what was delivered.
    function _overrule(
        Interval storage state,
        uint256 interval,
        uint256 batch,
        BatchData calldata data,
        bytes calldata signedReadings
    ) private returns (bytes memory readings, int256 change) {
        Walk memory walk = _walk(state.terms, state.clearing, data, data.readings);
        readings = new bytes(walk.orders * Settlement.READING_BYTES + 32);
        uint256 next;
        while (_step(walk, data, data.readings)) {
            if (next < signedReadings.length && OrderCodec.word(signedReadings, next) >> 240 == walk.position) {
                (bool taken, int256 difference) = _replace(walk, interval, signedReadings, next);
                if (!taken) emit OverruleSkipped(interval, batch, walk.position);
                change += difference;
                next += SIGNED_READING_BYTES;
            }
            OrderCodec.write(
                readings, walk.position * Settlement.READING_BYTES, walk.reading, Settlement.READING_BYTES
            );
        }
        OrderCodec.truncate(readings, walk.orders * Settlement.READING_BYTES);
    }

    /// @dev Puts the signed reading at `at` in the current order's place, if its meter signed it and none before it.
    function _replace(Walk memory walk, uint256 interval, bytes calldata signedReadings, uint256 at)
        private
        view
        returns (bool taken, int256 change)
    {
        if (at + SIGNED_READING_BYTES > signedReadings.length || walk.reading >> 62 == Settlement.SIGNED) {
            return (false, 0);
        }
        uint256 word = OrderCodec.word(signedReadings, at);
        (address signer,,) = ECDSA.tryRecover(
            _readingDigest(interval, walk.participant, word),
            bytes32(OrderCodec.word(signedReadings, at + 22)),
            bytes32(OrderCodec.word(signedReadings, at + 54))
        );
        uint256 imported = uint32(word >> 208);
        uint256 exported = uint32(word >> 176);
        if (signer != walk.page.meterKey(walk.participant) || imported >> 31 != 0 || exported >> 31 != 0) return (false, 0);

        uint256 before = walk.order.delivered();
        walk.reading = (Settlement.SIGNED << 62) | (imported << 31) | exported;
        walk.order.read(walk.reading, walk.imports, walk.exports);
        unchecked {
            return (true, int256(walk.order.delivered()) - int256(before));
        }
    }

    /// @param word position (2 bytes), imported (4), exported (4), import register (6), export register (6)
    function _readingDigest(uint256 interval, uint256 participant, uint256 word) private view returns (bytes32) {
        return _digest(
            keccak256(
                abi.encode(
                    READING_TYPEHASH,
                    interval,
                    participant,
                    uint32(word >> 208),
                    uint32(word >> 176),
                    uint48(word >> 128),
                    uint48(word >> 80)
                )
            )
        );
    }

    /* WALK */

    /// @dev A batch, order by order. What stands below `page` is the current order's.
    struct Walk {
        Settlement.Rules rules;
        uint256 orders;
        uint256 next;
        uint256 at;
        bool read;
        Roster.Page page;
        uint256 position;
        uint256 participant;
        uint256 imports;
        uint256 exports;
        uint256 reading;
        Position order;
    }

    function _walk(Terms terms, Clearing clearing, BatchData calldata data, bytes calldata readings)
        internal
        view
        returns (Walk memory walk)
    {
        uint256 orders = _orderCount(data.records);
        bool named = data.decisions.length == orders * Settlement.DECISION_BYTES;
        walk.rules = Settlement.rules(terms, clearing, _price(clearing), MAX_LOSS_RATE, named);
        walk.orders = orders;
        walk.read = readings.length == orders * Settlement.READING_BYTES;
    }

    /// @dev Moves to the next order: what was accepted of it and what its meter said. False after the last.
    function _step(Walk memory walk, BatchData calldata data, bytes calldata readings) internal view returns (bool) {
        uint256 position = walk.next;
        if (position == walk.orders) return false;
        bytes calldata records = data.records;
        uint256 at = walk.at;
        (uint256 participant, uint256 count) = OrderCodec.header(records, at);
        walk.position = position;
        walk.participant = participant;
        unchecked {
            walk.next = position + 1;
            walk.at = at + OrderCodec.recordLength(count);
        }
        walk.page.turn(registry, participant);
        (walk.imports, walk.exports) = walk.page.energyLimits(participant, INTERVAL_LENGTH);
        walk.rules.accept(records, at, count, data.decisions, position, walk.order);
        walk.reading = walk.read ? _reading(readings, position) : 0;
        walk.order.read(walk.reading, walk.imports, walk.exports);
        return true;
    }

    /* COMMITMENTS */

    function _gated(bytes32 commitment, bytes32 decisionsHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x01), commitment, decisionsHash));
    }

    function _metered(bytes32 commitment, bytes32 readingsHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x02), commitment, readingsHash));
    }

    /// @dev The batch's commitment before any readings.
    function _unread(uint256 interval, uint256 batch, BatchData calldata data) internal pure returns (bytes32) {
        bytes32 posted = _posted(interval, batch, data.records);
        return data.decisions.length == 0 ? posted : _gated(posted, keccak256(data.decisions));
    }

    function _read(bytes32 unread, bytes calldata readings) internal pure returns (bytes32) {
        return readings.length == 0 ? unread : _metered(unread, keccak256(readings));
    }

    function _requireCommitted(Slot storage slot, uint256 interval, uint256 batch, BatchData calldata data)
        internal
        view
        returns (bytes32 unread)
    {
        require(batch < slot.interval.batches, UnknownBatch(interval, batch));
        unread = _unread(interval, batch, data);
        require(_read(unread, data.readings) == slot.batches[batch], NotCommitted());
    }

    function _requireAttested(
        uint256 interval,
        uint256 run,
        bytes32 readingsHash,
        uint256 delivered,
        bytes calldata signature
    ) internal view {
        bytes32 digest =
            _digest(keccak256(abi.encode(ATTESTATION_TYPEHASH, interval, run, readingsHash, delivered)));
        (address signer,,) = ECDSA.tryRecover(
            digest, bytes32(OrderCodec.word(signature, 0)), bytes32(OrderCodec.word(signature, 32))
        );
        require(
            signature.length == OrderCodec.SIGNATURE_BYTES && signer != address(0) && signer == registry.meteringOperator(),
            NotAttestedByOperator()
        );
    }

    /// @dev The hash of each vector. None may be longer than one with an entry for every account: what could be taken
    /// but not supplied again would leave its batch unsettled.
    function _hashes(bytes[] calldata vectors, uint256 batches) internal view returns (bytes32[] memory hashes) {
        require(vectors.length == batches, BatchCountMismatch(vectors.length, batches));
        uint256 most = registry.accountCount() * Settlement.DECISION_BYTES;
        hashes = new bytes32[](batches);
        for (uint256 i; i < batches; ++i) {
            require(vectors[i].length <= most, VectorTooLong(i));
            hashes[i] = keccak256(vectors[i]);
        }
    }

    /* PACKED FORMS */

    function _orderCount(bytes calldata records) internal pure returns (uint256 orders) {
        unchecked {
            for (uint256 at; at < records.length; ++orders) {
                (, uint256 count) = OrderCodec.header(records, at);
                at += OrderCodec.recordLength(count);
            }
        }
    }

    function _reading(bytes calldata readings, uint256 index) internal pure returns (uint256) {
        unchecked {
            return OrderCodec.word(readings, index * Settlement.READING_BYTES) >> 192;
        }
    }
}
