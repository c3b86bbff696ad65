// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BatchWord} from "../libraries/BatchWord.sol";
import {Clearing} from "../libraries/Clearing.sol";
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

/// Why an order was left out of its batch. In the order of the checks; which of the two limits an order is over is told by
/// whether the interval's envelope narrowed its participant's.
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

/// What a call supplies again of a batch, and the market checks against its commitment.
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

/// The metering operator's word on corrected readings of a whole interval.
/// @param run higher than any that the batch was settled by; the first settlement was run 1
/// @param delivered peer energy metered as delivered, with the corrected readings, Wh
/// @param readingHashes keccak of each batch's packed readings
/// @param signature under the MeterAttestation that these make, 64 bytes (EIP-2098)
struct Correction {
    uint16 run;
    uint40 delivered;
    bytes32[] readingHashes;
    bytes signature;
}

/// @title The life of an interval: post, clear, report, attest, settle, correct
/// @notice Everything here may be called by anyone. Who may decide something shows it by a signature.
///
/// What the market keeps of a batch is one word, from which nothing can be changed and everything can be checked:
///
///   posted   keccak(interval in 5 bytes, batch in 2, the batch before as posted or zero, records)
///   gated    keccak(0x01, posted, keccak(decisions))             if the report carried decisions
///   metered  keccak(0x02, posted or gated, keccak(readings))     if readings came
///   settled  keccak(0x03, what it was before, terms, clearing)   and again with every correction
///
/// So the last batch that was posted commits to all of them, and a clearing's hash to all records. A later interval's
/// batches take the words over, once nothing of the older one can be corrected.
///
/// The packed forms are drawn in `OrderCodec` and here: records begin with their number in two bytes, decisions are 16 bytes per order of
/// the batch (accepted sell, accepted buy, loss in Wh, network charge in base units: four bytes each), readings 8 (2 bits
/// status, 31 bits imported, 31 bits exported, Wh),
/// meter-signed readings 86 (position 2, imported 4, exported 4, import register 6, export register 6, signature 64).
interface IEnergyMarket {
    /// @notice The relayer is who sent the transaction; of a sealed batch, who `Revealed` names.
    event BatchPosted(uint256 indexed interval, uint256 indexed batch, bytes records);
    event OrderSkipped(uint256 indexed interval, uint256 position, uint256 participant, Skip reason);
    event Cleared(
        uint256 indexed interval,
        uint256 buyPrice,
        uint256 sellPrice,
        uint256 volume,
        Clearing clearing,
        bytes32 clearingHash
    );
    event Reported(
        uint256 indexed interval,
        Verdict verdict,
        uint256 volume,
        uint256 lossRate,
        bytes32 feederHash,
        bytes32 inputsHash,
        uint256 signers
    );
    event Expired(uint256 indexed interval);
    event Attested(uint256 indexed interval, uint256 delivered);
    /// @dev The batch's readings are now those that the call supplied, with the meters' own but for the skipped.
    event Overruled(uint256 indexed interval, uint256 indexed batch, uint256 delivered);
    event OverruleSkipped(uint256 indexed interval, uint256 indexed batch, uint256 position);
    event BatchSettled(uint256 indexed interval, uint256 indexed batch, Terms terms, Clearing clearing);
    event BatchCorrected(uint256 indexed interval, uint256 indexed batch, Terms terms, Clearing clearing);

