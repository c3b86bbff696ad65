// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Auction} from "./Auction.sol";
import {EnergyToken} from "./EnergyToken.sol";
import {MarginAccounts} from "./MarginAccounts.sol";
import {MarketRules} from "./MarketRules.sol";
import {Metering} from "./Metering.sol";
import {OrderBook} from "./OrderBook.sol";
import {SealedBatches} from "./SealedBatches.sol";
import {SignedReadings} from "./SignedReadings.sol";
import {BatchData, Correction, IEnergyMarket, Interval, NetworkReport, Phase} from "./interfaces/IEnergyMarket.sol";
import {IGridGate} from "./interfaces/IGridGate.sol";
import {IOperatingEnvelopes} from "./interfaces/IOperatingEnvelopes.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {ISealedBatches} from "./interfaces/ISealedBatches.sol";
import {SystemAccount} from "./libraries/AccountLib.sol";
import {BatchWord, GATED_TAG} from "./libraries/BatchWord.sol";
import {Clearing} from "./libraries/Clearing.sol";
import {DECISION_BYTES} from "./libraries/Decision.sol";
import {OrderCodec} from "./libraries/OrderCodec.sol";
import {READING_BYTES, readingFrom} from "./libraries/Reading.sol";
import {Connection, Roster} from "./libraries/Roster.sol";
import {Settlement, Sums} from "./libraries/Settlement.sol";
import {Terms, Verdict} from "./libraries/Terms.sol";
import {TickBook} from "./libraries/TickBook.sol";

