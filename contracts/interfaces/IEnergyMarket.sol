// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BatchWord} from "../libraries/BatchWord.sol";
import {Clearing} from "../libraries/Clearing.sol";
import {ICorrections} from "./ICorrections.sol";
import {IOperatingEnvelopes} from "./IOperatingEnvelopes.sol";
import {ISealedBatches} from "./ISealedBatches.sol";
import {Terms, Verdict} from "../libraries/Terms.sol";

/// Open takes orders until gate closure; Cleared has a price; Gated knows what the grid lets stand and settles.
enum Phase {
    None,
    Open,
    Cleared,
    Gated
}

/// Why an order was left out of its batch: the first check that it failed, in this order. An order above its limit is
/// `OverEnvelope` where the interval's envelope narrowed its participant's connection, otherwise `OverConnectionLimit`.
enum Skip {
    None,
    MalformedSteps,
    UnknownParticipant,
    Suspended,
    BelowMargin,
    DuplicateOrder,
    OverConnectionLimit,
    OverEnvelope,
    BadSignature,
    LaneFull
}

/// Where an interval stands.
/// @param number the interval
/// @param attested whether the metering operator's readings are in
/// @param batches how many batches were posted
/// @param settled how many of them are settled
/// @param terms what it is settled by; before the gate, also what `Terms` draws
/// @param clearing the auction's outcome as the gate left it; while the interval is open, an older one's
struct Interval {
    uint32 number;
    Phase phase;
    bool attested;
    uint16 batches;
    uint16 settled;
    Terms terms;
    Clearing clearing;
}

/// The oracle committee's finding on one clearing.
/// @param interval which interval
/// @param verdict Accept, Cap, Curtail or Void
/// @param volume what is accepted, Wh: the clearing's volume, the cap, the sum of the curtailed sells, or nothing
/// @param lossRate losses where no vector names them, parts per million of accepted energy
/// @param feederHash the feeder that was computed on
/// @param inputsHash everything else that the finding follows from
/// @param clearingHash the clearing that this is about
/// @param decisionsHash hash of the hashes of the batches' decisions; zero when there are none
struct NetworkReport {
    uint32 interval;
    Verdict verdict;
    uint40 volume;
    uint24 lossRate;
    bytes32 feederHash;
    bytes32 inputsHash;
    bytes32 clearingHash;
    bytes32 decisionsHash;
}

/// What a call shows again of a batch; the market checks it against the batch's word.
/// @param records as `BatchPosted` emitted them
/// @param decisions the report's, empty when it carried none
/// @param readings as they stand, empty when there are none
/// @param previous the word of the batch before as it was posted, zero for the first
struct BatchData {
    bytes records;
    bytes decisions;
    bytes readings;
    BatchWord previous;
}

/// @title The life of an interval: post, clear, report, attest, settle, correct
/// @notice Everything here may be called by anyone. Who may decide something shows it by a signature.
///
/// What the market keeps of a batch is one word: `BatchWord` says how it is made when the batch is posted, gated, metered
/// and settled. The last batch that was posted commits to all of them, and a clearing's hash to all records. A later
/// interval's batches take the words over, once nothing of the older one can be corrected.
///
/// The packed forms are drawn in the files of contracts/libraries/:
///
///   orders, records             OrderCodec      records begin with their number in 2 bytes
///   decisions                   Decision        24 bytes for each order of the batch
///   readings                    Reading         8 bytes for each order of the batch
///   readings signed by meters   SignedReading   86 bytes each
///   terms, clearing             Terms, Clearing
interface IEnergyMarket {
    /// @notice A batch was taken. `records` holds its orders that were not skipped, with their places in the book; settling the
    /// batch takes these bytes again.
    /// @dev The relayer is who sent the transaction; of a sealed batch, who `Revealed` names.
    event BatchPosted(uint256 indexed interval, uint256 indexed batch, bytes records);
    /// @notice The order at `position` of the bytes given to `post` was left out of its batch.
    /// @dev Of a call in which every order is skipped there is no batch.
    event OrderSkipped(uint256 indexed interval, uint256 position, uint256 participant, Skip reason);
    /// @notice The auction of an interval ran: prices in base units per Wh, `volume` in Wh. The committee's report names
    /// `clearingHash`.
    /// @dev Warning: where the clearing is `atLimits`, every Wh has its own step's price; the two prices are then the lowest
    /// that a buyer pays and the highest that a seller gets.
    event Cleared(
        uint256 indexed interval,
        uint256 buyPrice,
        uint256 sellPrice,
        uint256 volume,
        Clearing clearing,
        bytes32 clearingHash
    );
    /// @notice The committee's report was applied: `volume` Wh are accepted, and losses are `lossRate` parts per million of
    /// the accepted energy where no decision names them.
    event Reported(
        uint256 indexed interval,
        Verdict verdict,
        uint256 volume,
        uint256 lossRate,
        bytes32 feederHash,
        bytes32 inputsHash,
        uint256 signers
    );
    /// @notice No report came by its deadline: nothing is accepted, and everybody is on the grid tariff.
    event Expired(uint256 indexed interval);
    /// @notice The metering operator's readings of all batches were taken, and `delivered` Wh of peer energy with them.
    event Attested(uint256 indexed interval, uint256 delivered);
    /// @notice What the report or the attestation names for a batch was taken: its decisions (`tag` 0x01) or its readings (0x02),
    /// as `BatchWord` draws them. Settling the batch takes these bytes again.
    event Supplied(uint256 indexed interval, uint256 indexed batch, bytes1 tag, bytes vector);
    /// @notice Meters overruled readings of a batch; `delivered` Wh of the interval's peer energy are delivered now.
    /// @dev `ReadingsOverruled` of the contract `signedReadings` tells the batch's readings from now on.
    event Overruled(uint256 indexed interval, uint256 indexed batch, uint256 delivered);
    /// @notice A signed reading was not taken: its signature does not verify, its meter had signed before, or no order has
    /// its position.
    /// @dev Emitted by the contract `signedReadings`.
    event OverruleSkipped(uint256 indexed interval, uint256 indexed batch, uint256 position);
    /// @notice A batch was settled by `terms` and `clearing`, which `correct` takes again.
    /// @dev What each account was booked follows from these, the records, the decisions and the readings.
    event BatchSettled(uint256 indexed interval, uint256 indexed batch, Terms terms, Clearing clearing);
    /// @notice A batch's settlement was corrected; it is now settled by `terms` and `clearing`.
    event BatchCorrected(uint256 indexed interval, uint256 indexed batch, Terms terms, Clearing clearing);

