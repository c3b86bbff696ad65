// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {MarginAccounts} from "./MarginAccounts.sol";
import {IEnergyMarket, Interval, Phase, Skip} from "./interfaces/IEnergyMarket.sol";
import {Tariff} from "./interfaces/IParticipantRegistry.sol";
import {Clearing} from "./libraries/Clearing.sol";
import {BUY, OrderCodec, PostedStep, Step} from "./libraries/OrderCodec.sol";
import {Roster} from "./libraries/Roster.sol";
import {opening} from "./libraries/Terms.sol";
import {TickBook} from "./libraries/TickBook.sol";

/// @title The double-auction order book: post and clear
/// @notice Books live in a ring. Their words carry the interval they belong to, so a slot is used again without
/// clearing it and the state does not grow.
abstract contract OrderBook is MarginAccounts, IEnergyMarket {
    using Roster for Roster.Page;
    using TickBook for TickBook.Book;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// @dev Participants per word of the posted bits; the word's low 32 bits carry the interval.
    uint256 private constant POSTED_PER_WORD = 224;

    struct Slot {
        Interval interval;
        TickBook.Book book;
        mapping(uint256 word => uint256) posted;
        mapping(uint256 batch => bytes32) batches;
    }

    /// @dev One run of `post`: what it has read so far and what it will write. `...Index` is one more than the index of
    /// the word held, so that zero means none.
    struct Posting {
        uint256 interval;
        bytes32 domain;
        Roster.Page page;
        uint256 standingIndex;
        uint256 funded;
        uint256 leaving;
        uint256 postedIndex;
        uint256 posted;
        TickBook.Draft draft;
        bytes records;
        uint256 recordsLength;
    }

    mapping(uint256 slot => Slot) private _ring;

    /* POST */

    /// @inheritdoc IEnergyMarket
    function post(uint256 interval, bytes calldata orders) external {
        Slot storage slot = _openSlot(interval);
        Posting memory posting;
        posting.interval = interval;
        posting.domain = domainSeparator();
        posting.draft = slot.book.open(interval, slot.interval.batches == 0);
        // A record is never longer than its order; 32 bytes to spare for the last write.
        posting.records = new bytes(orders.length + 32);

        uint256 at;
        for (uint256 position; at < orders.length; ++position) {
            (uint256 participant, uint256 count) = OrderCodec.header(orders, at);
            uint256 next = at + OrderCodec.orderLength(count);
            require(next <= orders.length, TruncatedBatch());
            Skip reason = _check(slot, posting, orders, at, participant, count);
            if (reason == Skip.None) _queue(slot, posting, orders, at, participant, count);
            else emit OrderSkipped(interval, position, participant, reason);
            at = next;
        }

        if (posting.recordsLength != 0) _commit(slot, posting);
    }

    /// @dev The interval's slot, opened for it if it held an older one.
    function _openSlot(uint256 interval) private returns (Slot storage slot) {
        require(!registry.postingPaused(), PostingIsPaused());
        require(_supplierStands(), SupplierBelowMargin());
        require(interval <= _lastOpen(), NotYetOpen(interval, _lastOpen()));
        require(
            block.timestamp + GATE_LEAD < interval * INTERVAL_LENGTH, GateClosed(interval, interval * INTERVAL_LENGTH)
        );
        slot = _ring[interval % RING_SIZE];
        Interval storage state = slot.interval;
        if (state.number == interval) return slot;

        require(state.settled == state.batches, SlotBusy(state.number));
        Tariff memory tariff = registry.tariffAt(interval);
        state.number = uint32(interval);
        state.phase = Phase.Open;
        state.attested = false;
        state.batches = 0;
        state.settled = 0;
        state.terms = opening(tariff.retail, tariff.feedIn, tariff.networkFee);
    }

    /// @dev Why the order cannot be taken, if it cannot. The signature comes late: it costs the most.
    function _check(
        Slot storage slot,
        Posting memory posting,
        bytes calldata orders,
        uint256 at,
        uint256 participant,
        uint256 count
    ) private returns (Skip) {
        (bool wellFormed, uint256 buys, uint256 sells) = _sums(orders, at, count);
        if (!wellFormed) return Skip.MalformedSteps;
        if (!posting.page.turn(registry, participant)) return Skip.UnknownParticipant;

        _turnStanding(posting, participant);
        uint256 bit = 1 << (participant & 0xff);
        if (posting.leaving & bit != 0 || posting.page.isSuspended(participant)) return Skip.Suspended;
        if (posting.funded & bit == 0) return Skip.BelowMargin;
        _turnPosted(slot, posting, participant);
        if (posting.posted & _postedBit(participant) != 0) return Skip.DuplicateOrder;

        (uint256 imports, uint256 exports) = posting.page.energyLimits(participant, INTERVAL_LENGTH);
        if (buys > imports || sells > exports) return Skip.OverConnectionLimit;

        bytes32 digest = OrderCodec.digest(orders, at, count, posting.domain, posting.interval);
        (bytes32 r, bytes32 vs) = OrderCodec.signature(orders, at, count);
        (address signer,,) = ECDSA.tryRecover(digest, r, vs);
        if (signer != posting.page.orderKey(participant)) return Skip.BadSignature;

        for (uint256 i; i < count; ++i) {
            if (!slot.book.hasRoom(posting.draft, OrderCodec.orderStep(orders, at, i))) return Skip.LaneFull;
        }
        return Skip.None;
    }

    /// @dev Wh bought and sold, and whether there are 1 to 8 steps, none empty, strictly ascending by side and tick.
    function _sums(bytes calldata orders, uint256 at, uint256 count)
        private
        pure
        returns (bool wellFormed, uint256 buys, uint256 sells)
    {
        if (count == 0 || count > OrderCodec.MAX_STEPS) return (false, 0, 0);
        uint256 least;
        for (uint256 i; i < count; ++i) {
            Step step = OrderCodec.orderStep(orders, at, i);
            uint256 quantity = step.quantity();
            if (step.merit() < least || quantity == 0) return (false, 0, 0);
            unchecked {
                least = step.merit() + 1;
                if (step.side() == BUY) buys += quantity;
                else sells += quantity;
            }
        }
        return (true, buys, sells);
    }

    /// @dev Queues every step in its lane and appends the order's record.
    function _queue(
        Slot storage slot,
        Posting memory posting,
        bytes calldata orders,
        uint256 at,
        uint256 participant,
        uint256 count
    ) private view {
        posting.posted |= _postedBit(participant);
        uint256 to = OrderCodec.write(posting.records, posting.recordsLength, (participant << 8) | count, 3);
        for (uint256 i; i < count; ++i) {
            PostedStep posted = slot.book.post(posting.draft, OrderCodec.orderStep(orders, at, i));
            to = OrderCodec.write(posting.records, to, PostedStep.unwrap(posted), OrderCodec.POSTED_STEP_BYTES);
        }
        posting.recordsLength = to;
    }

    function _commit(Slot storage slot, Posting memory posting) private {
        _flushPosted(slot, posting);
        slot.book.save(posting.draft);
        bytes memory records = posting.records;
        OrderCodec.truncate(records, posting.recordsLength);

        Interval storage state = slot.interval;
        uint256 batch = state.batches;
        require(batch < type(uint16).max, TooManyBatches());
        bytes32 commitment = _posted(posting.interval, batch, records);
        slot.batches[batch] = commitment;
        state.batchesHash = keccak256(abi.encode(_batchesHash(state), commitment));
        state.batches = uint16(batch + 1);
        emit BatchPosted(posting.interval, batch, msg.sender, records);
    }

    function _turnStanding(Posting memory posting, uint256 participant) private view {
        uint256 index = (participant >> 8) + 1;
        if (posting.standingIndex == index) return;
        posting.standingIndex = index;
        (posting.funded, posting.leaving) = _standing(index - 1);
    }

    function _turnPosted(Slot storage slot, Posting memory posting, uint256 participant) private {
        uint256 index = participant / POSTED_PER_WORD + 1;
        if (posting.postedIndex == index) return;
        _flushPosted(slot, posting);
        uint256 word = slot.posted[index - 1];
        posting.postedIndex = index;
        posting.posted = uint32(word) == posting.interval ? word : posting.interval;
    }

    function _flushPosted(Slot storage slot, Posting memory posting) private {
        if (posting.postedIndex != 0) slot.posted[posting.postedIndex - 1] = posting.posted;
    }

    function _postedBit(uint256 participant) private pure returns (uint256) {
        return 1 << (32 + participant % POSTED_PER_WORD);
    }

    /* CLEAR */

    /// @inheritdoc IEnergyMarket
    function clear(uint256 interval) external {
        Slot storage slot = _slot(interval, Phase.Open);
        require(block.timestamp >= _gateClosure(interval), TooEarly(_gateClosure(interval)));

        Interval storage state = slot.interval;
        Clearing cleared = state.batches == 0 ? Clearing.wrap(0) : slot.book.clear(interval);
        state.clearing = cleared;
        state.terms = state.terms.withVolume(cleared.volume());
        state.phase = Phase.Cleared;
        emit Cleared(interval, _price(cleared), cleared.volume(), cleared, _clearingHash(state));
    }

    /* READ */

    /// @inheritdoc IEnergyMarket
    function intervalState(uint256 interval) external view returns (Interval memory state) {
        state = _ring[interval % RING_SIZE].interval;
        require(state.number == interval && state.phase != Phase.None, WrongPhase(interval, Phase.None));
    }

    /// @inheritdoc IEnergyMarket
    function book(uint256 interval, uint256 side) external view returns (uint256[256] memory lanes) {
        Slot storage slot = _ring[interval % RING_SIZE];
        for (uint256 tick; tick < lanes.length; ++tick) {
            lanes[tick] = slot.book.lane(interval, side, tick);
        }
    }

    /// @inheritdoc IEnergyMarket
    function clearingHash(uint256 interval) external view returns (bytes32) {
        return _clearingHash(_slot(interval, Phase.Cleared).interval);
    }

    /// @inheritdoc IEnergyMarket
    function batchCommitment(uint256 interval, uint256 batch) external view returns (bytes32) {
        Slot storage slot = _ring[interval % RING_SIZE];
        require(slot.interval.number == interval && batch < slot.interval.batches, UnknownBatch(interval, batch));
        return slot.batches[batch];
    }

    /// @inheritdoc IEnergyMarket
    function domainSeparator() public view returns (bytes32) {
        // Not stored: after a fork of the chain the signatures of one side must not count on the other.
        return keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256("Peerwatt"), keccak256("1"), block.chainid, address(this))
        );
    }

    /// @dev What is signed of an EIP-712 message.
    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domainSeparator(), structHash);
    }

    /// @dev The interval's slot, which must be in `phase`.
    function _slot(uint256 interval, Phase phase) internal view returns (Slot storage slot) {
        slot = _ring[interval % RING_SIZE];
        Phase actual = slot.interval.number == interval ? slot.interval.phase : Phase.None;
        require(actual == phase, WrongPhase(interval, actual));
    }

    function _ringState(uint256 index) internal view override returns (uint256 interval, bool settled) {
        Interval storage state = _ring[index].interval;
        return (state.number, state.settled == state.batches);
    }

    function _price(Clearing cleared) internal view returns (uint256) {
        return cleared.volume() == 0 ? 0 : BASE_PRICE + cleared.priceTick() * TICK_SIZE;
    }

    function _posted(uint256 interval, uint256 batch, bytes memory records) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint32(interval), uint16(batch), records));
    }

    /// @dev All batches of the interval so far, in one hash. A slot that was just opened still holds an older one.
    function _batchesHash(Interval storage state) private view returns (bytes32) {
        return state.batches == 0 ? bytes32(0) : state.batchesHash;
    }

    function _clearingHash(Interval storage state) internal view returns (bytes32) {
        return keccak256(abi.encode(uint256(state.number), state.clearing, _batchesHash(state)));
    }
}
