// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Interval} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {Verdict} from "../../../contracts/libraries/Terms.sol";
import {vm, within} from "../Vm.sol";
import {Papers} from "./Papers.sol";

/// @title Batches are settled whatever accounts hold, and what they hold is their wallets' alone
abstract contract SettleActs is Papers {
    /// @dev The most energy credit that a place in a word of accounts holds, Wh.
    int256 private constant ENERGY_PLACE = (1 << 25) - 1;
    /// @dev Nobody's wallet.
    address private constant THIEF = address(0x30000);

    /// @notice A stranger tries to take what an account holds: half the time one's that has more credit than any other.
    function takeAsStranger(uint256 account, uint256 amount, uint256 seed) external {
        account = seed & 1 == 0 ? _fullest() : _someAccount(account, 0);
        amount = within(amount, 0, 1000);
        vm.prank(THIEF);
        try market.withdraw(account, amount) {
            broken = "a thief withdrew";
        } catch {}
        vm.prank(THIEF);
        try market.takeOutEnergy(account, amount) {
            broken = "a thief took energy out";
        } catch {}
    }

    function _fullest() private view returns (uint256 fullest) {
        int256 most = type(int256).min;
        for (uint256 i; i < PEOPLE; ++i) {
            (, int256 credit) = market.account(_person(i));
            if (credit > most) (fullest, most) = (_person(i), credit);
        }
    }

    function _settle(uint256 interval, uint256 number) internal {
        Batch storage batch = batches[interval][number];
        (bool found, Interval memory state) = _state(interval);
        if (!found) return;
        try market.settle(interval, number, _data(batch)) {
            ++done["settle"];
            if (state.terms.verdict() == Verdict.Curtail && batch.decisions.length != 0) ++done["settle curtailed"];
            (uint256 debt,,) = market.totals();
            if (debt != 0) ++done["debt"];
            (, int256 most) = market.account(_fullest());
            if (most > ENERGY_PLACE) ++done["outgrown"];
            (batch.settled, batch.terms, batch.clearing) = (true, state.terms, state.clearing);
        } catch {}
    }
}
