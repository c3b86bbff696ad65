// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OrderCodec} from "../../../contracts/libraries/OrderCodec.sol";
import {Interval} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {BalanceOverflow} from "../../../contracts/libraries/AccountLib.sol";
import {Verdict} from "../../../contracts/libraries/Terms.sol";
import {vm, within} from "../Vm.sol";
import {Papers} from "./Papers.sol";

/// @title Keepers: strangers make room in accounts that nobody empties, so that the batches that these are in settle
/// @notice What a keeper may do is said here once more, as plainly as possible: what the market does must be that.
abstract contract KeeperActs is Papers {
    /// @dev More than half of an account is what is above these: base units, Wh.
    int256 private constant CASH_HALF = (1 << 36) - 1;
    int256 private constant ENERGY_HALF = (1 << 24) - 1;
    /// @dev Nobody's wallet.
    address private constant KEEPER = address(0x30000);

    /// @notice A stranger pays out, takes out and cancels what an account holds, or tries to: half the time one's that has
    /// more credit than any other.
    function keep(uint256 account, uint256 amount, uint256 seed) external {
        account = seed & 1 == 0 ? _fullest() : _someAccount(account, 0);
        int256 free = market.freeBalance(account);
        (, int256 credit) = market.account(account);
        int256 takeable = _mintable() < credit ? _mintable() : credit;
        uint256 act = within(seed >> 1, 0, 2);
        if (act == 0) _payOut(account, _about(free, amount));
        if (act == 1) _takeOut(account, _about(takeable, amount));
        if (act == 2) _cancel(account, _about(credit - ENERGY_HALF, amount));
    }

    /// All of it, a little more, a part, or something where there is nothing.
    function _about(int256 most, uint256 draw) private pure returns (uint256) {
        if (most <= 0) return within(draw, 1, 1000);
        if (draw & 3 == 0) return uint256(most) + 1;
        return draw & 3 == 1 ? uint256(most) : within(draw >> 2, 1, uint256(most));
    }

    /* WHAT A STRANGER MAY */

    function _payOut(uint256 account, uint256 amount) private {
        (int256 cash,) = market.account(account);
        bool may = account >= FIRST && cash > CASH_HALF && int256(amount) <= market.freeBalance(account);
        address wallet = _wallet(account);
        uint256 before = token.balanceOf(wallet);
        vm.prank(KEEPER);
        try market.withdraw(account, amount) {
            if (!may) broken = "a stranger withdrew";
            if (token.balanceOf(wallet) != before + amount) broken = "a payout did not reach the wallet";
            paidOut += amount;
            ++done["payout by a stranger"];
        } catch {
            if (may) broken = "a stranger could not have a full account paid out";
        }
    }

    function _takeOut(uint256 account, uint256 amount) private {
        (, int256 credit) = market.account(account);
        bool isThere = int256(amount) <= credit && int256(amount) <= _mintable();
        bool may = account >= FIRST && credit > ENERGY_HALF && isThere;
        address wallet = _wallet(account);
        uint256 before = energyToken.balanceOf(wallet);
        vm.prank(KEEPER);
        try market.takeOutEnergy(account, amount) {
            if (!may) broken = "a stranger took energy out";
            if (energyToken.balanceOf(wallet) != before + amount) broken = "energy did not reach the wallet";
            ++done["takeOut by a stranger"];
        } catch {
            if (may) broken = "a stranger could not have energy taken out of a full account";
        }
    }

    function _cancel(uint256 account, uint256 amount) private {
        (, int256 credit) = market.account(account);
        (, int256 owed) = market.account(2);
        bool may = account >= FIRST && _mintable() <= 0 && credit - int256(amount) >= ENERGY_HALF;
        vm.prank(KEEPER);
        try market.cancelEnergy(account, amount) {
            if (!may) broken = "energy was cancelled that must not be";
            (, int256 left) = market.account(account);
            (, int256 owes) = market.account(2);
            bool booked = left == credit - int256(amount) && owes == owed + int256(amount);
            if (!booked) broken = "what was cancelled was not booked against the metering operator";
            ++done["cancel"];
        } catch {
            if (may) broken = "credit that nothing backs could not be cancelled";
        }
    }

    /// What meters recorded and nobody has taken out.
    function _mintable() private view returns (int256) {
        (, int256 delivered, uint256 takenOut) = market.totals();
        return delivered - int256(takenOut);
    }

    function _fullest() private view returns (uint256 fullest) {
        int256 most = type(int256).min;
        for (uint256 i; i < PEOPLE; ++i) {
            (, int256 credit) = market.account(_person(i));
            if (credit > most) (fullest, most) = (_person(i), credit);
        }
    }

    /* SETTLE */

    /// Settles a batch; where one of its accounts is too full for that, after keepers made room: then it must settle.
    function _settle(uint256 interval, uint256 number) internal {
        Batch storage batch = batches[interval][number];
        (bool found, Interval memory state) = _state(interval);
        if (!found) return;
        try market.settle(interval, number, _data(batch)) {
            _noteSettled(batch, state);
        } catch (bytes memory why) {
            if (bytes4(why) != BalanceOverflow.selector) return;
            _makeRoom(batch.records);
            try market.settle(interval, number, _data(batch)) {
                _noteSettled(batch, state);
                ++done["settle after a keeper"];
            } catch {
                broken = "a batch does not settle, though keepers made room";
            }
        }
    }

    /// Brings the accounts of everybody in the batch down to half, as far as they are above.
    function _makeRoom(bytes memory records) private {
        for (uint256 at = OrderCodec.COUNT_BYTES; at < records.length; at = _next(records, at)) {
            uint256 account = _participant(records, at);
            (int256 cash, int256 credit) = market.account(account);
            if (cash > CASH_HALF) _payOut(account, uint256(market.freeBalance(account)));
            int256 excess = credit - ENERGY_HALF;
            int256 mintable = _mintable();
            int256 backed = mintable <= 0 ? int256(0) : mintable < excess ? mintable : excess;
            if (backed > 0) _takeOut(account, uint256(backed));
            if (excess > backed) _cancel(account, uint256(excess - backed));
        }
    }

    function _noteSettled(Batch storage batch, Interval memory state) private {
        ++done["settle"];
        if (state.terms.verdict() == Verdict.Curtail && batch.decisions.length != 0) ++done["settle curtailed"];
        (uint256 debt,,) = market.totals();
        if (debt != 0) ++done["debt"];
        (batch.settled, batch.terms, batch.clearing) = (true, state.terms, state.clearing);
    }
}
