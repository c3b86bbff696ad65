// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Auction} from "./Auction.sol";
import {EnergyToken} from "./EnergyToken.sol";
import {MarginAccounts} from "./MarginAccounts.sol";
import {MarketRules} from "./MarketRules.sol";
import {Metering} from "./Metering.sol";
import {OrderBook} from "./OrderBook.sol";
import {SealedBatches} from "./SealedBatches.sol";
import {SignedReadings} from "./SignedReadings.sol";
import {ICorrections} from "./interfaces/ICorrections.sol";
import {BatchData, IEnergyMarket, Interval, NetworkReport, Phase} from "./interfaces/IEnergyMarket.sol";
import {IGridGate} from "./interfaces/IGridGate.sol";
import {IOperatingEnvelopes} from "./interfaces/IOperatingEnvelopes.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {ISealedBatches} from "./interfaces/ISealedBatches.sol";
import {ParticipantAccount, SystemAccount} from "./libraries/AccountLib.sol";
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
/// @notice One zone's market: orders are auctioned, the grid decides what is accepted of it, meters decide what is paid.
///
/// WHERE TO FIND WHAT
/// - `MarketRules`: what the market was created with, and its deadlines.
/// - `IntervalRing`: the intervals, their books and their batches' words. `Ledger`: balances, and how they are booked.
/// - `MarginAccounts`: deposit, withdraw, take energy out, leave.
/// - `OrderBook`: post and clear. `Metering`: attest and overrule. Here: report, expire, settle and correct.
/// - Contracts of their own, created in this constructor: `EnergyToken`, `Auction`, `SealedBatches`, `SignedReadings`.
/// - Given to it: the `ParticipantRegistry`, the `GridGate` of the oracle committee, the `OperatingEnvelopes`, `Corrections`,
///   the token.
///
/// LIFE OF AN INTERVAL
/// - Open: orders are taken in batches until gate closure; in a sealed market they are committed to until gate closure and
///   revealed in the window after it.
/// - Cleared: the auction has matched bids and asks; until the report deadline the committee says what is accepted.
/// - Gated: what is accepted is final. From the end of delivery the metering operator attests, then meters overrule, and from
///   the readings' deadline on each batch is settled. Corrections are proposed until the correction deadline.
/// - An interval's slot of the ring is used again once all its batches are settled, or a lap later.
///
/// WHAT ALWAYS HOLDS
/// - Σ cash over all accounts is what was deposited and not withdrawn. The token balance is that and what somebody sent
///   without a deposit, which belongs to nobody.
/// - Σ energy over all accounts, plus what was taken out, is the peer energy recorded as delivered, net of corrections. No
///   token is minted above that.
/// - A report only reduces: an accepted quantity is never above its fill, and the prices are the auction's.
/// - A seller nets at least its ask and a buyer pays at most its bid, losses included. The network fee or charge comes on top
///   and is known before an order is signed: the tariff's fee per Wh bought, or at most the market's `maxNetworkFee` per Wh.
/// - No order trades on both sides, so none trades with itself.
/// - A constrained grid pays for the surplus that decisions allow, and for no purchase that is not drawn.
/// - Settling takes no participant below zero: the margin that it held when its order was taken covers its worst interval
///   as often as the ring has slots. Corrections are not covered.
/// - A participant has at most one order in an interval, signed by its order key, within its connection's limits.
///
/// WHAT EACH ROLE CAN DO
/// - A wallet withdraws what is above its account's margin, takes energy out, and leaves. Only the last of these others may do
///   for it: the operator and the supplier, once either has suspended the participant for a lap of the ring.
/// - The committee, by exactly a quorum of signatures, accepts, caps, curtails or voids a clearing, and names losses and
///   network charges up to the market's maxima. Its decisions need not balance: the community's account takes the difference.
/// - The metering operator attests and corrects readings that no meter signed, and how much was delivered. A correction waits
///   for `correctionDelay`, in which a meter may contradict it and the operator cancel it.
/// - The operator registers participants within the supplier's cover, suspends them, pauses new orders, proposes tariffs, and
///   proposes another wallet for an account, which the old one can veto for `recoveryDelay` seconds.
/// - The supplier is everybody's counterparty and stands for the debts of all other accounts. It says for how many Wh of
///   connections it stands, accepts tariffs, and suspends participants.
/// - Anybody clears, expires, settles, finishes exits, and hands in what others signed.
///
/// WHAT MUST STAY LIVE
/// - Clearing, expiring and settling wait for nobody: each may be called by anybody after its deadline.
/// - Somebody must call them. Settling takes a batch's records, decisions and readings again, and all of them are in events.
///   What nobody has settled when its slot is wanted, a lap later, is left behind: it stops no interval and no exit, and it
///   is settled late as long as the supplier keeps its margin by it. No participant's margin covers that.
/// - The supplier must hold the margin of its cover for an interval to open. Those that are open go on without. Registering
///   somebody within the cover changes neither.
///
/// WHAT THE TOKEN MUST BE
/// - An ERC-20 that moves exactly the amount it is asked to. A fee on transfers, or balances that change by themselves, break the
///   first equality. 4 to 8 decimals: prices are 16 bits in base units per Wh, and an account takes deposits up to 2^61.
/// - It may call back: what moves money is closed to reentrance. While it refuses transfers there are neither deposits nor
///   withdrawals; in a sealed market reveals go on, and commitments that bonds which are back pay for.
///
/// KNOWN LIMITS
/// - Corrections lie outside the margin. The metering operator, with one participant, can move the supplier's money to it up to
///   `correctionCap` on each day, and never below the supplier's margin. A meter that says nothing has no word against it.
/// - Through a participant of its own, whose meter signs exports that never were, the operator sells to the supplier at the
///   feed-in tariff until the supplier suspends it.
/// - A silent meter settles as delivering nothing and using what was bought: a buyer that used more pays less by at most retail
///   times what its connection carries beyond the purchase, until it is corrected.
/// - In a sealed market a last look costs bond / orders of the batch for each order that does not count.
contract EnergyMarket is OrderBook, Metering {
    using Roster for Roster.Page;
    using Settlement for Settlement.Rules;
    using TickBook for TickBook.Book;

    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "NetworkReport(uint32 interval,uint8 verdict,uint40 volume,uint24 lossRate,bytes32 feederHash,bytes32 inputsHash,bytes32 clearingHash,bytes32 decisionsHash)"
    );

    uint256 private constant DECIMALS_MIN = 4;
    uint256 private constant DECIMALS_MAX = 8;

    /// @notice Whose committee's word gates an interval.
    IGridGate public immutable gate;
    /// @inheritdoc IEnergyMarket
    ICorrections public immutable corrections;

    /// @param envelopes_ whose limits orders must keep, of the same participants; none for a market without
    /// @param corrections_ of no other market
    constructor(
        IParticipantRegistry registry_,
        IGridGate gate_,
        IERC20 paymentToken_,
        IOperatingEnvelopes envelopes_,
        ICorrections corrections_
    )
        MarketRules(registry_)
        MarginAccounts(paymentToken_, new EnergyToken(address(this)))
        OrderBook(new Auction(registry_.config()), _sealedPhase(registry_, paymentToken_), envelopes_)
        Metering(new SignedReadings(registry_))
    {
        // Another clock would let the gate's administrator change the committee of an interval that takes orders.
        require(
            gate_.intervalLength() == INTERVAL_LENGTH && gate_.openAhead() == OPEN_AHEAD, PartOfAnotherMarket("gate")
        );
        require(
            address(envelopes_) == address(0) || (envelopes_.registry() == registry_ && envelopes_.gate() == gate_),
            PartOfAnotherMarket("envelopes")
        );
        _requireFit(address(paymentToken_));
        gate = gate_;
        corrections = corrections_;
        corrections_.bind(registry_);
    }

    /// @dev Prices are 16 bits of base units per Wh, and an account takes deposits up to 2^61: with fewer than 4 decimals no
    /// price is fine enough, with more than 8 none is high enough.
    function _requireFit(address token) private view {
        (bool answers, bytes memory answer) = token.staticcall(abi.encodeCall(IERC20Metadata.decimals, ()));
        uint256 decimals = answers && answer.length >= 32 ? abi.decode(answer, (uint256)) : 0;
        require(decimals >= DECIMALS_MIN && decimals <= DECIMALS_MAX, BadToken(decimals));
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

        _expire(state);
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
        Interval storage state = _gated(interval);
        _requireFrom(_readingsDeadline(interval));
        (Terms terms, Clearing clearing) = (state.terms, state.clearing);
        BatchWord supplied = _read(_unread(interval, batch, data), data.readings);
        BatchWord settled = supplied.settled(terms, clearing);
        BatchWord committed = _committed(state, batch);
        require(committed != settled, AlreadySettled(interval, batch));
        require(committed == supplied, NotCommitted());

        // Late, nobody's margin stands for it any more.
        bool late = _isLate(interval);
        int256 before = late ? freeBalance(SystemAccount.SUPPLIER) : int256(0);
        _bookBatch(_booking(), terms, clearing, data, data.readings);
        if (late) _requireSupplierStands(before);
        _batchesOf(interval)[batch] = settled;
        _countSettled(state);
        emit BatchSettled(interval, batch, terms, clearing);
    }

    /// @inheritdoc IEnergyMarket
    function forget(uint256 interval) external {
        Interval storage left = _left[interval % BATCH_RING];
        require(left.number == interval, WrongPhase(interval, Phase.None));
        _requireFrom(_correctionDeadline(interval));
        _countOff(left);
        left.number = 0;
    }

    /// @dev Until the last batch of an interval is settled, the community's account holds others' money.
    function _countSettled(Interval storage state) private {
        uint256 settled = state.settled + 1;
        state.settled = uint16(settled);
        bool last = settled == state.batches;
        if (settled == 1 && !last) ++_totals.partlySettled;
        if (settled != 1 && last) --_totals.partlySettled;
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
        // Places in the calldata: below 2^64.
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
        // Places in the calldata: below 2^64. |cash| < 2^64 and |limit payment| < 2^42.
        unchecked {
            (uint256 participant, uint256 count) = OrderCodec.header(OrderCodec.load(at));
            next = at + OrderCodec.recordLength(count);
            uint256 quadIndex = participant / ParticipantAccount.PER_WORD;
            if (journal.quadIndex != quadIndex) _turnToQuad(journal, quadIndex);
            Connection connection = journal.page.connection(participant);
            (uint256 sell, uint256 buy, uint256 cost, uint256 surplus) = rules.accepted(at, count);
            (uint256 imported, uint256 exported) = Settlement.metered(readingFrom(readingAt), buy, connection);
            (int256 cash, uint256 credit) = rules.payment(sell, buy, cost, surplus, imported, exported);
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
        rules = Settlement.rules(terms, clearing, named, MAX_LOSS_RATE, MAX_NETWORK_FEE);
        (rules.basePrice, rules.tickSize) = (BASE_PRICE, TICK_SIZE);
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
        uint16 run,
        uint40 delivered
    ) external {
        // The word is found and made from the interval's low bits: no other number may stand for it.
        require(interval <= type(uint32).max, NotCommitted());
        BatchWord unread = _unread(interval, batch, data);
        mapping(uint256 => BatchWord) storage batches = _batchesOf(interval);
        require(_read(unread, data.readings).settled(terms, clearing) == batches[batch], NotCommitted());
        BatchWord metered = _read(unread, newReadings);
        Terms corrected = terms.withRun(run).withDelivered(delivered);
        corrections.book(interval, batch, metered, terms, corrected, clearing, data, newReadings);

        int256 before = freeBalance(SystemAccount.SUPPLIER);
        _bookBatch(_takingBack(), terms, clearing, data, data.readings);
        _bookBatch(_booking(), corrected, clearing, data, newReadings);
        _requireSupplierStands(before);
        batches[batch] = metered.settled(corrected, clearing);
        emit BatchCorrected(interval, batch, corrected, clearing);
    }
}