    /// @notice A market cannot be created with this part: it was made for another clock, or for another registry or gate.
    error PartOfAnotherMarket(string part);
    /// @notice The payment token must have 4 to 8 decimals.
    error BadToken(uint256 decimals);
    /// @notice The operator has paused the taking of new orders.
    error PostingIsPaused();
    /// @notice This market has a sealed phase: commit and reveal there.
    error SealedOnly();
    /// @notice The supplier's own balance is below its margin: nobody would stand for a default. Only an interval that is not
    /// open yet is refused by this.
    error SupplierBelowMargin();
    /// @notice The interval's gate closed: from that second on no order is posted in an open market or committed to in a sealed
    /// one, and no envelope published.
    error GateClosed(uint256 interval);
    /// @notice The interval takes no orders yet. `lastOpen` is the last that does.
    error NotYetOpen(uint256 interval, uint256 lastOpen);
    /// @notice The ring slot still holds an interval with unsettled batches, whose readings may still change.
    error SlotBusy(uint256 interval);
    /// @notice The bytes end within an order.
    error TruncatedBatch();
    /// @notice A batch has more orders than can be settled and corrected in one transaction: split it.
    error BatchTooLarge(uint256 orders, uint256 most);
    /// @notice The interval has 65,535 batches.
    error TooManyBatches();
    /// @notice The call is taken from second `from` on.
    error TooEarly(uint256 from);
    /// @notice The call is taken before second `deadline` only.
    error TooLate(uint256 deadline);
    /// @notice The call needs the interval in another phase; `None`: the ring does not hold it.
    error WrongPhase(uint256 interval, Phase phase);
    /// @notice The interval has no such batch, or the ring holds a later interval in its place.
    error UnknownBatch(uint256 interval, uint256 batch);
    /// @notice The report is on another clearing than the interval's. `clearingHash` is the one that it names.
    error OtherClearing(bytes32 clearingHash);
    /// @notice The signatures are not those of exactly a quorum of the interval's committee.
    error NoQuorum();
    /// @notice The verdict is none of a report's four, or accepts less than the clearing's volume.
    error BadVerdict();
    /// @notice The loss rate is above the market's maximum.
    error LossRateTooHigh();
    /// @notice The energy is above what it is a part of: the clearing's volume in a report, the accepted volume in an
    /// attestation. In Wh.
    error VolumeTooLarge(uint256 volume, uint256 most);
    /// @notice The decisions are not those whose hash the report names, or a curtailment carries none.
    error DecisionsMismatch();
    /// @notice There must be one vector for each batch of the interval.
    error BatchCountMismatch(uint256 given, uint256 batches);
    /// @notice The vector of the batch is longer than that of a full batch.
    error VectorTooLong(uint256 batch);
    /// @notice The signature is not the metering operator's, or not under what was supplied.
    error NotAttestedByOperator();
    /// @notice The interval has the metering operator's readings; what is wrong in them is overruled or corrected.
    error AlreadyAttested();
    /// @notice What was supplied is not what the batch is committed to.
    /// @dev Warning: decisions, readings and the word before count as much as the records: supply all as they stand.
    error NotCommitted();
    /// @notice As it was supplied, the batch is settled. What was corrected since is `NotCommitted`.
    error AlreadySettled(uint256 interval, uint256 batch);
    /// @notice The correction's run must be above `latest`, by which the batch was settled.
    error OldRun(uint256 run, uint256 latest);
    /// @notice The new readings are not one for each of the batch's orders.
    error NotInCorrection();
    /// @notice What a meter signed, only a meter's signature changes, and only `overrule` takes one.
    error MeterSignedReading(uint256 position);
    /// @notice The correction would leave the supplier below the margin that it holds for others: `free` is what it would be
    /// free to withdraw. It can be booked once the supplier has deposited.
    error SupplierShort(int256 free);

