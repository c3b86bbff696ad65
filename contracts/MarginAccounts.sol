// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {EnergyToken} from "./EnergyToken.sol";
import {IntervalRing} from "./IntervalRing.sol";
import {Ledger} from "./Ledger.sol";
import {IMarginAccounts} from "./interfaces/IMarginAccounts.sol";
import {SystemAccount} from "./libraries/AccountLib.sol";
import {Roster} from "./libraries/Roster.sol";

/// @title Cash, energy, margin and exit
/// @notice The margin of a participant covers its worst interval, as often as intervals can be open or unsettled. The
/// supplier's covers everyone's: it stands for whoever falls short.
abstract contract MarginAccounts is Ledger, IntervalRing, ReentrancyGuard {
    using SafeERC20 for IERC20;

    /// @dev So that no sum of deposits comes near what a system account can hold.
    int256 private constant DEPOSIT_MAX = (SystemAccount.CASH_MAX + 1) / 4;

    IERC20 public immutable paymentToken;
    EnergyToken public immutable energyToken;

    /// @dev An account on its way out, and the last interval that may hold its orders.
    struct Exit {
        uint32 lastInterval;
        bool done;
    }

    mapping(uint256 account => Exit) private _exits;

    constructor(IERC20 paymentToken_, EnergyToken energyToken_) {
        paymentToken = paymentToken_;
        energyToken = energyToken_;
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
        int256 room = DEPOSIT_MAX - cash;
        require(room >= 0 && amount <= uint256(room), DepositTooLarge(amount));

        _bookAlone(account_, int256(amount), 0);
        emit Deposited(account_, msg.sender, amount);

        paymentToken.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IMarginAccounts
    function withdraw(uint256 account_, uint256 amount) external nonReentrant onlyWallet(account_) {
        // Of an interval of which some batches are settled, what buyers paid is here, and sellers are not paid yet.
        if (account_ == SystemAccount.COMMUNITY) require(_totals.partlySettled == 0, InFlight(_totals.partlySettled));
        int256 free = freeBalance(account_);
        require(free >= 0 && amount <= uint256(free), AboveFreeBalance(account_, amount, free));

        _bookAlone(account_, -int256(amount), 0);
        emit Withdrawn(account_, msg.sender, amount);

        paymentToken.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IMarginAccounts
    function takeOutEnergy(uint256 account_, uint256 amount) external nonReentrant onlyWallet(account_) {
        // The tokens in existence never exceed what meters recorded, whatever a wrong attestation credited.
        (, int256 credit) = account(account_);
        credit = SignedMath.min(credit, _totals.delivered - int256(uint256(_totals.takenOut)));
        // The metering operator's is what nobody is credited with yet: it bought nothing.
        if (account_ < SystemAccount.COUNT) credit = 0;
        require(credit >= 0 && amount <= uint256(credit), AboveEnergyCredit(account_, amount, credit));

        _bookAlone(account_, 0, -int256(amount));
        _totals.takenOut += uint64(amount);
        emit EnergyTakenOut(account_, msg.sender, amount);

        energyToken.mint(msg.sender, amount);
    }

    /* EXIT */

    /// @inheritdoc IMarginAccounts
    function requestExit(uint256 account_) external {
        require(registry.mayRequestExit(account_, msg.sender), NotWallet(account_, msg.sender));
        require(account_ >= SystemAccount.COUNT, UnknownAccount(account_));
        require(_exits[account_].lastInterval == 0, AlreadyLeaving(account_));
        uint256 last = _lastOpen();
        _exits[account_].lastInterval = uint32(last);
        _accountFlags[account_ / Roster.PAGE_SIZE] |= 1 << (LEAVING_OFFSET + account_ % Roster.PAGE_SIZE);
        emit ExitRequested(account_, last);
    }

    /// @inheritdoc IMarginAccounts
    function finishExit(uint256 account_) external {
        Exit storage exit = _exits[account_];
        uint256 last = exit.lastInterval;
        require(last != 0 && !exit.done, NotLeaving(account_));
        for (uint256 i; i < RING_SIZE; ++i) {
            (uint256 interval, bool over) = _ringState(i);
            require(over || interval > last, OpenPosition(account_, interval));
        }
        _totals.exitedEnergyLimit += uint64(_energyLimit(account_));
        exit.done = true;
        emit Exited(account_);
    }

    /* READ */

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
            return _margin(registry.supplierCover() - _totals.exitedEnergyLimit);
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

    /// @dev Refuses what took the supplier below the margin that it holds for others, or further below it.
    /// @param before its free balance before that
    function _requireSupplierStands(int256 before) internal view {
        int256 free = freeBalance(SystemAccount.SUPPLIER);
        require(free >= 0 || free >= before, SupplierShort(free));
    }

    /// @dev Whether the supplier holds the margins of `energyLimit` Wh of connections, less those who left, and what others owe.
    function _supplierHoldsMargins(uint256 energyLimit) internal view returns (bool) {
        uint256 needed = _totals.debt + _margin(energyLimit - _totals.exitedEnergyLimit);
        return _systemCash.cash(SystemAccount.SUPPLIER) >= int256(needed);
    }
}
