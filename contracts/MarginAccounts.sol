// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Clock} from "./Clock.sol";
import {EnergyToken} from "./EnergyToken.sol";
import {IMarginAccounts} from "./interfaces/IMarginAccounts.sol";
import {AccountQuad, ParticipantAccount, SystemAccount, SystemCash} from "./libraries/AccountLib.sol";
import {Connection, Roster} from "./libraries/Roster.sol";

/// @title Cash, energy, margin and exit
/// @notice The margin of a participant covers its worst interval, as often as intervals can be open or unsettled. The
/// supplier's covers everyone's: it stands for whoever falls short.
abstract contract MarginAccounts is Clock, ReentrancyGuard, IMarginAccounts {
    using SafeERC20 for IERC20;
    using Roster for Roster.Page;

    /// @dev A quarter of what an account can hold: nobody can fill another's account by deposits until a batch that it is
    /// in can no longer be settled.
    int256 private constant DEPOSIT_MAX = (ParticipantAccount.CASH_MAX + 1) / 4;
    int256 private constant SYSTEM_DEPOSIT_MAX = (SystemAccount.CASH_MAX + 1) / 4;
    int256 private constant ENERGY_HALF = ParticipantAccount.ENERGY_MAX / 2;
    uint256 internal constant LEAVING = Roster.PAGE_SIZE;

    IERC20 public immutable paymentToken;
    EnergyToken public immutable energyToken;

    /// @param uncredited the metering operator's energy: what was delivered beyond what was credited, Wh
    /// @param exitedEnergyLimit connection limits of those who left, Wh: the supplier need not stand for them
    struct Totals {
        int64 uncredited;
        int64 delivered;
        uint64 debt;
        uint64 exitedEnergyLimit;
        uint64 takenOut;
    }

    /// @dev A run of bookings to participants. Holds the words being written, so that neighbours in the order of the
    /// accounts share their cost.
    /// @param standing of the page: a bit for each that holds its margin, as in `_standings`
    /// @param quadIndex of `quad`; zero: none
    /// @param sign 1 to book, -1 to take bookings back
    struct Journal {
        int256 sign;
        Roster.Page page;
        uint256 standing;
        uint256 quadIndex;
        AccountQuad quad;
        int256 debt;
    }

    /// @dev An account on its way out, and the last interval that may hold its orders.
    struct Exit {
        uint32 lastInterval;
        bool done;
    }

    Totals private _totals;
    SystemCash private _systemCash;
    /// @dev An array, not a mapping: the place of a word costs no hash.
    AccountQuad[1 << 14] private _quads;
    /// @dev For a page of participants, a bit for each that holds its margin and, `LEAVING` bits higher, one for each
    /// that has asked to leave.
    mapping(uint256 page => uint256) private _standings;
    mapping(uint256 account => Exit) private _exits;

    constructor(IERC20 paymentToken_) {
        paymentToken = paymentToken_;
        energyToken = new EnergyToken(address(this));
    }

    modifier onlyWallet(uint256 account_) {
        require(msg.sender == registry.walletOf(account_), NotWallet(account_, msg.sender));
        _;
    }

    /* MONEY AND ENERGY, IN AND OUT */

    /// @inheritdoc IMarginAccounts
    function deposit(uint256 account_, uint256 amount) external nonReentrant {
        require(account_ < registry.accountCount(), UnknownAccount(account_));
        (int256 cash,) = account(account_);
        int256 room = (account_ < SystemAccount.COUNT ? SYSTEM_DEPOSIT_MAX : DEPOSIT_MAX) - cash;
        require(room >= 0 && amount <= uint256(room), DepositTooLarge(amount));

        _bookAlone(account_, int256(amount), 0);
        emit Deposited(account_, msg.sender, amount);

        paymentToken.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IMarginAccounts
    function withdraw(uint256 account_, uint256 amount) external nonReentrant {
        (int256 cash,) = account(account_);
        address wallet = _payee(account_, cash > ParticipantAccount.CASH_MAX / 2);
        int256 free = freeBalance(account_);
        require(free >= 0 && amount <= uint256(free), AboveFreeBalance(account_, amount, free));

        _bookAlone(account_, -int256(amount), 0);
        emit Withdrawn(account_, wallet, amount);

        paymentToken.safeTransfer(wallet, amount);
    }

    /// @inheritdoc IMarginAccounts
    function takeOutEnergy(uint256 account_, uint256 amount) external nonReentrant {
        (, int256 credit) = account(account_);
        address wallet = _payee(account_, credit > ENERGY_HALF);
        credit = SignedMath.min(credit, _mintable());
        require(credit >= 0 && amount <= uint256(credit), AboveEnergyCredit(account_, amount, credit));

        _bookAlone(account_, 0, -int256(amount));
        _totals.takenOut += uint64(amount);
        emit EnergyTakenOut(account_, wallet, amount);

        energyToken.mint(wallet, amount);
    }

    /// @inheritdoc IMarginAccounts
    function cancelEnergy(uint256 account_, uint256 amount) external {
        (, int256 credit) = account(account_);
        int256 most = _mintable() > 0 || account_ < SystemAccount.COUNT ? int256(0) : credit - ENERGY_HALF;
        require(most >= 0 && amount <= uint256(most), AboveEnergyCredit(account_, amount, most));

        _bookAlone(account_, 0, -int256(amount));
        _bookAlone(SystemAccount.METERING_OPERATOR, 0, int256(amount));
        emit EnergyCancelled(account_, amount);
    }

    /// @dev The tokens in existence never exceed what meters recorded, whatever a wrong attestation credited.
    function _mintable() private view returns (int256) {
        return _totals.delivered - int256(uint256(_totals.takenOut));
    }

    /// @dev The wallet, which is who may ask to be paid. What fills more than half of a participant's account, anybody may
    /// have paid to its wallet: otherwise an account that nobody empties could end the settlement of its batches.
    function _payee(uint256 account_, bool half) private view returns (address wallet) {
        wallet = registry.walletOf(account_);
        bool anybody = half && account_ >= SystemAccount.COUNT;
        require(anybody || msg.sender == wallet, NotWallet(account_, msg.sender));
    }

    /* EXIT */

    /// @inheritdoc IMarginAccounts
    function requestExit(uint256 account_) external onlyWallet(account_) {
        require(account_ >= SystemAccount.COUNT, UnknownAccount(account_));
        require(_exits[account_].lastInterval == 0, AlreadyLeaving(account_));
        uint256 last = _lastOpen();
        _exits[account_].lastInterval = uint32(last);
        _standings[account_ / Roster.PAGE_SIZE] |= 1 << (LEAVING + account_ % Roster.PAGE_SIZE);
        emit ExitRequested(account_, last);
    }

    /// @inheritdoc IMarginAccounts
    function finishExit(uint256 account_) external {
        Exit storage exit = _exits[account_];
        uint256 last = exit.lastInterval;
        require(last != 0 && !exit.done, NotLeaving(account_));
        for (uint256 i; i < RING_SIZE; ++i) {
            (uint256 interval, bool settled) = _ringState(i);
            require(settled || interval > last, OpenPosition(account_, interval));
        }
        _totals.exitedEnergyLimit += uint64(_energyLimit(account_));
        exit.done = true;
        emit Exited(account_);
    }

    /// @dev The interval in ring slot `slot`, and whether nothing in it is left to settle.
    function _ringState(uint256 slot) internal view virtual returns (uint256 interval, bool settled);

    /* READ */

    /// @inheritdoc IMarginAccounts
    function account(uint256 index) public view returns (int256 cash, int256 energy) {
        if (index < SystemAccount.COUNT) {
            energy = index == SystemAccount.METERING_OPERATOR ? _totals.uncredited : int64(0);
            return (_systemCash.cash(index), energy);
        }
        AccountQuad quad = _quads[index / ParticipantAccount.PER_WORD];
        return (quad.cash(index), quad.energy(index));
    }

    /// @inheritdoc IMarginAccounts
    function accounts(uint256 from, uint256 count) external view returns (int256[2][] memory list) {
        list = new int256[2][](count);
        for (uint256 i; i < count; ++i) {
            (list[i][0], list[i][1]) = account(from + i);
        }
    }

    /// @inheritdoc IMarginAccounts
    function marginOf(uint256 account_) public view returns (uint256) {
        if (account_ == SystemAccount.SUPPLIER) {
            return _margin(registry.totalEnergyLimit() - _totals.exitedEnergyLimit);
        }
        return _exits[account_].done ? 0 : _margin(_energyLimit(account_));
    }

    /// @inheritdoc IMarginAccounts
    function freeBalance(uint256 account_) public view returns (int256) {
        (int256 cash,) = account(account_);
        if (account_ == SystemAccount.SUPPLIER) cash -= int256(uint256(_totals.debt));
        return cash - int256(marginOf(account_));
    }

    /// @inheritdoc IMarginAccounts
    function totals() external view returns (uint256 debt, int256 delivered, uint256 takenOut) {
        return (_totals.debt, _totals.delivered, _totals.takenOut);
    }

    /// @dev For a page of participants, who holds its margin and who has asked to leave.
    function _standing(uint256 page) internal view returns (uint256) {
        return _standings[page];
    }

    /// @dev Whether the supplier holds the margins of all connections, which carry `energyLimit` Wh together, and what
    /// others owe.
    function _supplierStands(uint256 energyLimit) internal view returns (bool) {
        uint256 needed = _totals.debt + _margin(energyLimit - _totals.exitedEnergyLimit);
        return _systemCash.cash(SystemAccount.SUPPLIER) >= int256(needed);
    }

    /// @dev The worst interval of connections that carry `energyLimit` Wh, as often as intervals can be open or unsettled.
    function _margin(uint256 energyLimit) internal view returns (uint256) {
        unchecked {
            return energyLimit * MARGIN_PER_WH;
        }
    }

    /// @dev What a participant's connection can carry in one interval in both directions, Wh; of another account, zero.
    function _energyLimit(uint256 account_) private view returns (uint256) {
        Roster.Page memory page;
        page.open(registry, account_ / Roster.PAGE_SIZE);
        if (!page.knows(account_)) return 0;
        Connection connection = page.connection(account_);
        return connection.energyLimit();
    }

    /* BOOK */

    function _booking() internal pure returns (Journal memory journal) {
        journal.sign = 1;
    }

    function _takingBack() internal pure returns (Journal memory journal) {
        journal.sign = -1;
    }

    /// @dev Makes the journal's quad the participant's, and its page.
    function _turn(Journal memory journal, uint256 participant) internal {
        uint256 quadIndex = participant / ParticipantAccount.PER_WORD;
        if (journal.quadIndex == quadIndex) return;
        _flushQuad(journal);
        journal.quadIndex = quadIndex;
        journal.quad = _quads[quadIndex];
        unchecked {
            // A page holds whole words.
            uint256 number = participant / Roster.PAGE_SIZE;
            if (journal.page.index != number + 1) {
                _flushStanding(journal);
                journal.page.open(registry, number);
                journal.standing = _standings[number];
            }
        }
    }

    /// @dev Books a change to a participant that the journal was turned to, whose connection carries `energyLimit` Wh.
    function _book(Journal memory journal, uint256 participant, int256 cash, int256 energy, uint256 energyLimit)
        internal
        view
    {
        unchecked {
            cash *= journal.sign;
            int256 before;
            (journal.quad, before) = journal.quad.plus(participant, cash, energy * journal.sign);
            int256 aboveMargin = before + cash - int256(_margin(energyLimit));
            int256 bit = int256(1 << (participant % Roster.PAGE_SIZE));
            // Negative if the account was in debt, is below its margin, or did not stand.
            if ((before | aboveMargin | ((int256(journal.standing) & bit) - 1)) < 0) {
                journal.debt += _debtAdded(before, before + cash);
                if (aboveMargin < 0) journal.standing &= uint256(~bit);
                else journal.standing |= uint256(bit);
            }
        }
    }

    /// @dev Ends a run of bookings: writes what is held.
    function _close(Journal memory journal) internal {
        _flushQuad(journal);
        _flushStanding(journal);
        _addDebt(journal.debt);
    }

    /// @dev Books peer energy that meters recorded as delivered, and what of it nobody is credited with.
    function _bookDelivery(int256 delivered, int256 uncredited) internal {
        _totals.delivered += int64(delivered);
        _totals.uncredited += int64(uncredited);
    }

    /// @dev Books a change to one account.
    function _bookAlone(uint256 account_, int256 cash, int256 energy) internal {
        if (account_ < SystemAccount.COUNT) {
            _bookSystem(account_, cash);
            // Only the metering operator ever has energy.
            _bookDelivery(0, energy);
            return;
        }
        Journal memory journal = _booking();
        _turn(journal, account_);
        _book(journal, account_, cash, energy, _energyLimit(account_));
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
        if (added != 0) _totals.debt = uint64(uint256(int256(uint256(_totals.debt)) + added));
    }

    function _flushQuad(Journal memory journal) private {
        if (journal.quadIndex != 0) _quads[journal.quadIndex] = journal.quad;
    }

    function _flushStanding(Journal memory journal) private {
        uint256 index = journal.page.index;
        if (index != 0 && _standings[index - 1] != journal.standing) _standings[index - 1] = journal.standing;
    }

    /// @dev What the supplier has left when everyone else's debts are counted as its own.
    function _supplierEquity() internal view returns (int256) {
        return _systemCash.cash(SystemAccount.SUPPLIER) - int256(uint256(_totals.debt));
    }
}
