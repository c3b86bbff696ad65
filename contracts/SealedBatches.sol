// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {MarketRules} from "./MarketRules.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";
import {IMarginAccounts} from "./interfaces/IMarginAccounts.sol";
import {IOperatingEnvelopes} from "./interfaces/IOperatingEnvelopes.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {ISealedBatches} from "./interfaces/ISealedBatches.sol";
import {SystemAccount} from "./libraries/AccountLib.sol";
import {Frame, OrderCodec} from "./libraries/OrderCodec.sol";
import {Connection, Roster} from "./libraries/Roster.sol";

/// @title SealedBatches: one market's sealed phase
/// @notice Holds one bond for every batch that is committed to and neither revealed nor forfeited, what it owes relayers of
/// bonds that are back, and what is burnt, and nothing else.
contract SealedBatches is MarketRules, ReentrancyGuard, ISealedBatches {
    using Roster for Roster.Page;
    using SafeERC20 for IERC20;

    address public immutable market;
    IERC20 public immutable paymentToken;

    /// @inheritdoc ISealedBatches
    mapping(address relayer => uint256) public owed;
    /// @inheritdoc ISealedBatches
    uint256 public burnt;

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

        uint256 own = owed[msg.sender];
        uint256 credited = Math.min(own, BOND);
        owed[msg.sender] = own - credited;
        if (credited < BOND) paymentToken.safeTransferFrom(msg.sender, address(this), BOND - credited);
    }

    /// @inheritdoc ISealedBatches
    function reveal(uint256 interval, bytes calldata orders, bytes32 salt) external nonReentrant {
        bytes32 seal = sealOf(msg.sender, interval, orders, salt);
        _open(interval, msg.sender, seal);
        _requireFrom(_gateClosure(interval));
        require(block.timestamp < _bookClosure(interval), BookClosed(interval));

        uint256 kept;
        if (_takesOrders(interval)) {
            kept = _kept(interval, orders, IEnergyMarket(market).post(interval, orders));
            emit Revealed(interval, msg.sender, seal, kept);
        } else {
            emit Returned(interval, msg.sender, seal);
        }
        burnt += kept;
        owed[msg.sender] += BOND - kept;
    }

    /// @inheritdoc ISealedBatches
    function forfeit(uint256 interval, address relayer, bytes32 seal) external nonReentrant {
        _open(interval, relayer, seal);
        require(block.timestamp >= _bookClosure(interval), RevealNotOver(_bookClosure(interval)));

        burnt += BOND;
        emit Forfeited(interval, relayer, seal);
    }

    /// @inheritdoc ISealedBatches
    function collect(address relayer) external nonReentrant {
        uint256 amount = owed[relayer];
        owed[relayer] = 0;
        emit Collected(relayer, amount);

        paymentToken.safeTransfer(relayer, amount);
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

    /// @dev What is kept of the bond of a batch of which so many orders were skipped: a share for each, rounded up. Orders above
    /// an envelope count neither as skipped nor as the batch's: else they would make the others' shares smaller for nothing.
    function _kept(uint256 interval, bytes calldata orders, uint256 skipped) private view returns (uint256) {
        if (skipped == 0) return 0;
        (uint256 count, uint256 narrowed) = _counted(interval, orders);
        // What is above an envelope is skipped: skipped >= narrowed, and where none is left neither is a share.
        return skipped == narrowed ? 0 : Math.ceilDiv(BOND * (skipped - narrowed), count - narrowed);
    }

    /// @dev How many orders there are, and how many of them are above what an envelope leaves their participants. It may have
    /// been published after they were committed to; the market skips all of them.
    function _counted(uint256 interval, bytes calldata orders) private view returns (uint256 count, uint256 narrowed) {
        IOperatingEnvelopes envelopes = IEnergyMarket(market).envelopes();
        Roster.Page memory page;
        Frame frame = OrderCodec.frame(0, interval);
        (uint256 at, uint256 end) = OrderCodec.bounds(orders);
        // The market has read them to their end: at most its `batchOrders`, each with fewer than 2^11 bytes.
        unchecked {
            for (; at < end; ++count) {
                (uint256 participant, uint256 steps) = OrderCodec.header(OrderCodec.load(at));
                if (address(envelopes) != address(0)) {
                    uint256 number = participant / Roster.PAGE_SIZE;
                    if (page.index != number + 1) {
                        page.open(registry, number);
                        page.narrow(envelopes.energyLimits(interval, number));
                    }
                    if (_isAboveEnvelope(page, frame, participant, at, steps)) ++narrowed;
                }
                at += OrderCodec.orderLength(steps);
            }
        }
    }

    /// @dev Whether the order of so many steps at `at` is well formed, and above what an envelope leaves its participant.
    function _isAboveEnvelope(Roster.Page memory page, Frame frame, uint256 participant, uint256 at, uint256 steps)
        private
        view
        returns (bool)
    {
        (uint256 energy,) = OrderCodec.digest(frame, participant, OrderCodec.steps(at, 0), steps);
        if (energy == 0 || !page.knows(participant)) return false;
        Connection connection = page.connection(participant);
        return connection.isNarrowed(INTERVAL_LENGTH) && !connection.carries(energy);
    }

    /// @dev Asked of the market's state instead of catching what `post` reverts with: a relayer can make a call fail, by
    /// leaving it too little gas, and would get its bond back for it.
    function _takesOrders(uint256 interval) private view returns (bool) {
        if (IMarginAccounts(market).freeBalance(SystemAccount.SUPPLIER) >= 0) return true;
        // The supplier is asked when an interval opens. One that is open takes orders; the rest of too little gas for this
        // call would not pay for what follows either.
        try IEnergyMarket(market).intervalState(interval) {
            return true;
        } catch {
            return false;
        }
    }
}
