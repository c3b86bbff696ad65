// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccountPair, AccountTriple, BalanceOverflow} from "../../../contracts/libraries/AccountLib.sol";
import {Clearing, Marginal, pack as packClearing} from "../../../contracts/libraries/Clearing.sol";
import {BUY, SELL} from "../../../contracts/libraries/OrderCodec.sol";
import {Connection} from "../../../contracts/libraries/Roster.sol";
import {Terms, Verdict, opening} from "../../../contracts/libraries/Terms.sol";
import {within} from "../Vm.sol";

/// Every packed word gives back what was put in, and a change of one field leaves the others.
contract PackingTest {
    function testFuzz_terms_keepEveryField(
        uint16[3] calldata tariff,
        uint8 verdict,
        uint16 run,
        uint24 lossRate,
        uint40 volume,
        uint40 delivered,
        uint16 accounts
    ) external pure {
        Verdict v = Verdict(verdict % 6);
        Terms terms = opening(tariff[0], tariff[1], tariff[2], accounts);
        require(terms.run() == 1 && terms.accounts() == accounts && terms.verdict() == Verdict.None);
        // Twice, so that a field is also written over what it held.
        for (uint256 i; i < 2; ++i) {
            terms = terms.withRun(~run).withVolume(~volume).withDelivered(~delivered).withLossRate(~lossRate);
            terms = terms.withDelivered(delivered).withLossRate(lossRate).withVerdict(v).withVolume(volume).withRun(run);
        }
        require(terms.verdict() == v && terms.run() == run && terms.lossRate() == lossRate);
        require(terms.volume() == volume && terms.delivered() == delivered);
        require(terms.retail() == tariff[0] && terms.feedIn() == tariff[1] && terms.networkFee() == tariff[2]);
    }

    function testFuzz_clearing_keepsEveryField(
        uint16[2] calldata prices,
        bool atLimits,
        uint8[2] calldata ticks,
        uint32[6] calldata wh
    ) external pure {
        Clearing clearing = packClearing(
            prices[0],
            prices[1],
            atLimits,
            Marginal(ticks[0], wh[0], wh[1], wh[2]),
            Marginal(ticks[1], wh[3], wh[4], wh[5])
        );
        require(clearing.buyPrice() == prices[0] && clearing.sellPrice() == prices[1]);
        require(clearing.atLimits() == atLimits);
        Marginal memory bid = clearing.marginal(BUY);
        Marginal memory ask = clearing.marginal(SELL);
        require(bid.tick == ticks[0] && bid.total == wh[0] && bid.filled == wh[1] && bid.accepted == wh[2]);
        require(ask.tick == ticks[1] && ask.total == wh[3] && ask.filled == wh[4] && ask.accepted == wh[5]);
    }

    function testFuzz_connection_carriesWhatItsLimitsCover(
        address key,
        uint32[4] calldata wh,
        uint16[2] calldata power
    ) external pure {
        (uint256 imports, uint256 exports) = (wh[0] >> 1, wh[1] >> 1);
        (uint256 imported, uint256 exported) = (wh[2] >> 1, wh[3] >> 1);
        Connection connection = Connection.wrap(
            uint256(bytes32(abi.encodePacked(key, uint32(imports), uint32(exports), power[0], power[1])))
        );
        require(connection.orderKey() == key && connection.isOrderKey(key));
        require(!connection.isOrderKey(address(uint160(key) ^ 1)));
        require(connection.importLimit() == imports && connection.exportLimit() == exports);
        require(connection.importPower() == power[0] && connection.exportPower() == power[1]);
        bool covered = imported <= imports && exported <= exports;
        require(connection.carries((imported << 32) | exported) == covered);
        require(connection.carries((imports << 32) | exports), "its own limits");
    }

    struct Balance {
        int256 cash;
        int256 energy;
    }

    function testFuzz_accountTriple_changesOneAccount(int64[6] calldata held, uint256 account, int64 cash, int64 energy)
        external
        view
    {
        account = within(account, 4, type(uint16).max);
        uint256 first = account / 3 * 3;
        Balance[3] memory expected;
        AccountTriple triple;
        for (uint256 i; i < 3; ++i) {
            expected[i] = Balance(int256(held[2 * i]) >> 18, int256(held[2 * i + 1]) >> 27);
            (triple,) = triple.plus(first + i, expected[i].cash, expected[i].energy);
        }
        Balance memory changed = expected[account - first];
        int256 before = changed.cash;
        // As often a change that fits as one that does not.
        changed.cash += cash & 1 == 0 ? int256(cash) : int256(cash) >> 18;
        changed.energy += cash & 1 == 0 ? int256(energy) : int256(energy) >> 27;
        bool fits = _fits(changed.cash, 47) && _fits(changed.energy, 38);
        try this.plusThird(triple, account, changed.cash - before, changed.energy - triple.energy(account)) returns (
            AccountTriple next, int256 cashBefore
        ) {
            require(fits, "a balance left its bits");
            require(cashBefore == before, "the cash before");
            for (uint256 i; i < 3; ++i) {
                require(next.cash(first + i) == expected[i].cash && next.energy(first + i) == expected[i].energy);
            }
        } catch (bytes memory reason) {
            require(!fits && bytes4(reason) == BalanceOverflow.selector);
        }
    }

    function testFuzz_accountTriple_isItsSolidityTwin(uint256 word, uint256 account, int64 cash, int64 energy)
        external
        pure
    {
        account = within(account, 4, type(uint16).max);
        (int256 cashChange, int256 energyChange) = (int256(cash) >> 18, int256(energy) >> 27);
        AccountTriple triple = AccountTriple.wrap(word);
        uint256 shift = (account % 3) * 85;
        int256 newCash = triple.cash(account) + cashChange;
        int256 newEnergy = triple.energy(account) + energyChange;
        if (!_fits(newCash, 47) || !_fits(newEnergy, 38)) return;
        uint256 third = (uint256(newCash) & (2 ** 47 - 1)) | ((uint256(newEnergy) & (2 ** 38 - 1)) << 47);
        uint256 twin = (word & ~((2 ** 85 - 1) << shift)) | (third << shift);
        (AccountTriple next,) = triple.plus(account, cashChange, energyChange);
        require(AccountTriple.unwrap(next) == twin);
    }

    function plusThird(AccountTriple triple, uint256 account, int256 cash, int256 energy)
        external
        pure
        returns (AccountTriple, int256)
    {
        return triple.plus(account, cash, energy);
    }

    function testFuzz_accountPair_changesOneAccount(int64[4] calldata held, uint256 account, int64 cash, int64 energy)
        external
        view
    {
        account = within(account, 0, 1);
        (AccountPair pair,) = AccountPair.wrap(0).plus(0, held[0], held[1]);
        (pair,) = pair.plus(1, held[2], held[3]);
        int256[4] memory expected = [int256(held[0]), held[1], held[2], held[3]];
        expected[2 * account] += cash;
        expected[2 * account + 1] += energy;
        bool fits = _fits(expected[2 * account], 64) && _fits(expected[2 * account + 1], 64);
        try this.plus(pair, account, cash, energy) returns (AccountPair changed, int256 before) {
            require(fits, "a balance left its 64 bits");
            require(before == held[2 * account], "the cash before");
            require(changed.cash(0) == expected[0] && changed.energy(0) == expected[1]);
            require(changed.cash(1) == expected[2] && changed.energy(1) == expected[3]);
        } catch (bytes memory reason) {
            require(!fits && bytes4(reason) == BalanceOverflow.selector);
        }
    }

    function plus(AccountPair pair, uint256 account, int256 cash, int256 energy) 
        external
        pure
        returns (AccountPair, int256)
    {
        return pair.plus(account, cash, energy);
    }

    function _fits(int256 balance, uint256 bits) private pure returns (bool) {
        return balance >= -int256(1 << (bits - 1)) && balance < int256(1 << (bits - 1));
    }
}