/// @title EnergyMarket
/// @notice One zone's market: orders are auctioned, the grid decides what stands of it, meters decide what is paid.
///
/// What always holds:
/// - Σ cash over all accounts is what was deposited and not withdrawn, and equals the token balance.
/// - Σ energy over all accounts, plus what was taken out, is the peer energy that meters recorded as delivered.
/// - A report only reduces: an accepted quantity is never above its fill, and the prices are the auction's.
/// - Nobody pays more than its bid or gets less than its ask.
/// - Every phase ends without the party it waits for, so every account reaches its withdrawal.
contract EnergyMarket is OrderBook, Metering {
    using Roster for Roster.Page;
    using Settlement for Settlement.Rules;
    using TickBook for TickBook.Book;

    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "NetworkReport(uint32 interval,uint8 verdict,uint40 volume,uint24 lossRate,bytes32 feederHash,bytes32 inputsHash,bytes32 clearingHash,bytes32 decisionsHash)"
    );

    /// @notice Whose committee's word gates an interval.
    IGridGate public immutable gate;

    /// @param envelopes_ whose limits orders must keep, of the same participants; none for a market without
    constructor(IParticipantRegistry registry_, IGridGate gate_, IERC20 paymentToken_, IOperatingEnvelopes envelopes_)
        MarketRules(registry_)
        MarginAccounts(paymentToken_, new EnergyToken(address(this)))
        OrderBook(new Auction(registry_.config()), _sealedPhase(registry_, paymentToken_), envelopes_)
        Metering(new SignedReadings(registry_))
    {
        gate = gate_;
    }

    /// @dev The sealed phase of a market with a reveal window; none for an open market.
    function _sealedPhase(IParticipantRegistry registry_, IERC20 paymentToken_) private returns (ISealedBatches) {
        if (registry_.config().revealWindow == 0) return ISealedBatches(address(0));
        return new SealedBatches(registry_, paymentToken_);
    }

    /* GATE */

    /// @inheritdoc IEnergyMarket
    function report(NetworkReport calldata r, bytes[] calldata decisions, uint256 signers, bytes calldata signatures)
        external
    {
        Slot storage slot = _slot(r.interval, Phase.Cleared);
        Interval storage state = slot.interval;
        _requireBefore(_reportDeadline(r.interval));
        require(r.clearingHash == _clearingHash(slot), OtherClearing(r.clearingHash));
        require(r.lossRate <= MAX_LOSS_RATE, LossRateTooHigh());
        // A static call to a contract fixed at creation: it cannot come back.
        bytes32 digest = _digest(keccak256(abi.encode(REPORT_TYPEHASH, r)));
        require(gate.isQuorum(r.interval, digest, signers, signatures), NoQuorum());

        _applyVerdict(slot, r, decisions.length);
        _commitDecisions(state, r.decisionsHash, decisions);
        state.phase = Phase.Gated;
        state.terms = state.terms.gated(r.verdict, r.volume, r.lossRate);
        emit Reported(r.interval, r.verdict, r.volume, r.lossRate, r.feederHash, r.inputsHash, signers);
    }

    /// @inheritdoc IEnergyMarket
    function expire(uint256 interval) external {
        Interval storage state = _slot(interval, Phase.Cleared).interval;
        _requireFrom(_reportDeadline(interval));

        state.phase = Phase.Gated;
        state.terms = state.terms.gated(Verdict.Expired, 0, 0);
        emit Expired(interval);
    }

    function _applyVerdict(Slot storage slot, NetworkReport calldata r, uint256 decisions) private {
        Interval storage state = slot.interval;
        uint256 most = r.verdict == Verdict.Void ? 0 : state.terms.volume();
        require(r.volume <= most, VolumeTooLarge(r.volume, most));
        if (r.verdict == Verdict.Accept) {
            require(r.volume == most, BadVerdict());
        } else if (r.verdict == Verdict.Cap) {
            state.clearing = auction.cap(state.clearing, r.volume, slot.book.read(state.terms.heldWords()));
        } else if (r.verdict == Verdict.Curtail) {
            require(decisions != 0, DecisionsMismatch());
        } else {
            require(r.verdict == Verdict.Void, BadVerdict());
        }
    }

    function _commitDecisions(Interval storage state, bytes32 decisionsHash, bytes[] calldata decisions) private {
        if (decisions.length == 0) {
            require(decisionsHash == 0, DecisionsMismatch());
            return;
        }
        bytes32[] memory hashes = _hashes(decisions, state.batches);
        require(keccak256(abi.encodePacked(hashes)) == decisionsHash, DecisionsMismatch());
        _commitVectors(state.number, GATED_TAG, decisions, hashes);
    }

    /* SETTLE */

    /// @inheritdoc IEnergyMarket
    function settle(uint256 interval, uint256 batch, BatchData calldata data) external {
        Interval storage state = _slot(interval, Phase.Gated).interval;
        _requireFrom(_readingsDeadline(interval));
        (Terms terms, Clearing clearing) = (state.terms, state.clearing);
        BatchWord supplied = _read(_unread(interval, batch, data), data.readings);
        BatchWord settled = supplied.settled(terms, clearing);
        BatchWord committed = _committed(state, batch);
        require(committed != settled, AlreadySettled(interval, batch));
        require(committed == supplied, NotCommitted());

        _bookBatch(_booking(), terms, clearing, data, data.readings);
        _batchesOf(interval)[batch] = settled;
        state.settled += 1;
        emit BatchSettled(interval, batch, terms, clearing);
    }

    /// @dev Books a batch's settlement with `readings`, or takes it back.
    function _bookBatch(
        Journal memory journal,
        Terms terms,
        Clearing clearing,
        BatchData calldata data,
        bytes calldata readings
    ) private {
        Settlement.Rules memory rules = _rules(terms, clearing, data);
        (uint256 at, uint256 end) = OrderCodec.bounds(data.records);
        uint256 readingAt = Settlement.readingsAt(data.records, readings);
        unchecked {
            for (at += OrderCodec.COUNT_BYTES; at < end; readingAt += READING_BYTES) {
                at = _bookOrder(journal, rules, at, readingAt);
            }
        }
        Sums memory sums = rules.sums();
        int256 sign = journal.sign;
        _close(journal);
        _bookDelivery(sign * sums.delivered, sign * sums.uncredited);
        _bookSystem(SystemAccount.SUPPLIER, sign * sums.supplier);
        _bookSystem(SystemAccount.GRID_OPERATOR, sign * sums.gridOperator);
        _bookSystem(SystemAccount.COMMUNITY, sign * sums.community);
    }

    /// @dev Books what the order whose record is at `at` comes to, and returns where the next record is.
    function _bookOrder(Journal memory journal, Settlement.Rules memory rules, uint256 at, uint256 readingAt)
        private
        returns (uint256 next)
    {
        unchecked {
            (uint256 participant, uint256 count) = OrderCodec.header(OrderCodec.load(at));
            next = at + OrderCodec.recordLength(count);
            _turnToAccount(journal, participant);
            Connection connection = journal.page.connection(participant);
            (uint256 sell, uint256 buy, uint256 loss, uint256 charge) = rules.accepted(at, count);
            (uint256 imported, uint256 exported) = Settlement.metered(readingFrom(readingAt), buy, connection);
            (int256 cash, uint256 credit) = rules.payment(sell, buy, loss, charge, imported, exported);
            if (rules.atLimits) cash += _limitPayment(rules, at, next, sell, buy);
            _book(journal, participant, cash, int256(credit), connection);
        }
    }

    /// @dev Asked order by order, where every Wh has its own price.
    function _limitPayment(Settlement.Rules memory rules, uint256 at, uint256 next, uint256 sell, uint256 buy)
        private
        view
        returns (int256 cash)
    {
        cash = auction.limitPayment(rules.clearing, msg.data[at:next], sell, buy);
        rules.addLimits(cash);
    }

    function _rules(Terms terms, Clearing clearing, BatchData calldata data)
        private
        view
        returns (Settlement.Rules memory rules)
    {
        uint256 length = OrderCodec.recordCount(data.records) * DECISION_BYTES;
        bool named = data.decisions.length == length;
        rules = Settlement.rules(terms, clearing, MAX_LOSS_RATE, MAX_NETWORK_FEE, named);
        (rules.decisionsAt,) = OrderCodec.bounds(data.decisions);
    }

    /* CORRECT */

    /// @inheritdoc IEnergyMarket
    function correct(
        uint256 interval,
        uint256 batch,
        Terms terms,
        Clearing clearing,
        BatchData calldata data,
        bytes calldata newReadings,
        Correction calldata correction
    ) external {
        // The word is found and made from the interval's low bits: no other number may stand for it.
        require(interval <= type(uint32).max, NotCommitted());
        BatchWord unread = _unread(interval, batch, data);
        mapping(uint256 => BatchWord) storage batches = _batchesOf(interval);
        require(_read(unread, data.readings).settled(terms, clearing) == batches[batch], NotCommitted());
        _requireBefore(_correctionDeadline(interval));
        require(correction.run > terms.run(), OldRun(correction.run, terms.run()));
        bytes32 readingsHash = keccak256(abi.encodePacked(correction.readingHashes));
        _requireAttested(interval, correction.run, readingsHash, correction.delivered, correction.signature);
        require(
            batch < correction.readingHashes.length && keccak256(newReadings) == correction.readingHashes[batch],
            NotInCorrection()
        );
        signedReadings.requireCorrects(data, newReadings);

        Terms corrected = terms.withRun(correction.run).withDelivered(correction.delivered);
        int256 equityBefore = _supplierEquity();
        _bookBatch(_takingBack(), terms, clearing, data, data.readings);
        _bookBatch(_booking(), corrected, clearing, data, newReadings);
        int256 equity = _supplierEquity();
        require(equity >= 0 || equity >= equityBefore, SupplierShort(equity));
        batches[batch] = _read(unread, newReadings).settled(corrected, clearing);
        emit BatchCorrected(interval, batch, corrected, clearing);
    }
}