    error PostingIsPaused();
    /// @notice This market has a sealed phase: commit and reveal there.
    error SealedOnly();
    /// @notice The supplier's own balance is below its margin: nobody would stand for a default. Only an interval that is not
    /// open yet is refused by this.
    error SupplierBelowMargin();
    error GateClosed(uint256 interval);
    error NotYetOpen(uint256 interval, uint256 lastOpen);
    /// @notice The ring slot still holds an interval with unsettled batches. Settle it first.
    error SlotBusy(uint256 interval);
    /// @notice The bytes end within an order.
    error TruncatedBatch();
    error TooManyBatches();
    error TooEarly(uint256 from);
    error TooLate(uint256 deadline);
    error WrongPhase(uint256 interval, Phase phase);
    error UnknownBatch(uint256 interval, uint256 batch);
    error OtherClearing(bytes32 clearingHash);
    /// @notice The signatures are not those of exactly a quorum of the interval's committee.
    error NoQuorum();
    error BadVerdict();
    error LossRateTooHigh();
    error VolumeTooLarge(uint256 volume, uint256 most);
    error DecisionsMismatch();
    error BatchCountMismatch(uint256 given, uint256 batches);
    error VectorTooLong(uint256 batch);
    error NotAttestedByOperator();
    error AlreadyAttested();
    /// @notice What was supplied is not what the batch is committed to.
    error NotCommitted();
    /// @notice As it was supplied, the batch is settled. What was corrected since is `NotCommitted`.
    error AlreadySettled(uint256 interval, uint256 batch);
    error OldRun(uint256 run, uint256 latest);
    error NotInCorrection();
    /// @notice What a meter signed, only a meter's signature changes.
    error MeterSignedReading(uint256 position);
    /// @notice The correction would leave the supplier owing more than it holds. It can be booked once it has deposited.
    error SupplierShort(int256 equity);

    /// @notice Takes a batch of signed orders. A bad order is skipped with an event and never fails the others.
    /// @dev The first call for an interval opens it, if the supplier holds the margins of all who are registered then. It knows
    /// them, and takes their orders until gate closure; who is registered later is unknown to it.
    /// @param orders packed as `OrderCodec` draws it
    function post(uint256 interval, bytes calldata orders) external;

    /// @notice Runs the auction, after gate closure.
    function clear(uint256 interval) external;

    /// @notice Applies the committee's verdict on the clearing.
    /// @param decisions none, or one packed vector per batch
    /// @param signers bit per committee member
    /// @param signatures 64 bytes per signer in member order
    function report(NetworkReport calldata r, bytes[] calldata decisions, uint256 signers, bytes calldata signatures)
        external;

    /// @notice Moves on when the committee was silent: nothing is accepted, and everybody is on the grid tariff.
    function expire(uint256 interval) external;

    /// @notice Takes the metering operator's readings of all batches, under one signature.
    /// @param readings one packed vector per batch
    /// @param delivered Σ min(accepted sell, exported) over all orders, Wh
    function attest(uint256 interval, bytes[] calldata readings, uint256 delivered, bytes calldata signature) external;

    /// @notice Replaces readings of one batch by what the meters themselves signed.
    /// @param signed packed, positions ascending; one that does not verify is skipped with an event
    function overrule(uint256 interval, uint256 batch, BatchData calldata data, bytes calldata signed) external;

    /// @notice Settles one batch.
    function settle(uint256 interval, uint256 batch, BatchData calldata data) external;

    /// @notice Books the difference between a batch's settlement and its settlement with the corrected readings.
    /// @param terms what the batch was last settled by, with `clearing`
    /// @param data the batch with the readings it was last settled by
    function correct(
        uint256 interval,
        uint256 batch,
        Terms terms,
        Clearing clearing,
        BatchData calldata data,
        bytes calldata newReadings,
        Correction calldata correction
    ) external;

    /// @notice Where batches are committed to and revealed; zero in an open market, whose batches are posted.
    function sealedBatches() external view returns (ISealedBatches);
    /// @notice Whose published limits orders must keep besides their connections'; zero in a market without envelopes.
    function envelopes() external view returns (IOperatingEnvelopes);
    function intervalState(uint256 interval) external view returns (Interval memory);
    /// @notice Wh queued at a tick, until the gate.
    /// @param side 0 buys, 1 sells
    function queued(uint256 interval, uint256 side, uint256 tick) external view returns (uint256);
    /// @notice keccak(interval, clearing, the last batch as posted or zero), between clearing and the gate.
    function clearingHash(uint256 interval) external view returns (bytes32);
    /// @notice A batch's word, as long as its interval is in the ring.
    function batchCommitment(uint256 interval, uint256 batch) external view returns (BatchWord);
    function domainSeparator() external view returns (bytes32);
}