    /// @notice Takes a batch of signed orders. A bad order is skipped with an event and never fails the others.
    /// @dev The first call for an interval opens it, if the supplier holds the margins of all who are registered then. It knows
    /// them, and takes their orders until gate closure; who is registered later is unknown to it.
    ///
    /// Warning: the number of orders is not limited here, and settling a batch may need more gas than posting it: all of it
    /// is settled in one transaction. A batch that does not fit a transaction's gas when it is settled stays unsettled, and
    /// keeps its slot of the ring and everybody's exits; docs/gas.md has the figures.
    /// @param orders packed as `OrderCodec` draws it
    /// @return skipped how many of them were left out
    function post(uint256 interval, bytes calldata orders) external returns (uint256 skipped);

    /// @notice Runs the auction, once the book is closed: at gate closure, or when the reveal window ends.
    function clear(uint256 interval) external;

    /// @notice Applies the committee's verdict on the clearing, until the report deadline.
    /// @dev Warning: the sum of the decisions is not checked against `volume`; what sells and buys differ by is the community's.
    /// @param decisions none, or one packed vector per batch
    /// @param signers bit per committee member
    /// @param signatures 64 bytes per signer in member order
    function report(NetworkReport calldata r, bytes[] calldata decisions, uint256 signers, bytes calldata signatures)
        external;

    /// @notice Moves on when the committee was silent until the report deadline: nothing is accepted, and everybody is on the
    /// grid tariff.
    function expire(uint256 interval) external;

    /// @notice Takes the metering operator's readings of all batches, under one signature, from the end of delivery until the
    /// attestation deadline.
    /// @dev Warning: `delivered` is the metering operator's word. It is compared with the accepted volume, not with the
    /// readings.
    /// @param readings one packed vector per batch; an empty one leaves all readings of its batch missing
    /// @param delivered Σ min(accepted sell, exported) over all orders, Wh
    function attest(uint256 interval, bytes[] calldata readings, uint256 delivered, bytes calldata signature) external;

    /// @notice Replaces readings of one batch by what the meters themselves signed: after the attestation, or from the
    /// attestation deadline on if there is none, until the readings' deadline.
    /// @dev Warning: a position that does not ascend ends the taking of the signed readings behind it.
    /// @param signed packed, positions ascending; one that does not verify is skipped with an event
    function overrule(uint256 interval, uint256 batch, BatchData calldata data, bytes calldata signed) external;

    /// @notice Settles one batch, from the readings' deadline on.
    /// @dev Warning: a seller whose reading is missing delivered nothing, a buyer used what it bought. Readings or decisions of a
    /// wrong length count as missing.
    function settle(uint256 interval, uint256 batch, BatchData calldata data) external;

    /// @notice Gives up what is left to settle of an interval whose slot was taken, from its correction deadline on.
    function forget(uint256 interval) external;

    /// @notice Books the difference between a batch's settlement and its settlement with corrected readings that were proposed:
    /// `ICorrections` says when, and what bounds it.
    /// @dev Warning: margins do not cover corrections. One that would take the supplier below its margin is refused until it has
    /// deposited; one that leaves another account negative is booked, and the supplier stands for it.
    /// @param terms what the batch was last settled by, with `clearing`
    /// @param data the batch with the readings it was last settled by
    /// @param newReadings as they were proposed, with `run` and `delivered`
    function correct(
        uint256 interval,
        uint256 batch,
        Terms terms,
        Clearing clearing,
        BatchData calldata data,
        bytes calldata newReadings,
        uint16 run,
        uint40 delivered
    ) external;

    /// @notice Where corrections are proposed, contested and cancelled.
    function corrections() external view returns (ICorrections);
    /// @notice Where batches are committed to and revealed; zero in an open market, whose batches are posted.
    function sealedBatches() external view returns (ISealedBatches);
    /// @notice Whose published limits orders must keep besides their connections'; zero in a market without envelopes.
    function envelopes() external view returns (IOperatingEnvelopes);
    /// @notice Where an interval stands, as long as the ring holds it, or as it was when its slot was taken.
    function intervalState(uint256 interval) external view returns (Interval memory);
    /// @notice Wh queued at a tick, until the gate.
    /// @param side 0 buys, 1 sells
    function queued(uint256 interval, uint256 side, uint256 tick) external view returns (uint256);
    /// @notice keccak(interval, clearing, the last batch as posted or zero), between clearing and the gate.
    function clearingHash(uint256 interval) external view returns (bytes32);
    /// @notice A batch's word, as long as its interval is in the ring.
    function batchCommitment(uint256 interval, uint256 batch) external view returns (BatchWord);
    /// @notice The EIP-712 domain of everything that is signed for this market, on the chain that asks.
    function domainSeparator() external view returns (bytes32);
}
