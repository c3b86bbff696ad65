// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Verdict} from "../../../contracts/libraries/Terms.sol";
import {within} from "../Vm.sol";
import {SealedActs} from "./SealedActs.sol";

/// @title Plants that trade with one another all that they carry, until accounts are full of energy
abstract contract PlantActs is SealedActs {
    /// @dev Six can fill an account of which nobody takes anything out.
    uint256 private constant MOST_INTERVALS = 8;
    /// @dev What is left of the intervals before takes no more acts than this.
    uint256 private constant MOST_LEFT = 30;

    /// @notice Now and then, once all is settled, in several intervals one after another, each from its orders to its
    /// settlement. The metering operator claims that all of it was delivered, also by night.
    function tradeAtLarge(uint256 seed) external {
        if (seed & 7 != 0) return;
        for (uint256 i; i < MOST_LEFT && _proceed(uint256(keccak256(abi.encode(seed, "left", i)))); ++i) {}
        bool isNight = seed & 8 == 0;
        uint256 sellers = within(seed >> 8, 1, GROUPS / 2);
        for (uint256 i = within(seed >> 16, 3, MOST_INTERVALS); i > 0; --i) {
            _tradeAtLarge(sellers, isNight, uint256(keccak256(abi.encode(seed, i))));
        }
    }

    function _tradeAtLarge(uint256 sellers, bool isNight, uint256 seed) private {
        _topUp();
        // The first whose gate is not closed.
        uint256 interval = (block.timestamp + GATE_LEAD) / LENGTH + 1;
        bytes memory orders = _plantOrders(interval, sellers, seed);
        if (address(sealedBatches) == address(0)) _post(interval, orders);
        else _postSealed(interval, orders, seed);
        if (batches[interval].length == 0) return;

        _waitUntil(_bookClosure(interval));
        _clear(interval);
        _report(interval, seed & 3 == 0 ? Verdict.Curtail : Verdict.Accept, seed >> 2);
        _waitUntil((interval + 1) * LENGTH);
        _attest(interval, true, isNight, seed);
        _waitUntil((interval + 1) * LENGTH + ATTEST_WINDOW + OVERRULE_WINDOW);
        for (uint256 i; i < batches[interval].length; ++i) {
            _settle(interval, i);
        }
    }
}
