// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";
import {IMarketRules} from "./interfaces/IMarketRules.sol";
import {IParticipantRegistry, MarketConfig} from "./interfaces/IParticipantRegistry.sol";

/// @title The rules that a market is created with and keeps, and the deadlines that follow from them
/// @notice All windows are half-open: what must come before a deadline is refused at its very second.
abstract contract MarketRules is IMarketRules {
    uint256 internal immutable INTERVAL_LENGTH;
    uint256 internal immutable GATE_LEAD;
    uint256 internal immutable REPORT_WINDOW;
    uint256 internal immutable ATTEST_WINDOW;
    uint256 internal immutable OVERRULE_WINDOW;
    uint256 internal immutable CORRECTION_WINDOW;
    uint256 internal immutable CORRECTION_DELAY;
    uint256 internal immutable OPEN_AHEAD;
    uint256 internal immutable RING_SIZE;
    /// @dev What an account holds for every Wh of its connection's limits: its worst interval, as often as intervals can
    /// be open or unsettled.
    uint256 internal immutable MARGIN_PER_WH;
    uint256 internal immutable MAX_LOSS_RATE;
    uint256 internal immutable REVEAL_WINDOW;
    uint256 internal immutable BOND;
    uint256 internal immutable MAX_NETWORK_FEE;
    uint256 internal immutable BASE_PRICE;
    uint256 internal immutable TICK_SIZE;
    uint256 internal immutable BATCH_ORDERS;
    /// @dev How many intervals' batches are told apart: when an interval takes orders, the corrections of the one so long
    /// before it are closed, and it is settled, for both have one slot of the ring.
    uint256 internal immutable BATCH_RING;

    /// @inheritdoc IMarketRules
    IParticipantRegistry public immutable registry;

    constructor(IParticipantRegistry registry_) {
        registry = registry_;
        MarketConfig memory c = registry_.config();
        INTERVAL_LENGTH = c.intervalLength;
        GATE_LEAD = c.gateLead;
        REPORT_WINDOW = c.reportWindow;
        ATTEST_WINDOW = c.attestWindow;
        OVERRULE_WINDOW = c.overruleWindow;
        CORRECTION_WINDOW = c.correctionWindow;
        CORRECTION_DELAY = c.correctionDelay;
        OPEN_AHEAD = c.openAhead;
        RING_SIZE = c.ringSize;
        MARGIN_PER_WH = uint256(c.ringSize) * c.marginPrice;
        MAX_LOSS_RATE = c.maxLossRate;
        REVEAL_WINDOW = c.revealWindow;
        BOND = c.bond;
        MAX_NETWORK_FEE = c.maxNetworkFee;
        (BASE_PRICE, TICK_SIZE) = (c.basePrice, c.tickSize);
        BATCH_ORDERS = c.batchOrders;
        uint256 lap = uint256(c.ringSize) * c.intervalLength;
        BATCH_RING = c.ringSize * (1 + Math.ceilDiv(c.correctionWindow + 2 * uint256(c.correctionDelay), lap));
    }

    // Whoever asks has found the interval in the ring, or a batch of it among those that were settled. `post` let in only
    // intervals whose number is below 2^32 and that begin later than the gate lead from now. So in all of these
    // interval * INTERVAL_LENGTH > GATE_LEAD, interval * INTERVAL_LENGTH < 2^32 * 86,400 < 2^49, and each of the at most
    // three windows that are added is below 2^32: no sum reaches 2^50.

    function _gateClosure(uint256 interval) internal view returns (uint256) {
        unchecked {
            return interval * INTERVAL_LENGTH - GATE_LEAD;
        }
    }

    /// @dev From when on the book takes no order any more: gate closure, or the end of the sealed phase after it.
    function _bookClosure(uint256 interval) internal view returns (uint256) {
        unchecked {
            return _gateClosure(interval) + REVEAL_WINDOW;
        }
    }

    function _reportDeadline(uint256 interval) internal view returns (uint256) {
        unchecked {
            return _bookClosure(interval) + REPORT_WINDOW;
        }
    }

    function _deliveryEnd(uint256 interval) internal view returns (uint256) {
        unchecked {
            return (interval + 1) * INTERVAL_LENGTH;
        }
    }

    function _attestDeadline(uint256 interval) internal view returns (uint256) {
        unchecked {
            return _deliveryEnd(interval) + ATTEST_WINDOW;
        }
    }

    function _readingsDeadline(uint256 interval) internal view returns (uint256) {
        unchecked {
            return _attestDeadline(interval) + OVERRULE_WINDOW;
        }
    }

    function _correctionDeadline(uint256 interval) internal view returns (uint256) {
        unchecked {
            return _deliveryEnd(interval) + CORRECTION_WINDOW;
        }
    }

    function _requireFrom(uint256 time) internal view {
        require(block.timestamp >= time, IEnergyMarket.TooEarly(time));
    }

    function _requireBefore(uint256 deadline) internal view {
        require(block.timestamp < deadline, IEnergyMarket.TooLate(deadline));
    }

    /// @dev The last interval that takes orders now.
    function _lastOpen() internal view returns (uint256) {
        // A quotient plus a number below 2^16.
        unchecked {
            return block.timestamp / INTERVAL_LENGTH + OPEN_AHEAD;
        }
    }
}
