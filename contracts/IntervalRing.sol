// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {MarketRules} from "./MarketRules.sol";
import {IEnergyMarket, Interval, Phase} from "./interfaces/IEnergyMarket.sol";
import {BatchWord, NO_BATCH} from "./libraries/BatchWord.sol";
import {TickBook} from "./libraries/TickBook.sol";

/// @title The ring of intervals, their books, and what their batches are committed to
/// @notice A slot is used again without clearing it, so the state does not grow.
abstract contract IntervalRing is MarketRules, IEnergyMarket {
    using TickBook for TickBook.Book;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// @dev Of `posted`, a word for two pages of participants:
    ///
    ///   255..224   223..128         127..32           31..0
    ///   nothing    the odd page's   the even page's   interval
    ///
    /// a bit for each whose order was taken in the interval.
    struct Slot {
        Interval interval;
        TickBook.Book book;
        mapping(uint256 pages => uint256) posted;
    }

    uint256 internal constant POSTED_OFFSET = 32;
    uint256 internal constant POSTED_PAGES = 2;

    mapping(uint256 slot => Slot) internal _ring;
    /// @dev Intervals whose slots were taken before all of their batches were settled, where their batches' words are.
    mapping(uint256 place => Interval) internal _left;
    mapping(uint256 slot => mapping(uint256 batch => BatchWord)) private _batches;

    /* READ */

    /// @inheritdoc IEnergyMarket
    function intervalState(uint256 interval) external view returns (Interval memory state) {
        state = _kept(interval);
        require(state.number == interval && state.phase != Phase.None, WrongPhase(interval, Phase.None));
    }

    /// @inheritdoc IEnergyMarket
    function queued(uint256 interval, uint256 side, uint256 tick) external view returns (uint256) {
        Slot storage slot = _ring[interval % RING_SIZE];
        Interval storage state = slot.interval;
        bool ungated = state.number == interval && state.phase < Phase.Gated;
        return ungated ? slot.book.lane(state.terms.heldWords(), side, tick) : 0;
    }

    /// @inheritdoc IEnergyMarket
    function clearingHash(uint256 interval) external view returns (bytes32) {
        return _clearingHash(_slot(interval, Phase.Cleared));
    }

    /// @inheritdoc IEnergyMarket
    function batchCommitment(uint256 interval, uint256 batch) external view returns (BatchWord) {
        Interval storage state = _ring[interval % RING_SIZE].interval;
        require(state.number == interval, UnknownBatch(interval, batch));
        return _committed(state, batch);
    }

    /// @inheritdoc IEnergyMarket
    function domainSeparator() public view returns (bytes32) {
        // Not stored: after a fork of the chain the signatures of one side must not count on the other.
        return
            keccak256(abi.encode(DOMAIN_TYPEHASH, keccak256("Peerwatt"), keccak256("1"), block.chainid, address(this)));
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

    /// @dev The interval in ring slot `index`, and whether nobody's margin stands for it any more.
    function _ringState(uint256 index) internal view returns (uint256 interval, bool over) {
        Interval storage state = _ring[index].interval;
        interval = state.number;
        over = state.settled == state.batches || _isLate(interval);
    }

    /// @dev The interval, which must be gated: in its slot, or left behind.
    function _gated(uint256 interval) internal view returns (Interval storage state) {
        state = _kept(interval);
        Phase actual = state.number == interval ? state.phase : Phase.None;
        require(actual == Phase.Gated, WrongPhase(interval, actual));
    }

    /// @dev What is kept where the interval would be: in its slot, or left behind.
    function _kept(uint256 interval) private view returns (Interval storage state) {
        state = _ring[interval % RING_SIZE].interval;
        if (state.number != interval) state = _left[interval % BATCH_RING];
    }

    /// @dev Whether a later interval may take the interval's slot: no margin is held for it any more.
    function _isLate(uint256 interval) internal view returns (bool) {
        return interval + RING_SIZE <= _lastOpen();
    }

    /// @dev The words of the interval's batches. Beyond its last batch lie an older interval's.
    function _batchesOf(uint256 interval) internal view returns (mapping(uint256 batch => BatchWord) storage) {
        return _batches[interval % BATCH_RING];
    }

    /// @dev The word of a batch that was posted.
    function _committed(Interval storage state, uint256 batch) internal view returns (BatchWord) {
        require(batch < state.batches, UnknownBatch(state.number, batch));
        return _batchesOf(state.number)[batch];
    }

    /// @dev The word of the last of so many batches. Until the gate it commits to the records of all of them.
    function _lastOf(mapping(uint256 => BatchWord) storage batches, uint256 count) internal view returns (BatchWord) {
        return count == 0 ? NO_BATCH : batches[count - 1];
    }

    /// @dev The clearing and the records: what everybody gets follows from them, and so does the volume.
    function _clearingHash(Slot storage slot) internal view returns (bytes32) {
        Interval storage state = slot.interval;
        (uint256 number, uint256 batches) = (state.number, state.batches);
        return keccak256(abi.encode(number, state.clearing, _lastOf(_batchesOf(number), batches)));
    }
}
