// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    AccountQuad,
    BalanceOverflow,
    ParticipantAccount,
    SystemCash
} from "../../../contracts/libraries/AccountLib.sol";
import {BatchWord, GATED_TAG, METERED_TAG, postedWord} from "../../../contracts/libraries/BatchWord.sol";
import {Clearing, Marginal, pack as packClearing} from "../../../contracts/libraries/Clearing.sol";
import {DECISION_BYTES, Decision, decisionFrom} from "../../../contracts/libraries/Decision.sol";
import {BUY, OrderCodec, SELL} from "../../../contracts/libraries/OrderCodec.sol";
import {READING_BYTES, Reading, readingFrom, signedBy} from "../../../contracts/libraries/Reading.sol";
import {Connection} from "../../../contracts/libraries/Roster.sol";
import {SIGNED_READING_BYTES, SignedReading, signedReadingFrom} from "../../../contracts/libraries/SignedReading.sol";
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
        uint16 accounts,
        uint64 words
    ) external pure {
        Verdict v = Verdict(verdict % 6);
        Terms terms = opening(tariff[0], tariff[1], tariff[2], accounts);
        require(terms.run() == 1 && terms.accounts() == accounts && terms.verdict() == Verdict.None);
        terms = terms.withHeldWords(words).withHeldWords(~words);
        require(terms.heldWords() == uint64(~words) && terms.accounts() == accounts && terms.run() == 1);
        terms = terms.withVolume(~volume);
        require(terms.heldWords() == uint64(~words) && terms.volume() == uint40(~volume));
        terms = terms.gated(v, volume, lossRate);
        require(terms.delivered() == 0 && terms.verdict() == v && terms.run() == 1);
        // Twice, so that a field is also written over what it held.
        terms = terms.withRun(~run).withDelivered(~delivered).withDelivered(delivered).withRun(run);
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

    function testFuzz_connection_carriesWhatItsLimitsCover(address key, uint32[4] calldata wh, uint16[2] calldata power)
        external
        pure
    {
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

    function testFuzz_reading_keepsEveryField(uint8 status, uint32 imported, uint32 exported) external view {
        (status, imported, exported) = (status & 3, imported >> 1, exported >> 1);
        uint256 packed = (uint256(status) << 62) | (uint256(imported) << 31) | exported;
        // What follows the reading is not the reading's.
        bytes memory data = abi.encodePacked(uint64(packed), type(uint256).max);
        require(data.length == READING_BYTES + 32);
        this.checkReading(data, status, imported, exported);
    }

    function checkReading(bytes calldata data, uint256 status, uint256 imported, uint256 exported) external pure {
        (uint256 at,) = OrderCodec.bounds(data);
        Reading reading = readingFrom(at);
        require(reading.imported() == imported && reading.exported() == exported);
        require(reading.isMissing() == (status == 0) && reading.hasSignedFlag() == (status >= 2));
        require(reading.hasSignedFlag() == (status >= 2));
        require(reading.exportedUnlessMissing() == (status == 0 ? 0 : exported));
        require((signedBy(imported, exported) == reading) == (status == 2));
    }

    function testFuzz_decision_keepsEveryField(uint32[5] calldata fields, uint32 later) external view {
        bytes memory data =
            abi.encodePacked(fields[0], fields[1], fields[2], fields[3], fields[4], later, type(uint256).max);
        require(data.length == DECISION_BYTES + 32);
        this.checkDecision(data, fields);
    }

    function checkDecision(bytes calldata data, uint32[5] calldata fields) external pure {
        (uint256 at,) = OrderCodec.bounds(data);
        Decision decision = decisionFrom(at);
        require(decision.sell() == fields[0] && decision.buy() == fields[1]);
        require(decision.loss() == fields[2] && decision.charge() == fields[3]);
        require(decision.surplus() == fields[4]);
    }

    function testFuzz_signedReading_keepsEveryField(
        uint16 position,
        uint32[2] calldata wh,
        uint48[2] calldata registers,
        bytes32 r,
        bytes32 vs
    ) external view {
        bytes memory data = abi.encodePacked(position, wh[0], wh[1], registers[0], registers[1], r, vs);
        require(data.length == SIGNED_READING_BYTES);
        this.checkSignedReading(data, position, wh, registers);
    }

    function checkSignedReading(
        bytes calldata data,
        uint16 position,
        uint32[2] calldata wh,
        uint48[2] calldata registers
    ) external pure {
        (uint256 at,) = OrderCodec.bounds(data);
        SignedReading signed = signedReadingFrom(at);
        require(signed.position() == position && signed.imported() == wh[0] && signed.exported() == wh[1]);
        require(signed.importRegister() == registers[0] && signed.exportRegister() == registers[1]);
    }

    function testFuzz_batchWord_isTheHashOfWhatItSays(
        uint32 interval,
        uint16 batch,
        BatchWord previous,
        bytes calldata records,
        bytes32 vectorHash,
        Terms terms,
        Clearing clearing
    ) external pure {
        BatchWord posted = postedWord(interval, batch, previous, records);
        bytes memory hashed = abi.encodePacked(uint8(0), interval, batch, previous, records);
        require(BatchWord.unwrap(posted) == keccak256(hashed));
        require(BatchWord.unwrap(posted.gated(vectorHash)) == keccak256(abi.encodePacked(uint8(1), posted, vectorHash)));
        require(
            BatchWord.unwrap(posted.metered(vectorHash)) == keccak256(abi.encodePacked(uint8(2), posted, vectorHash))
        );
        require(posted.tagged(GATED_TAG, vectorHash) == posted.gated(vectorHash));
        require(posted.tagged(METERED_TAG, vectorHash) == posted.metered(vectorHash));
        bytes32 settled = keccak256(abi.encodePacked(uint8(3), posted, terms, clearing));
        require(BatchWord.unwrap(posted.settled(terms, clearing)) == settled);
        require(posted != posted.gated(vectorHash));
    }

    struct Balance {
        int256 cash;
        int256 energy;
    }

    function testFuzz_accountQuad_changesOneAccount(int64[8] calldata held, uint256 account, int64 cash, int64 energy)
        external
        pure
    {
        account = within(account, 4, type(uint16).max);
        uint256 first = account / 4 * 4;
        Balance[4] memory expected;
        AccountQuad quad;
        for (uint256 i; i < 4; ++i) {
            expected[i] = Balance(int256(held[2 * i]) >> 26, int256(held[2 * i + 1]) >> 38);
            (quad,) = quad.plus(first + i, expected[i].cash, expected[i].energy);
        }
        Balance memory changed = expected[account - first];
        int256 before = changed.cash;
        // As often a change that fits as one that does not.
        changed.cash += cash & 1 == 0 ? int256(cash) : int256(cash) >> 26;
        changed.energy += cash & 1 == 0 ? int256(energy) : int256(energy) >> 38;
        bool fits = _fits(changed.cash, 38) && _fits(changed.energy, 26);
        require(ParticipantAccount.fits(changed.cash, changed.energy) == fits, "what fits");
        (AccountQuad next, int256 cashAfter) =
            quad.plus(account, changed.cash - before, changed.energy - quad.energy(account));
        if (!fits) {
            require(cashAfter == ParticipantAccount.NO_ROOM, "a balance left its bits");
            return;
        }
        require(cashAfter == changed.cash, "the cash after");
        for (uint256 i; i < 4; ++i) {
            require(next.cash(first + i) == expected[i].cash && next.energy(first + i) == expected[i].energy);
        }
    }

    function testFuzz_accountQuad_isItsSolidityTwin(uint256 word, uint256 account, int64 cash, int64 energy)
        external
        pure
    {
        account = within(account, 4, type(uint16).max);
        (int256 cashChange, int256 energyChange) = (int256(cash) >> 26, int256(energy) >> 38);
        AccountQuad quad = AccountQuad.wrap(word);
        uint256 shift = (account % 4) * 64;
        int256 newCash = quad.cash(account) + cashChange;
        int256 newEnergy = quad.energy(account) + energyChange;
        if (!_fits(newCash, 38) || !_fits(newEnergy, 26)) return;
        uint256 fourth = (uint256(newCash) & (2 ** 38 - 1)) | ((uint256(newEnergy) & (2 ** 26 - 1)) << 38);
        uint256 twin = (word & ~((2 ** 64 - 1) << shift)) | (fourth << shift);
        (AccountQuad next,) = quad.plus(account, cashChange, energyChange);
        require(AccountQuad.unwrap(next) == twin);
    }

    function testFuzz_systemCash_changesOneAccount(int64[4] calldata held, uint256 account, int64 change)
        external
        view
    {
        account = within(account, 0, 3);
        SystemCash cash;
        for (uint256 i; i < 4; ++i) {
            (cash,) = cash.plus(i, held[i]);
        }
        int256 changed = int256(held[account]) + change;
        try this.plus(cash, account, change) returns (SystemCash next, int256 before) {
            require(_fits(changed, 64), "a balance left its 64 bits");
            require(before == held[account], "the cash before");
            for (uint256 i; i < 4; ++i) {
                require(next.cash(i) == (i == account ? changed : held[i]));
            }
        } catch (bytes memory reason) {
            require(!_fits(changed, 64) && bytes4(reason) == BalanceOverflow.selector);
        }
    }

    function plus(SystemCash cash, uint256 account, int256 change) external pure returns (SystemCash, int256) {
        return cash.plus(account, change);
    }

    function _fits(int256 balance, uint256 bits) private pure returns (bool) {
        return balance >= -int256(1 << (bits - 1)) && balance < int256(1 << (bits - 1));
    }
}
