// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {MarketRules} from "./MarketRules.sol";
import {IMarginAccounts} from "./interfaces/IMarginAccounts.sol";
import {AccountQuad, ParticipantAccount, SystemAccount, SystemCash} from "./libraries/AccountLib.sol";
import {Connection, Roster} from "./libraries/Roster.sol";

/// @title Ledger: who holds what, and how it is booked
/// @notice Knows nothing of where bookings come from, but who falls below its margin by them.
abstract contract Ledger is MarketRules, IMarginAccounts {
    using Roster for Roster.Page;

    uint256 internal constant LEAVING_OFFSET = Roster.PAGE_SIZE;

    /// @param uncredited the metering operator's energy: what was delivered beyond what was credited, Wh
    /// @param exitedEnergyLimit connection limits of those who left, Wh: the supplier need not stand for them
    /// @param partlySettled intervals of which some batches are settled and some are not
    struct Totals {
        int64 uncredited;
        int64 delivered;
        uint64 debt;
        uint64 exitedEnergyLimit;
        uint64 takenOut;
        uint64 partlySettled;
    }

    /// @dev A run of bookings to participants. Holds the words being written, so that neighbours in the order of the
    /// accounts share their cost.
    /// @param flags of the page, as in `_accountFlags`
    /// @param quadIndex of `quad`; zero: none
    /// @param sign 1 to book, -1 to take bookings back
    struct Journal {
        int256 sign;
        Roster.Page page;
        uint256 flags;
        uint256 quadIndex;
        AccountQuad quad;
        int256 debt;
    }

    /// @dev What an account holds besides what lies in its place among the quads.
    struct Reserve {
        int128 cash;
        int128 energy;
    }

    Totals internal _totals;
    SystemCash internal _systemCash;
    /// @dev An array, not a mapping: the place of a word costs no hash.
    AccountQuad[1 << 14] private _quads;
    /// @dev Of accounts that once outgrew their place. Who holds its margin has no negative cash here.
    mapping(uint256 account => Reserve) private _reserves;
    /// @dev For a page of participants:
    ///
    ///   255..192   191..96                         95..0
    ///   nothing    a bit for each that is leaving  a bit for each that holds its margin
    mapping(uint256 page => uint256) internal _accountFlags;

    /// @inheritdoc IMarginAccounts
    function account(uint256 index) public view returns (int256 cash, int256 energy) {
        if (index < SystemAccount.COUNT) {
            energy = index == SystemAccount.METERING_OPERATOR ? _totals.uncredited : int64(0);
            return (_systemCash.cash(index), energy);
        }
        AccountQuad quad = _quads[index / ParticipantAccount.PER_WORD];
        Reserve storage reserve = _reserves[index];
        return (quad.cash(index) + reserve.cash, quad.energy(index) + reserve.energy);
    }

    /// @dev The worst interval of connections that carry `energyLimit` Wh, as often as intervals can be open or unsettled.
    function _margin(uint256 energyLimit) internal view returns (uint256) {
        // energyLimit < 2^64, and the margin per Wh is a ring size up to 2^12 times a price below 2^32.
        unchecked {
            return energyLimit * MARGIN_PER_WH;
        }
    }

    /// @dev What a participant's connection can carry in one interval in both directions, Wh; of another account, zero.
    function _energyLimit(uint256 account_) internal view returns (uint256) {
        Roster.Page memory page;
        page.open(registry, account_ / Roster.PAGE_SIZE);
        if (!page.knows(account_)) return 0;
        Connection connection = page.connection(account_);
        return connection.importLimit() + connection.exportLimit();
    }

    /* BOOK */

    function _booking() internal pure returns (Journal memory journal) {
        journal.sign = 1;
    }

    function _takingBack() internal pure returns (Journal memory journal) {
        journal.sign = -1;
    }

    /// @dev Makes quad `quadIndex` the journal's, and the page that it lies on.
    function _turnToQuad(Journal memory journal, uint256 quadIndex) internal {
        _flushQuad(journal);
        journal.quadIndex = quadIndex;
        journal.quad = _quads[quadIndex];
        // number < 2^16.
        unchecked {
            // A page holds whole words.
            uint256 number = quadIndex / (Roster.PAGE_SIZE / ParticipantAccount.PER_WORD);
            if (journal.page.index != number + 1) {
                _flushFlags(journal);
                journal.page.open(registry, number);
                journal.flags = _accountFlags[number];
            }
        }
    }

    /// @dev Books a change to a participant that the journal was turned to.
    function _book(Journal memory journal, uint256 participant, int256 cash, int256 energy, Connection connection)
        internal
    {
        // |cash| and |energy| < 2^128, |sign| = 1; each of the two limits is below 2^32.
        unchecked {
            cash *= journal.sign;
            energy *= journal.sign;
            (AccountQuad next, int256 afterwards) = journal.quad.plus(participant, cash, energy);
            int256 margin = int256(_margin(connection.importLimit() + connection.exportLimit()));
            bool heldMargin = journal.flags & Roster.bitOf(participant) != 0;
            // Who held its margin has no negative reserve: it owes nothing before and after, and still holds its margin.
            if (!heldMargin || afterwards < margin) {
                next = _bookWithReserve(journal, participant, cash, energy, margin);
            }
            journal.quad = next;
        }
    }

    /// @dev The same for an account that is or was below its margin, or outgrows its place. Where it outgrows its place, or
    /// its reserve is negative, all that it holds moves to its reserve.
    function _bookWithReserve(Journal memory journal, uint256 participant, int256 cash, int256 energy, int256 margin)
        private
        returns (AccountQuad next)
    {
        Reserve storage reserve = _reserves[participant];
        (int256 placed, int256 credit) = (journal.quad.cash(participant), journal.quad.energy(participant));
        int256 before = placed + reserve.cash;
        int256 afterwards = before + cash;
        journal.debt += _debtAdded(before, afterwards);
        uint256 bit = Roster.bitOf(participant);
        if (afterwards < margin) journal.flags &= ~bit;
        else journal.flags |= bit;
        if (reserve.cash < 0 || !ParticipantAccount.fits(placed + cash, credit + energy)) {
            // Of fewer than 2^48 bookings, each below 2^64 in cash and 2^41 in energy: below 2^112.
            reserve.cash = int128(afterwards);
            reserve.energy += int128(credit + energy);
            (cash, energy) = (-placed, -credit);
        }
        (next,) = journal.quad.plus(participant, cash, energy);
    }

    /// @dev Ends a run of bookings: writes what is held.
    function _close(Journal memory journal) internal {
        _flushQuad(journal);
        _flushFlags(journal);
        _addDebt(journal.debt);
    }

    /// @dev Books peer energy that meters recorded as delivered, and what of it nobody is credited with.
    function _bookDelivery(int256 delivered, int256 uncredited) internal {
        // What a batch books is below 2^48 Wh, and what is taken out is below 2^63: neither cast cuts anything off. The sums are
        // checked, and would take all connections that there can be, at full power, 2,400 years (2^32 units of 100 W).
        _totals.delivered += int64(delivered);
        _totals.uncredited += int64(uncredited);
    }

    /// @dev Books a change to one account, which the registry must know.
    function _bookAlone(uint256 account_, int256 cash, int256 energy) internal {
        if (account_ < SystemAccount.COUNT) {
            // Nobody pays energy in, and none of these takes any out.
            _bookSystem(account_, cash);
            return;
        }
        Journal memory journal = _booking();
        _turnToQuad(journal, account_ / ParticipantAccount.PER_WORD);
        _book(journal, account_, cash, energy, journal.page.connection(account_));
        _close(journal);
    }

    function _bookSystem(uint256 account_, int256 cash) internal {
        int256 before;
        (_systemCash, before) = _systemCash.plus(account_, cash);
        // The supplier's own debt is nobody else's to carry.
        if (account_ != SystemAccount.SUPPLIER) _addDebt(_debtAdded(before, before + cash));
    }

    function _debtAdded(int256 before, int256 afterwards) private pure returns (int256 added) {
        if (before < 0) added = before;
        if (afterwards < 0) added -= afterwards;
    }

    function _addDebt(int256 added) private {
        // Debts are what accounts owe, never below zero. The cast is checked: corrections add to them day by day, without end.
        if (added != 0) _totals.debt = SafeCast.toUint64(uint256(int256(uint256(_totals.debt)) + added));
    }

    function _flushQuad(Journal memory journal) private {
        if (journal.quadIndex != 0) _quads[journal.quadIndex] = journal.quad;
    }

    function _flushFlags(Journal memory journal) private {
        uint256 index = journal.page.index;
        if (index != 0 && _accountFlags[index - 1] != journal.flags) _accountFlags[index - 1] = journal.flags;
    }
}
