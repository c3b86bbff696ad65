// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BatchWord} from "../libraries/BatchWord.sol";
import {Clearing} from "../libraries/Clearing.sol";
import {Terms} from "../libraries/Terms.sol";
import {BatchData} from "./IEnergyMarket.sol";
import {IParticipantRegistry} from "./IParticipantRegistry.sol";

/// One interval of a meter's two registers, as the meter signs it. Energies in Wh.
/// @param importRegister the meter's count at the interval's end
struct MeterReading {
    uint32 interval;
    uint16 participant;
    uint32 imported;
    uint32 exported;
    uint48 importRegister;
    uint48 exportRegister;
}

/// @title What stands between the metering operator's correction and the accounts: time, meters, and a bound
/// @notice A correction is proposed with its readings, in public. It is booked by `EnergyMarket.correct`, from `correctionDelay`
/// later on. Until it is booked each meter may contradict it under its own signature, and the operator may cancel it.
///
/// - It is proposed from the readings' deadline on, and before the correction deadline.
/// - It is booked until twice the delay after the correction deadline: what was proposed in the last second has the whole delay
///   to be contradicted in and as long again to be booked in.
/// - What a meter has contradicted once no correction of that interval may say of it, also none that is proposed later.
/// - On one day (UTC) corrections change participants' cash by `correctionCap` at most, up and down counted alike.
interface ICorrections {
    /// @notice The metering operator proposes `readings` for a batch; they can be booked from second `from` on.
    event CorrectionProposed(
        uint256 indexed interval,
        uint256 indexed batch,
        bytes32 indexed id,
        uint256 run,
        uint256 delivered,
        uint256 from,
        bytes readings
    );
    /// @notice The operator has cancelled a proposed correction.
    event CorrectionCancelled(bytes32 indexed id);
    /// @notice A meter says what it recorded: no correction may say anything else of it.
    event Contested(uint256 indexed interval, uint256 indexed account, uint256 imported, uint256 exported);

    /// @notice The same correction was proposed before; neither its time nor its cancellation is changed by doing it again.
    error AlreadyProposed(bytes32 id);
    /// @notice Nobody has proposed this correction of the batch.
    error NotProposed(bytes32 id);
    /// @notice The operator has cancelled the correction.
    error IsCancelled(bytes32 id);
    /// @notice The signature is not that of the account's meter, or the reading has more than 31 bits.
    error NotSignedByMeter(uint256 account);
    /// @notice The account's meter has spoken on this interval before: its first word counts.
    error AlreadyContested(uint256 account);
    /// @notice The correction says something else of the account's meter than the meter itself.
    error ContestedReading(uint256 account);
    /// @notice Booking the correction would move `moved` base units today, where only `left` may be. Book it on another day, or
    /// correct fewer readings at once.
    error AboveCorrectionCap(uint256 moved, uint256 left);
    /// @notice These corrections are another market's already, or those of other participants.
    error CannotBind(address market, IParticipantRegistry registry);
    /// @notice Only the market books a correction.
    error OnlyMarket();

    /// @notice Makes the caller the market whose batches are corrected here, for good. A market does it at its creation.
    function bind(IParticipantRegistry registry) external;

    /// @notice Proposes corrected readings of a batch under the metering operator's signature. Anyone.
    /// @dev That the batch and its word are the market's is asked when it is booked.
    /// @param unread the batch's word before any readings
    /// @param readings one for each order of the batch
    /// @param signature under the MeterCorrection that these make, 64 bytes (EIP-2098)
    function propose(
        uint32 interval,
        uint16 batch,
        uint16 run,
        uint40 delivered,
        BatchWord unread,
        bytes calldata readings,
        bytes calldata signature
    ) external returns (bytes32 id);

    /// @notice Hands in what a meter recorded in an interval, under the meter's own signature. Anyone.
    /// @dev It changes no settlement. Warning: a correction that says otherwise waits for another one of its whole batch.
    function contest(MeterReading calldata reading, bytes calldata signature) external;

    /// @notice Cancels a correction that is proposed and not booked. Only the operator.
    function cancel(bytes32 id) external;

    /// @notice Refuses a correction that may not be booked now, and counts what it moves. Only the market.
    /// @param terms what the batch is settled by, and `corrected` what it will be
    /// @param metered the batch's word with the corrected readings
    function book(
        uint256 interval,
        uint256 batch,
        BatchWord metered,
        Terms terms,
        Terms corrected,
        Clearing clearing,
        BatchData calldata data,
        bytes calldata readings
    ) external;

    /// @notice Whose batches are corrected here; zero until a market is created with it.
    function market() external view returns (address);

    /// @notice From when on a proposed correction can be booked, Unix time; zero for one that nobody proposed.
    function bookableFrom(bytes32 id) external view returns (uint256);

    /// @notice What corrections may still move today, base units.
    function left() external view returns (uint256);
}
