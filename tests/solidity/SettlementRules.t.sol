// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAuction} from "../../contracts/interfaces/IAuction.sol";
import {BatchData} from "../../contracts/interfaces/IEnergyMarket.sol";
import {BatchWord} from "../../contracts/libraries/BatchWord.sol";
import {Clearing, Marginal, pack} from "../../contracts/libraries/Clearing.sol";
import {BUY, SELL} from "../../contracts/libraries/OrderCodec.sol";
import {Connection} from "../../contracts/libraries/Roster.sol";
import {Sums} from "../../contracts/libraries/Settlement.sol";
import {Terms, Verdict, opening} from "../../contracts/libraries/Terms.sol";
import {within} from "./Vm.sol";
import {SettlementHarness} from "./mocks/SettlementHarness.sol";

/// What an order is paid, claim by claim: a seller asks 1,000 Wh at 120, a buyer bids for them at 130, and they trade at
/// 125, with retail 300, feed-in 80 and a network fee of 20. Losses are at most 5 %, charges at most 9 per Wh.
contract SettlementRulesTest {
    uint256 private constant RETAIL = 300;
    uint256 private constant FEED_IN = 80;
    uint256 private constant FEE = 20;
    uint256 private constant PRICE = 125;
    uint256 private constant VOLUME = 1000;
    uint256 private constant LIMIT = 2000;
    uint256 private constant MAX_LOSS_RATE = 50_000;
    uint32 private constant ANY = type(uint32).max;

    SettlementHarness private _harness = new SettlementHarness();

    /// @param maxCharge the most that decisions may charge for the network, base units per Wh; 0 for the uniform fee
    /// @param delivered what was attested as delivered, Wh
    /// @param sellerExported what the seller's meter says, Wh
    /// @param buyerImported what the buyer's meter says, Wh
    struct Case {
        Verdict verdict;
        uint256 volume;
        uint256 lossRate;
        uint256 maxCharge;
        uint256 delivered;
        bytes decisions;
        uint256 sellerExported;
        uint256 buyerImported;
    }

    function _typical(Verdict verdict) private pure returns (Case memory c) {
        c.verdict = verdict;
        c.volume = verdict == Verdict.Void || verdict == Verdict.Expired ? 0 : VOLUME;
        (c.delivered, c.sellerExported, c.buyerImported) = (c.volume, VOLUME, VOLUME);
    }

    function _decision(uint256 sell, uint256 buy, uint256 loss, uint256 charge, uint256 surplus)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(uint32(sell), uint32(buy), uint32(loss), uint32(charge), uint32(surplus), ANY);
    }

    function _settled(Case memory c)
        private
        view
        returns (SettlementHarness.Entry memory seller, SettlementHarness.Entry memory buyer, Sums memory sums)
    {
        Clearing clearing =
            pack(PRICE, PRICE, false, Marginal(30, VOLUME, VOLUME, VOLUME), Marginal(20, VOLUME, VOLUME, VOLUME));
        Terms terms = opening(RETAIL, FEED_IN, FEE, 0).gated(c.verdict, c.volume, c.lossRate).withDelivered(c.delivered);
        bytes memory records = abi.encodePacked(uint16(2), _record(4, SELL, 20), _record(5, BUY, 30));
        bytes memory readings = abi.encodePacked(_reading(0, c.sellerExported), _reading(c.buyerImported, 0));
        Connection[] memory connections = new Connection[](2);
        connections[0] = connections[1] = Connection.wrap((LIMIT << 64) | (LIMIT << 32));
        SettlementHarness.Entry[] memory entries;
        (entries, sums) = _harness.settle(
            terms,
            clearing,
            IAuction(address(0)),
            [MAX_LOSS_RATE, c.maxCharge, 100, 1],
            BatchData(records, c.decisions, readings, BatchWord.wrap(0)),
            connections
        );
        (seller, buyer) = (entries[0], entries[1]);
        require(
            seller.cash + buyer.cash + sums.supplier + sums.gridOperator + sums.community == 0,
            "cash over all accounts changed"
        );
    }

    function _record(uint16 account, uint256 side, uint256 tick) private pure returns (bytes memory) {
        return abi.encodePacked(account, uint8(1), uint32((side << 31) | (tick << 23) | VOLUME), uint32(0));
    }

    function _reading(uint256 imported, uint256 exported) private pure returns (uint64) {
        return uint64((1 << 62) | (imported << 31) | exported);
    }

    function _constrained(uint256 draw) private pure returns (Case memory c) {
        c = _typical([Verdict.Cap, Verdict.Curtail, Verdict.Void][draw % 3]);
    }

    /* SURPLUS */

    function testFuzz_aConstrainedGridPaysForTheSurplusThatIsAllowed(uint256 draw, uint16 over, uint32 allowed)
        external
        view
    {
        Case memory c = _constrained(draw);
        over = uint16(within(over, 0, LIMIT - VOLUME));
        c.decisions = abi.encodePacked(_decision(ANY, ANY, 0, 0, allowed), _decision(ANY, ANY, 0, 0, 0));
        c.sellerExported = c.volume + over;
        (SettlementHarness.Entry memory seller,,) = _settled(c);
        require(seller.sell == c.volume && seller.surplus == allowed);
        uint256 paid = over < allowed ? over : allowed;
        require(seller.cash == int256(PRICE * c.volume + FEED_IN * paid), "the allowed surplus, at feed-in");
    }

    function testFuzz_aConstrainedGridPaysForNoSurplusWithoutDecisions(uint256 draw, uint8 length) external view {
        Case memory c = _constrained(draw);
        // One byte less than there must be is as if there were none, and so are the 16 bytes of an older form.
        c.decisions = new bytes([uint256(0), 1, 32, 47][length % 4]);
        for (uint256 i; i < c.decisions.length; ++i) {
            c.decisions[i] = 0xff;
        }
        (c.sellerExported, c.delivered) = (LIMIT, 0);
        (SettlementHarness.Entry memory seller,,) = _settled(c);
        require(seller.surplus == 0);
        require(seller.cash == int256(PRICE * seller.sell), "surplus was paid for");
    }

    function test_silenceOfTheCommitteePaysForSurplus() external view {
        (SettlementHarness.Entry memory seller, SettlementHarness.Entry memory buyer,) =
            _settled(_typical(Verdict.Expired));
        require(seller.sell == 0 && buyer.buy == 0, "nothing is accepted");
        require(seller.cash == int256(FEED_IN * VOLUME), "all export is at the feed-in tariff");
        require(buyer.cash == -int256(RETAIL * VOLUME), "all import is at the retail tariff");
    }

    function test_acceptancePaysForAllSurplusWhateverDecisionsSay() external view {
        Case memory c = _typical(Verdict.Accept);
        c.sellerExported = VOLUME + 300;
        c.decisions = abi.encodePacked(_decision(0, 0, 0, 0, 7), _decision(0, 0, 0, 0, 0));
        (SettlementHarness.Entry memory seller,,) = _settled(c);
        require(seller.cash == int256(PRICE * VOLUME + FEED_IN * 300));
    }

    function test_exportsBeyondTheConnectionAreNotPaid() external view {
        Case memory c = _typical(Verdict.Accept);
        c.sellerExported = LIMIT + 12_345;
        (SettlementHarness.Entry memory seller,,) = _settled(c);
        require(seller.cash == int256(PRICE * VOLUME + FEED_IN * (LIMIT - VOLUME)), "more than the connection carries");
    }

    /* BOUGHT AND NOT DRAWN */

    function testFuzz_aShamBuyerEarnsNothingInAConstrainedGrid(uint256 draw, uint16 imported) external view {
        Case memory c = _constrained(draw);
        c.buyerImported = within(imported, 0, c.volume);
        c.decisions = abi.encodePacked(_decision(ANY, ANY, 0, 0, ANY), _decision(ANY, ANY, 0, 0, ANY));
        (, SettlementHarness.Entry memory buyer,) = _settled(c);
        require(buyer.cash == -int256((PRICE + FEE) * c.volume), "paid for what it did not draw");
    }

    function testFuzz_aBuyersUndrawnEnergyEarnsFeedInInAnUnconstrainedGrid(uint16 imported) external view {
        Case memory c = _typical(Verdict.Accept);
        c.buyerImported = within(imported, 0, VOLUME);
        (, SettlementHarness.Entry memory buyer,) = _settled(c);
        int256 undrawn = int256(FEED_IN * (VOLUME - c.buyerImported));
        require(buyer.cash == undrawn - int256((PRICE + FEE) * VOLUME));
    }

    /* WHAT STANDS, AND CREDIT */

    function testFuzz_curtailmentRaisesNoSaleAndNoPurchase(uint32 sell, uint32 buy) external view {
        Case memory c = _typical(Verdict.Curtail);
        c.decisions = abi.encodePacked(_decision(sell, buy, 0, 0, 0), _decision(sell, buy, 0, 0, 0));
        (SettlementHarness.Entry memory seller, SettlementHarness.Entry memory buyer,) = _settled(c);
        require(seller.sell == (sell < VOLUME ? sell : VOLUME) && seller.buy == 0, "the sale");
        require(buyer.buy == (buy < VOLUME ? buy : VOLUME) && buyer.sell == 0, "the purchase");
    }

    function testFuzz_noMoreIsCreditedThanIsAccepted(uint40 delivered) external view {
        Case memory c = _typical(Verdict.Accept);
        c.delivered = delivered;
        (, SettlementHarness.Entry memory buyer, Sums memory sums) = _settled(c);
        require(buyer.credit <= int256(buyer.buy), "credited more than it bought");
        require(buyer.credit == int256(uint256(delivered < VOLUME ? delivered : VOLUME)));
        require(sums.uncredited == sums.delivered - buyer.credit);
    }

    function testFuzz_energySoldAndNotDeliveredIsBoughtBackAtRetail(uint16 exported) external view {
        Case memory c = _typical(Verdict.Accept);
        c.sellerExported = within(exported, 0, VOLUME);
        (SettlementHarness.Entry memory seller,, Sums memory sums) = _settled(c);
        require(seller.cash == int256(PRICE * VOLUME) - int256(RETAIL * (VOLUME - c.sellerExported)));
        require(sums.delivered == int256(c.sellerExported));
    }

    /* LOSSES AND CHARGES */

    function test_lossesArePricedAtRetail() external view {
        Case memory c = _typical(Verdict.Accept);
        c.lossRate = 10_000;
        (SettlementHarness.Entry memory seller, SettlementHarness.Entry memory buyer, Sums memory sums) = _settled(c);
        require(seller.cost == RETAIL * 10 && buyer.cost == RETAIL * 10, "10 Wh for either side");
        require(sums.gridOperator == int256(FEE * VOLUME + 2 * RETAIL * 10), "the grid operator gets what is charged");
    }

    function testFuzz_namedLossesAreBounded(uint32 loss, uint16 kept) external view {
        Case memory c = _typical(Verdict.Curtail);
        kept = uint16(within(kept, 0, VOLUME));
        c.decisions = abi.encodePacked(_decision(kept, 0, loss, 0, 0), _decision(0, kept, loss, 0, 0));
        (SettlementHarness.Entry memory seller, SettlementHarness.Entry memory buyer,) = _settled(c);
        uint256 most = kept * MAX_LOSS_RATE / 1e6;
        uint256 cost = RETAIL * (loss < most ? loss : most);
        uint256 room = 5 * kept;
        require(seller.cost == (cost < room ? cost : room), "the seller's, and its ask of 120");
        require(buyer.cost == (cost < room ? cost : room), "the buyer's, and its bid of 130");
    }

    function testFuzz_aSellerNetsItsAskAndABuyerPaysItsBidAtMost(
        uint256 draw,
        uint32[2] calldata kept,
        uint32[2] calldata loss
    ) external view {
        Case memory c = _typical(draw % 2 == 0 ? Verdict.Accept : Verdict.Curtail);
        c.decisions =
            abi.encodePacked(_decision(kept[0], 0, loss[0], 0, 0), _decision(0, kept[1] % 1001, loss[1], 0, 0));
        (SettlementHarness.Entry memory seller, SettlementHarness.Entry memory buyer,) = _settled(c);
        require(PRICE * seller.sell - seller.cost >= 120 * seller.sell, "less than its ask");
        require(PRICE * buyer.buy + buyer.cost <= 130 * buyer.buy, "more than its bid");
    }

    function testFuzz_namedChargesStandInPlaceOfTheFeeAndAreBounded(uint32 charge) external view {
        Case memory c = _typical(Verdict.Accept);
        c.maxCharge = 9;
        c.decisions = abi.encodePacked(_decision(0, 0, 0, charge, 0), _decision(0, 0, 0, charge, 0));
        (SettlementHarness.Entry memory seller, SettlementHarness.Entry memory buyer, Sums memory sums) = _settled(c);
        uint256 paid = charge < 9 * VOLUME ? charge : 9 * VOLUME;
        require(seller.cash == int256(PRICE * VOLUME) - int256(paid));
        require(buyer.cash == -int256(PRICE * VOLUME + paid));
        require(sums.gridOperator == int256(2 * paid));
    }
}
