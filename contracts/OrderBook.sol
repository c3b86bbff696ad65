// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarginAccounts} from "./MarginAccounts.sol";
import {IAuction} from "./interfaces/IAuction.sol";
import {IEnergyMarket, Interval, Phase, Skip} from "./interfaces/IEnergyMarket.sol";
import {IOperatingEnvelopes} from "./interfaces/IOperatingEnvelopes.sol";
import {Tariff} from "./interfaces/IParticipantRegistry.sol";
import {ISealedBatches} from "./interfaces/ISealedBatches.sol";
import {SystemAccount} from "./libraries/AccountLib.sol";
import {BatchWord, postedWord} from "./libraries/BatchWord.sol";
import {Clearing} from "./libraries/Clearing.sol";
import {Frame, OrderCodec, Steps} from "./libraries/OrderCodec.sol";
import {Recovery} from "./libraries/Recovery.sol";
import {Connection, Roster} from "./libraries/Roster.sol";
import {Terms, Verdict, opening} from "./libraries/Terms.sol";
import {TickBook} from "./libraries/TickBook.sol";

/// @title The double-auction order book: post and clear
abstract contract OrderBook is MarginAccounts {
    using Roster for Roster.Page;
    using TickBook for TickBook.Book;

    /// @dev One run of `post`: what it has read so far and what it will write.
    /// @param batches of the interval so far
    /// @param accounts that the interval knows
    /// @param flags of the current page, as in `_accountFlags`
    /// @param posted the slot's word of the current page and its neighbour
    /// @param postedOffset of the current page's bits in it
    /// @param eligible of the current page: a bit for each whose order could be taken when it was turned to
    /// @param remaining of the current page: a bit for each whose order can still be taken
    /// @param position of the current order in the batch
    /// @param skipped orders so far
    struct Posting {
        uint256 interval;
        uint256 batches;
        uint256 accounts;
        Frame frame;
        Roster.Page page;
        uint256 flags;
        uint256 posted;
        uint256 postedOffset;
        uint256 eligible;
        uint256 remaining;
        TickBook.Draft draft;
        uint256 position;
        uint256 skipped;
    }

    /// @notice Matches bids and asks.
    IAuction public immutable auction;
    /// @inheritdoc IEnergyMarket
    ISealedBatches public immutable sealedBatches;
    /// @inheritdoc IEnergyMarket
    IOperatingEnvelopes public immutable envelopes;

    constructor(IAuction auction_, ISealedBatches sealedBatches_, IOperatingEnvelopes envelopes_) {
        auction = auction_;
        sealedBatches = sealedBatches_;
        envelopes = envelopes_;
    }

    /* POST */

    /// @inheritdoc IEnergyMarket
    function post(uint256 interval, bytes calldata orders) external returns (uint256) {
        Slot storage slot = _openSlot(interval);
        Posting memory posting;
        posting.interval = interval;
        posting.batches = slot.interval.batches;
        posting.accounts = slot.interval.terms.accounts();
        posting.frame = OrderCodec.frame(domainSeparator(), interval);
        posting.draft.held = slot.interval.terms.heldWords();
        // A record is shorter than its order; to spare for their number and the last write.
        bytes memory records = new bytes(orders.length + 64);
        uint256 start = OrderCodec.start(records) + OrderCodec.COUNT_BYTES;
        uint256 cursor = _takeOrders(slot, posting, orders, start);
        if (cursor != start) {
            OrderCodec.finish(records, cursor, posting.position - posting.skipped);
            _commit(slot, posting, records);
        }
        return posting.skipped;
    }

    /// @dev The interval's slot, opened for it if it held an older one. The supplier is asked then: it stands for all whom
    /// the interval knows until it is settled, and the interval knows nobody who comes later.
    function _openSlot(uint256 interval) private returns (Slot storage slot) {
        (bool paused, uint256 energyLimit, uint256 known) = registry.standing();
        uint256 last = _lastOpen();
        require(interval <= last, NotYetOpen(interval, last));
        // The sealed phase has its own clock, and the same one: it calls from gate closure until the book's closure.
        // What was committed to before a pause is revealed.
        if (REVEAL_WINDOW != 0) {
            require(msg.sender == address(sealedBatches), SealedOnly());
        } else {
            require(!paused, PostingIsPaused());
            require(block.timestamp + GATE_LEAD < interval * INTERVAL_LENGTH, GateClosed(interval));
        }
        slot = _ring[interval % RING_SIZE];
        Interval storage state = slot.interval;
        uint256 older = state.number;
        if (older == interval) return slot;

        if (state.settled != state.batches) _leave(state);
        require(_supplierHoldsMargins(energyLimit), SupplierBelowMargin());
        Tariff memory tariff = registry.tariffAt(interval);
        Terms terms = opening(tariff.retail, tariff.feedIn, tariff.networkFee, known);
        // The first word of an `Interval` whole: no batches, none settled, nothing attested.
        uint256 word = interval | (uint256(Phase.Open) << 32) | (uint256(Terms.unwrap(terms)) << 80);
        assembly ("memory-safe") {
            sstore(state.slot, word)
        }
    }

    /// @dev Keeps an interval that nobody settled in time apart, since its slot is wanted.
    function _leave(Interval storage state) private {
        uint256 older = state.number;
        require(block.timestamp >= _readingsDeadline(older), SlotBusy(older));
        if (state.phase != Phase.Gated) {
            // While it was open, this was an older one's.
            state.clearing = Clearing.wrap(0);
            _expire(state);
        }
        Interval storage left = _left[older % BATCH_RING];
        _countOff(left);
        // An `Interval` is two words.
        assembly ("memory-safe") {
            sstore(left.slot, sload(state.slot))
            sstore(add(left.slot, 1), sload(add(state.slot, 1)))
        }
    }

    /// @dev What follows from the committee's silence.
    function _expire(Interval storage state) internal {
        state.phase = Phase.Gated;
        state.terms = state.terms.gated(Verdict.Expired, 0, 0);
        emit Expired(state.number);
    }

    /// @dev Of an interval that is left, nothing is in flight any more.
    function _countOff(Interval storage left) internal {
        if (left.settled != 0 && left.settled != left.batches) --_totals.partlySettled;
    }

    /// @dev Queues the orders of a batch in the book and writes their records to memory from `cursor` on. Says of each
    /// other order in an event which check it failed.
    /// @return nextCursor where the records end
    function _takeOrders(Slot storage slot, Posting memory posting, bytes calldata orders, uint256 cursor)
        private
        returns (uint256 nextCursor)
    {
        nextCursor = cursor;
        (uint256 at, uint256 end) = OrderCodec.bounds(orders);
        // number < 2^16; count < 2^8, so an order has less than 2^11 bytes, and places in calldata and memory, as well as
        // the numbers of orders, stay below 2^64.
        unchecked {
            while (at < end) {
                (uint256 participant, uint256 count) = OrderCodec.header(OrderCodec.load(at));
                uint256 number = participant / Roster.PAGE_SIZE;
                if (posting.page.index != number + 1) _turnToPage(slot, posting, number);
                nextCursor = _take(slot, posting, participant, count, at, nextCursor);
                ++posting.position;
                at += OrderCodec.orderLength(count);
            }
        }
        // Behind the end of the calldata are zeros: an order that reaches there was not taken for another.
        require(at == end, TruncatedBatch());
        // Skipped ones count too: their checks are what posting them costs.
        require(posting.position <= BATCH_ORDERS, BatchTooLarge(posting.position, BATCH_ORDERS));
    }

    /// @dev Queues the order at `at` of the calldata, if it passes every check. If not, an event says which check it failed
    /// first. The signature comes late: it costs the most.
    /// @param cursor where in memory its record goes
    /// @return nextCursor where the record ends
    function _take(
        Slot storage slot,
        Posting memory posting,
        uint256 participant,
        uint256 count,
        uint256 at,
        uint256 cursor
    ) private returns (uint256 nextCursor) {
        nextCursor = cursor;
        Steps steps = OrderCodec.steps(at, 0);
        (uint256 energy, bytes32 digest) = OrderCodec.digest(posting.frame, participant, steps, count);
        uint256 bit = Roster.bitOf(participant);
        Connection connection = posting.page.connection(participant);
        if (energy == 0) {
            _skip(posting, participant, Skip.MalformedSteps);
        } else if (posting.remaining & bit == 0) {
            _skip(posting, participant, _whyIneligible(posting, participant));
        } else if (!connection.carries(energy)) {
            _skip(posting, participant, _whyOverLimit(connection));
        } else if (!connection.isOrderKey(_signer(digest, at, count))) {
            _skip(posting, participant, Skip.BadSignature);
        } else {
            cursor = OrderCodec.copyHeader(cursor, at);
            cursor = slot.book.post(posting.draft, steps, count, cursor);
            if (cursor == 0) {
                _skip(posting, participant, Skip.LaneFull);
            } else {
                nextCursor = cursor;
                posting.remaining ^= bit;
            }
        }
    }

    function _skip(Posting memory posting, uint256 participant, Skip reason) private {
        ++posting.skipped;
        emit OrderSkipped(posting.interval, posting.position, participant, reason);
    }

    /// @dev Who signed `digest` with the signature of the order of `count` steps at `at`.
    function _signer(bytes32 digest, uint256 at, uint256 count) private view returns (address) {
        // The signature ends the order, which is longer than its 64 bytes.
        unchecked {
            uint256 end = at + OrderCodec.orderLength(count);
            return Recovery.signer(digest, OrderCodec.load(end - 64), OrderCodec.load(end - 32));
        }
    }

    /// @dev Makes page `number` of the participants the current one.
    function _turnToPage(Slot storage slot, Posting memory posting, uint256 number) private {
        _flushPosted(slot, posting);
        posting.page.open(registry, number);
        if (address(envelopes) != address(0)) {
            posting.page.narrow(envelopes.energyLimits(posting.interval, number));
        }
        uint256 flags = _accountFlags[number];
        uint256 posted = slot.posted[number / POSTED_PAGES];
        if (uint32(posted) != posting.interval) posted = posting.interval;
        uint256 postedOffset = POSTED_OFFSET + number % POSTED_PAGES * Roster.PAGE_SIZE;
        posting.flags = flags;
        posting.posted = posted;
        posting.postedOffset = postedOffset;
        posting.eligible = flags & ~(flags >> LEAVING_OFFSET) & ~posting.page.suspended & ~(posted >> postedOffset)
            & _known(posting.accounts, number);
        posting.remaining = posting.eligible;
    }

    /// @dev A bit for each participant of page `number` that is among the first `count` accounts, and maybe more above them.
    function _known(uint256 count, uint256 number) private pure returns (uint256) {
        // number < 2^16; count - first > 0. From a difference of 256 on the shift gives 0 and the bits below are all ones.
        unchecked {
            uint256 first = number * Roster.PAGE_SIZE;
            return count > first ? (1 << (count - first)) - 1 : 0;
        }
    }

    function _flushPosted(Slot storage slot, Posting memory posting) private {
        uint256 index = posting.page.index;
        uint256 taken = posting.eligible ^ posting.remaining;
        if (taken != 0) slot.posted[(index - 1) / POSTED_PAGES] = posting.posted | (taken << posting.postedOffset);
    }

    function _whyIneligible(Posting memory posting, uint256 participant) private pure returns (Skip) {
        uint256 bit = 1 << (participant % Roster.PAGE_SIZE);
        if (participant >= posting.accounts || participant < SystemAccount.COUNT) return Skip.UnknownParticipant;
        if ((posting.page.suspended | (posting.flags >> LEAVING_OFFSET)) & bit != 0) return Skip.Suspended;
        return posting.flags & bit == 0 ? Skip.BelowMargin : Skip.DuplicateOrder;
    }

    function _whyOverLimit(Connection connection) private view returns (Skip) {
        return connection.isNarrowed(INTERVAL_LENGTH) ? Skip.OverEnvelope : Skip.OverConnectionLimit;
    }

    function _commit(Slot storage slot, Posting memory posting, bytes memory records) private {
        _flushPosted(slot, posting);
        uint256 held = slot.book.save(posting.draft);
        uint256 batch = posting.batches;
        require(batch < type(uint16).max, TooManyBatches());
        mapping(uint256 => BatchWord) storage batches = _batchesOf(posting.interval);
        batches[batch] = postedWord(posting.interval, batch, _lastOf(batches, batch), records);
        Interval storage state = slot.interval;
        state.terms = state.terms.withHeldWords(held);
        // batch + 1 <= 2^16 - 1.
        unchecked {
            state.batches = uint16(batch + 1);
        }
        emit BatchPosted(posting.interval, batch, records);
    }

    /* CLEAR */

    /// @inheritdoc IEnergyMarket
    function clear(uint256 interval) external {
        Slot storage slot = _slot(interval, Phase.Open);
        _requireFrom(_bookClosure(interval));

        Interval storage state = slot.interval;
        Terms terms = state.terms;
        (Clearing cleared, uint256 volume) = auction.clear(terms, slot.book.read(terms.heldWords()));
        state.clearing = cleared;
        state.terms = terms.withVolume(volume);
        state.phase = Phase.Cleared;
        emit Cleared(interval, cleared.buyPrice(), cleared.sellPrice(), volume, cleared, _clearingHash(slot));
    }
}
