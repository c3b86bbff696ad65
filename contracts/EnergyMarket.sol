// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Clock} from "./Clock.sol";
import {MarginAccounts} from "./MarginAccounts.sol";
import {Metering} from "./Metering.sol";
import {BatchData, Correction, IEnergyMarket, Interval, NetworkReport, Phase} from "./interfaces/IEnergyMarket.sol";
import {IGridGate} from "./interfaces/IGridGate.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {SystemAccount} from "./libraries/AccountLib.sol";
import {Clearing} from "./libraries/Clearing.sol";
import {OrderCodec} from "./libraries/OrderCodec.sol";
import {Booking, Settlement, Sums} from "./libraries/Settlement.sol";
import {Terms, Verdict} from "./libraries/Terms.sol";
import {TickBook} from "./libraries/TickBook.sol";

/// @title EnergyMarket
/// @notice One zone's market: orders are auctioned, the grid decides what stands of it, meters decide what is paid.
///
/// What always holds:
/// - Σ cash over all accounts is what was deposited and not withdrawn, and equals the token balance.
/// - Σ energy over all accounts, plus what was taken out, is the peer energy that meters recorded as delivered.
/// - A report only reduces: an accepted quantity is never above its fill, and the price is the auction's.
/// - Every phase ends without the party it waits for, so every account reaches its withdrawal.
contract EnergyMarket is Metering {
    using TickBook for TickBook.Book;

    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "NetworkReport(uint32 interval,uint8 verdict,uint40 volume,uint24 lossRate,bytes32 feederHash,bytes32 inputsHash,bytes32 clearingHash,bytes32 decisionsHash)"
    );

    /// @notice Whose committee's word gates an interval.
    IGridGate public immutable gate;

    mapping(uint256 interval => mapping(uint256 batch => bytes32)) private _settled;

    constructor(IParticipantRegistry registry_, IGridGate gate_, IERC20 paymentToken_)
        Clock(registry_)
        MarginAccounts(paymentToken_)
    {
        gate = gate_;
    }

    /* GATE */

    /// @inheritdoc IEnergyMarket
    function report(NetworkReport calldata r, bytes[] calldata decisions, uint256 signers, bytes calldata signatures)
        external
    {
        Slot storage slot = _slot(r.interval, Phase.Cleared);
        Interval storage state = slot.interval;
        require(block.timestamp < _reportDeadline(r.interval), TooLate(_reportDeadline(r.interval)));
        require(r.clearingHash == _clearingHash(state), OtherClearing(r.clearingHash));
        require(r.lossRate <= MAX_LOSS_RATE, LossRateTooHigh());
        // A static call to a contract fixed at creation: it cannot come back.
        bytes32 digest = _digest(keccak256(abi.encode(REPORT_TYPEHASH, r)));
        require(gate.isQuorum(r.interval, digest, signers, signatures), NoQuorum());

        _applyVerdict(slot, r, decisions.length);
        _commitDecisions(slot, r.decisionsHash, decisions);
        state.phase = Phase.Gated;
        state.terms = state.terms.withVerdict(r.verdict).withVolume(r.volume).withLossRate(r.lossRate);
        emit Reported(r.interval, r.verdict, r.volume, r.lossRate, r.feederHash, r.inputsHash, signers);
    }

    /// @inheritdoc IEnergyMarket
    function expire(uint256 interval) external {
        Interval storage state = _slot(interval, Phase.Cleared).interval;
        require(block.timestamp >= _reportDeadline(interval), TooEarly(_reportDeadline(interval)));

        state.phase = Phase.Gated;
        state.terms = state.terms.withVerdict(Verdict.Expired).withVolume(0);
        emit Expired(interval);
    }

    function _applyVerdict(Slot storage slot, NetworkReport calldata r, uint256 decisions) private {
        Interval storage state = slot.interval;
        uint256 most = r.verdict == Verdict.Void ? 0 : state.terms.volume();
        require(r.volume <= most, VolumeTooLarge(r.volume, most));
        if (r.verdict == Verdict.Accept) {
            require(r.volume == most, BadVerdict());
        } else if (r.verdict == Verdict.Cap) {
            state.clearing = auction.cap(state.clearing, r.volume, slot.book.crossing());
        } else if (r.verdict == Verdict.Curtail) {
            require(decisions != 0, DecisionsMismatch());
        } else {
            require(r.verdict == Verdict.Void, BadVerdict());
        }
    }

    function _commitDecisions(Slot storage slot, bytes32 decisionsHash, bytes[] calldata decisions) private {
        if (decisions.length == 0) {
            require(decisionsHash == 0, DecisionsMismatch());
            return;
        }
        bytes32[] memory hashes = _hashes(decisions, slot.interval.batches);
        require(keccak256(abi.encodePacked(hashes)) == decisionsHash, DecisionsMismatch());
        for (uint256 i; i < hashes.length; ++i) {
            // An empty vector commits to nothing, so that the batch can be settled without one.
            if (decisions[i].length != 0) slot.batches[i] = _gated(slot.batches[i], hashes[i]);
        }
    }

    /* SETTLE */

    /// @inheritdoc IEnergyMarket
    function settle(uint256 interval, uint256 batch, BatchData calldata data) external {
        Slot storage slot = _slot(interval, Phase.Gated);
        Interval storage state = slot.interval;
        require(block.timestamp >= _readingsDeadline(interval), TooEarly(_readingsDeadline(interval)));
        require(_settled[interval][batch] == 0, AlreadySettled(interval, batch));
        _requireCommitted(slot, interval, batch, data);

        (Terms terms, Clearing clearing) = (state.terms, state.clearing);
        _bookBatch(terms, clearing, data, data.readings, 1);
        _settled[interval][batch] = _settledCommitment(terms, clearing, slot.batches[batch]);
        state.settled += 1;
        emit BatchSettled(interval, batch, terms, clearing);
    }

    /// @inheritdoc IEnergyMarket
    function settledCommitment(uint256 interval, uint256 batch) external view returns (bytes32) {
        return _settled[interval][batch];
    }

    /// @dev Books a batch's settlement with `readings`, or with `sign` -1 takes it back.
    function _bookBatch(
        Terms terms,
        Clearing clearing,
        BatchData calldata data,
        bytes calldata readings,
        int256 sign
    ) private {
        (Booking[] memory bookings, Sums memory sums) =
            settler.settle(terms, clearing, data.records, data.decisions, readings);
        Journal memory journal;
        unchecked {
            _bookAll(journal, bookings, sign);
            // (R5) The supplier is everybody's counterparty.
            int256 supplier = -(sums.participants + sums.gridOperator + sums.community);
            // (R6) What was delivered and not credited is rounding; what was credited and not delivered is the debt of who
            // attested it.
            int256 uncredited = sums.delivered - sums.credit;
            _book(journal, SystemAccount.SUPPLIER, sign * supplier, 0, 0);
            _book(journal, SystemAccount.GRID_OPERATOR, sign * sums.gridOperator, 0, 0);
            _book(journal, SystemAccount.METERING_OPERATOR, 0, sign * uncredited, 0);
            _book(journal, SystemAccount.COMMUNITY, sign * sums.community, 0, 0);
            journal.delivered = sign * sums.delivered;
        }
        _close(journal);
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
        bytes32 unread = _unread(interval, batch, data);
        bytes32 commitment = _settledCommitment(terms, clearing, _read(unread, data.readings));
        require(commitment == _settled[interval][batch], NotCommitted());
        require(block.timestamp < _correctionDeadline(interval), TooLate(_correctionDeadline(interval)));
        require(correction.run > terms.run(), OldRun(correction.run, terms.run()));
        bytes32 readingsHash = keccak256(abi.encodePacked(correction.readingHashes));
        _requireAttested(interval, correction.run, readingsHash, correction.delivered, correction.signature);
        require(
            batch < correction.readingHashes.length && keccak256(newReadings) == correction.readingHashes[batch]
                && newReadings.length == OrderCodec.recordCount(data.records) * OrderCodec.READING_BYTES,
            NotInCorrection()
        );
        _requireSignedKept(data.readings, newReadings);

        int256 equityBefore = _supplierEquity();
        _bookBatch(terms, clearing, data, data.readings, -1);
        terms = terms.withRun(correction.run).withDelivered(correction.delivered);
        _bookBatch(terms, clearing, data, newReadings, 1);
        int256 equity = _supplierEquity();
        require(equity >= 0 || equity >= equityBefore, SupplierShort(equity));
        _settled[interval][batch] = _settledCommitment(terms, clearing, _read(unread, newReadings));
        emit BatchCorrected(interval, batch, terms, clearing);
    }

    /// @dev What a meter signed stays, and nothing else becomes meter-signed.
    function _requireSignedKept(bytes calldata oldReadings, bytes calldata newReadings) private pure {
        bool wereRead = oldReadings.length == newReadings.length;
        for (uint256 i; i < newReadings.length / OrderCodec.READING_BYTES; ++i) {
            uint256 old = wereRead ? OrderCodec.reading(oldReadings, i) : 0;
            uint256 corrected = OrderCodec.reading(newReadings, i);
            bool signed = old >> 62 == Settlement.SIGNED || corrected >> 62 == Settlement.SIGNED;
            require(!signed || old == corrected, MeterSignedReading(i));
        }
    }

    function _settledCommitment(Terms terms, Clearing clearing, bytes32 commitment) private pure returns (bytes32) {
        return keccak256(abi.encode(terms, clearing, commitment));
    }
}
