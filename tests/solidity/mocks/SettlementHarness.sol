// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAuction} from "../../../contracts/interfaces/IAuction.sol";
import {BatchData} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {Clearing} from "../../../contracts/libraries/Clearing.sol";
import {DECISION_BYTES} from "../../../contracts/libraries/Decision.sol";
import {OrderCodec} from "../../../contracts/libraries/OrderCodec.sol";
import {READING_BYTES, readingFrom} from "../../../contracts/libraries/Reading.sol";
import {Connection} from "../../../contracts/libraries/Roster.sol";
import {Settlement, Sums} from "../../../contracts/libraries/Settlement.sol";
import {Terms} from "../../../contracts/libraries/Terms.sol";

/// @title What a batch comes to, shown order by order
contract SettlementHarness {
    using Settlement for Settlement.Rules;

    struct Entry {
        uint256 participant;
        uint256 sell;
        uint256 buy;
        uint256 cost;
        uint256 surplus;
        int256 cash;
        int256 credit;
    }

    /// @param auction asked what orders are paid at their own limits
    /// @param market largest loss rate and network fee, base price and tick size
    function settle(
        Terms terms,
        Clearing clearing,
        IAuction auction,
        uint256[4] calldata market,
        BatchData calldata data,
        Connection[] calldata connections
    ) external view returns (Entry[] memory entries, Sums memory sums) {
        uint256 orders = OrderCodec.recordCount(data.records);
        bool named = data.decisions.length == orders * DECISION_BYTES;
        Settlement.Rules memory rules = Settlement.rules(terms, clearing, named, market[0], market[1]);
        (rules.basePrice, rules.tickSize) = (market[2], market[3]);
        (rules.decisionsAt,) = OrderCodec.bounds(data.decisions);
        entries = new Entry[](orders);
        (uint256 at,) = OrderCodec.bounds(data.records);
        uint256 readingAt = Settlement.readingsAt(data.records, data.readings);
        at += OrderCodec.COUNT_BYTES;
        for (uint256 i; i < orders; ++i) {
            entries[i] = _entry(rules, at, readingAt, connections[i], auction);
            (, uint256 count) = OrderCodec.header(OrderCodec.load(at));
            at += OrderCodec.recordLength(count);
            readingAt += READING_BYTES;
        }
        sums = rules.sums();
    }

    function _entry(
        Settlement.Rules memory rules,
        uint256 at,
        uint256 readingAt,
        Connection connection,
        IAuction auction
    ) private view returns (Entry memory e) {
        uint256 count;
        (e.participant, count) = OrderCodec.header(OrderCodec.load(at));
        uint256 sold = rules.sold(at, count, rules.decisionsAt);
        (e.sell, e.buy, e.cost, e.surplus) = rules.accepted(at, count);
        require(sold == e.sell, "the sells alone");
        (uint256 imported, uint256 exported) = Settlement.metered(readingFrom(readingAt), e.buy, connection);
        uint256 credit;
        (e.cash, credit) = rules.payment(e.sell, e.buy, e.cost, e.surplus, imported, exported);
        e.credit = int256(credit);
        if (rules.atLimits) {
            bytes calldata order = msg.data[at:at + OrderCodec.recordLength(count)];
            int256 cash = auction.limitPayment(rules.clearing, order, e.sell, e.buy);
            rules.addLimits(cash);
            e.cash += cash;
        }
    }
}
