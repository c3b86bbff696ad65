// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Clearing, Marginal, stands} from "./Clearing.sol";
import {BUY, OrderCodec, PostedStep, SELL} from "./OrderCodec.sol";
import {Terms, Verdict} from "./Terms.sol";

/// One order at settlement, all in Wh.
struct Position {
    uint256 sell;
    uint256 buy;
    uint256 loss;
    uint256 imported;
    uint256 exported;
}

/// What settling one order books: cash in base units, energy in Wh. The supplier is the counterparty of the cash.
struct Entries {
    int256 participant;
    int256 gridOperator;
    int256 community;
    int256 credit;
    int256 delivered;
}

/// @title What an order is paid
/// @dev Energies here are below 2^41 Wh and prices below 2^16 base units: nothing comes near 2^255, so all of it is
/// unchecked.
library Settlement {
    uint256 internal constant PPM = 1e6;
    uint256 internal constant DECISION_BYTES = 12;
    uint256 internal constant READING_BYTES = 8;
    uint256 internal constant MISSING = 0;
    uint256 internal constant ATTESTED = 1;
    uint256 internal constant SIGNED = 2;
    uint256 private constant READING_MAX = 0x7fffffff;

    /// @dev Terms and clearing made ready for a walk over a batch.
    /// @param named whether the batch's decisions are given order by order
    /// @param paysSurplus whether exports beyond the accepted sale earn the feed-in tariff
    struct Rules {
        bool named;
        bool curtailed;
        bool paysSurplus;
        uint256 lossRate;
        uint256 maxLossRate;
        uint256 volume;
        uint256 credited;
        uint256 price;
        uint256 retail;
        uint256 feedIn;
        uint256 networkFee;
        Marginal bid;
        Marginal ask;
    }

    /// @param price the clearing price, base units per Wh
    /// @param maxLossRate the most that a decision may name as losses, parts per million of the accepted energy
    function rules(Terms terms, Clearing clearing, uint256 price, uint256 maxLossRate, bool named)
        internal
        pure
        returns (Rules memory r)
    {
        Verdict verdict = terms.verdict();
        r.named = named;
        r.curtailed = verdict == Verdict.Curtail;
        // Only an unconstrained grid pays for surplus: that is what makes an inverter obey a curtailment.
        r.paysSurplus = verdict == Verdict.Accept || verdict == Verdict.Expired;
        r.lossRate = terms.lossRate();
        r.maxLossRate = maxLossRate;
        r.volume = terms.volume();
        r.credited = Math.min(terms.delivered(), r.volume);
        r.price = price;
        r.retail = terms.retail();
        r.feedIn = terms.feedIn();
        r.networkFee = terms.networkFee();
        r.bid = clearing.marginal(BUY);
        r.ask = clearing.marginal(SELL);
    }

    /// @notice What the gate accepted of the order whose record is at `at`, and its share of the losses.
    /// @param index the order's place in its batch
    function accept(
        Rules memory r,
        bytes calldata records,
        uint256 at,
        uint256 count,
        bytes calldata decisions,
        uint256 index,
        Position memory position
    ) internal pure {
        unchecked {
            (uint256 sell, uint256 buy) = r.volume == 0 ? (0, 0) : _stands(r, records, at, count);
            if (r.named) {
                uint256 decision = OrderCodec.word(decisions, index * DECISION_BYTES);
                if (r.curtailed) {
                    sell = Math.min(sell, decision >> 224);
                    buy = Math.min(buy, uint32(decision >> 192));
                }
                position.loss = Math.min(uint32(decision >> 160), (sell + buy) * r.maxLossRate / PPM);
            } else {
                // A curtailment that does not name the order's energy leaves it none.
                if (r.curtailed) sell = buy = 0;
                position.loss = (sell + buy) * r.lossRate / PPM;
            }
            position.sell = sell;
            position.buy = buy;
        }
    }

    function _stands(Rules memory r, bytes calldata records, uint256 at, uint256 count)
        private
        pure
        returns (uint256 sell, uint256 buy)
    {
        unchecked {
            for (uint256 i; i < count; ++i) {
                PostedStep posted = OrderCodec.recordStep(records, at, i);
                if (posted.step().side() == BUY) buy += stands(r.bid, posted);
                else sell += stands(r.ask, posted);
            }
        }
    }

    /// @notice Takes an order's reading: a missing one never favours the silent party, and what the connection cannot
    /// carry is not settled here.
    function read(Position memory position, uint256 reading, uint256 importLimit, uint256 exportLimit) internal pure {
        if (reading >> 62 == MISSING) {
            position.imported = position.buy;
            position.exported = 0;
        } else {
            position.imported = Math.min((reading >> 31) & READING_MAX, importLimit);
            position.exported = Math.min(reading & READING_MAX, exportLimit);
        }
    }

    /// @notice Peer energy that the order really delivered, Wh.
    function delivered(Position memory position) internal pure returns (uint256) {
        return Math.min(position.sell, position.exported);
    }

    /// @notice The settlement formula.
    function entries(Rules memory r, Position memory position, Entries memory booked) internal pure {
        unchecked {
            uint256 sell = position.sell;
            uint256 buy = position.buy;
            uint256 supplied = delivered(position);
            uint256 used = Math.min(buy, position.imported);
            uint256 surplus = r.paysSurplus ? position.exported - supplied : 0;
            uint256 toGrid = r.networkFee * buy + r.retail * position.loss;
            uint256 paid = r.price * sell + r.feedIn * (buy - used + surplus);
            uint256 charged = r.price * buy + toGrid + r.retail * (sell - supplied + position.imported - used);

            booked.participant = int256(paid) - int256(charged);
            booked.gridOperator = int256(toGrid);
            booked.community = int256(r.price * buy) - int256(r.price * sell);
            booked.delivered = int256(supplied);
            booked.credit = r.volume == 0 ? int256(0) : int256(buy * r.credited / r.volume);
        }
    }
}
