// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {MarketRules} from "./MarketRules.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";
import {IMarginAccounts} from "./interfaces/IMarginAccounts.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {ISealedBatches} from "./interfaces/ISealedBatches.sol";
import {SystemAccount} from "./libraries/AccountLib.sol";

/// @title SealedBatches: one market's sealed phase
/// @notice Holds one bond for every batch that is committed to and neither revealed nor forfeited, and nothing else.
contract SealedBatches is MarketRules, ReentrancyGuard, ISealedBatches {
    using SafeERC20 for IERC20;

    address public immutable market;
    IERC20 public immutable paymentToken;

    mapping(uint256 interval => mapping(address relayer => mapping(bytes32 seal => bool))) private _committed;

    /// @dev Created by the market, during its own creation.
    constructor(IParticipantRegistry registry_, IERC20 paymentToken_) MarketRules(registry_) {
        market = msg.sender;
        paymentToken = paymentToken_;
    }

    /// @inheritdoc ISealedBatches
    function commit(uint256 interval, bytes32 seal) external nonReentrant {
        require(!registry.postingPaused(), IEnergyMarket.PostingIsPaused());
        require(interval <= _lastOpen(), IEnergyMarket.NotYetOpen(interval, _lastOpen()));
        require(block.timestamp + GATE_LEAD < interval * INTERVAL_LENGTH, IEnergyMarket.GateClosed(interval));
        require(!_committed[interval][msg.sender][seal], AlreadyCommitted(seal));

        _committed[interval][msg.sender][seal] = true;
        emit Committed(interval, msg.sender, seal);

        paymentToken.safeTransferFrom(msg.sender, address(this), BOND);
    }

    /// @inheritdoc ISealedBatches
    function reveal(uint256 interval, bytes calldata orders, bytes32 salt) external nonReentrant {
        bytes32 seal = sealOf(msg.sender, interval, orders, salt);
        _open(interval, msg.sender, seal);
        _requireFrom(_gateClosure(interval));
        require(block.timestamp < _bookClosure(interval), BookClosed(interval));

        if (_takesOrders(interval)) {
            emit Revealed(interval, msg.sender, seal);
            IEnergyMarket(market).post(interval, orders);
        } else {
            emit Returned(interval, msg.sender, seal);
        }
        paymentToken.safeTransfer(msg.sender, BOND);
    }

    /// @inheritdoc ISealedBatches
    function forfeit(uint256 interval, address relayer, bytes32 seal) external nonReentrant {
        _open(interval, relayer, seal);
        require(block.timestamp >= _bookClosure(interval), RevealNotOver(_bookClosure(interval)));

        emit Forfeited(interval, relayer, seal);

        paymentToken.forceApprove(market, BOND);
        IMarginAccounts(market).deposit(SystemAccount.COMMUNITY, BOND);
    }

    /// @inheritdoc ISealedBatches
    function sealOf(address relayer, uint256 interval, bytes calldata orders, bytes32 salt)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(relayer, interval, keccak256(orders), salt));
    }

    /// @inheritdoc ISealedBatches
    function isCommitted(uint256 interval, address relayer, bytes32 seal) external view returns (bool) {
        return _committed[interval][relayer][seal];
    }

    function _open(uint256 interval, address relayer, bytes32 seal) private {
        require(_committed[interval][relayer][seal], UnknownSeal(seal));
        delete _committed[interval][relayer][seal];
    }

    /// @dev Asked of the market's state instead of catching what `post` reverts with: a relayer can make a call fail, by
    /// leaving it too little gas, and would get its bond back for it.
    function _takesOrders(uint256 interval) private view returns (bool) {
        if (registry.postingPaused()) return false;
        if (IMarginAccounts(market).freeBalance(SystemAccount.SUPPLIER) >= 0) return true;
        // The supplier is asked when an interval opens. One that is open takes orders; the rest of too little gas for this
        // call would not pay for the transfer either.
        try IEnergyMarket(market).intervalState(interval) {
            return true;
        } catch {
            return false;
        }
    }
}
