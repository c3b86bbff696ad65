// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {Clearing} from "./Clearing.sol";
import {DECISION_BYTES, Decision, decisionFrom} from "./Decision.sol";
import {BUY, OrderCodec, Steps} from "./OrderCodec.sol";
import {field} from "./PackedWord.sol";
import {READING_BYTES, Reading} from "./Reading.sol";
import {Connection} from "./Roster.sol";
import {Terms, Verdict} from "./Terms.sol";

/// What a batch books besides its participants' own bookings: cash in base units, energy in Wh.
/// @param supplier everybody's counterparty
/// @param gridOperator network fees and losses
/// @param community the pool that peer payments pass through
/// @param uncredited peer energy delivered and not credited
/// @param delivered peer energy delivered
struct Sums {
    int256 supplier;
    int256 gridOperator;
    int256 community;
    int256 uncredited;
    int256 delivered;
}

/// @title What an order is paid
/// @dev Energies of an order are below 2^41 Wh and prices below 2^16 base units: an order's cash fits 64 bits and no sum
/// comes near 2^255, so all of it is unchecked.
library Settlement {
    uint256 internal constant PPM = 1e6;
    // The sums of a batch's energy, as `Rules.energy` holds them.
    uint256 private constant SUM_BITS = 64;
    uint256 private constant SOLD_OFFSET = 0;
    uint256 private constant BOUGHT_OFFSET = 64;
    uint256 private constant DELIVERED_OFFSET = 128;
    uint256 private constant CREDITED_OFFSET = 192;
    // Of an order's steps on one side: what is accepted of them, Wh, and above it the sum of each Wh times its tick.
    uint256 private constant TICKS_OFFSET = 64;
    uint256 private constant SIDE_SUM_BITS = 128;
    /// @dev More than any meter exports, Wh.
    uint256 private constant UNLIMITED = type(uint32).max;

    /// @dev Terms and clearing made ready for a walk over a batch, and what the walk has summed up: a batch has less than
    /// 2^16 orders, and of none are more than 2^26 Wh accepted (8 steps of 2^23 Wh).
    /// @param plain whether the report names no order
    /// @param named whether the batch's decisions are given order by order
    /// @param decisionsAt where in the calldata the next order's decision lies
    /// @param maxNetworkFee the most that a decision may name as network charge, base units per Wh; 0 where buyers pay the
    /// uniform fee
    /// @param atLimits whether every Wh is traded at its own step's limit: the two prices are then zero
    /// @param dearPrice what a buyer pays for peer energy, base units per Wh
    /// @param surplus how much surplus of each order is paid for where no decision names it, Wh
    /// @param unusedPrice what is paid for what was bought and not drawn, base units per Wh
    /// @param basePrice price of tick 0, and `tickSize` of one tick more, base units per Wh: what losses are bounded by
    /// @param limits cash of all participants so far from peer energy that is traded at limits, base units
    /// @param participants cash of all participants so far, base units
    /// @param costs network charges that were named, and what losses cost, so far, base units
    /// @param energy Wh so far, 64 bits each, from the low end: sold, bought, delivered, credited
    struct Rules {
        bool plain;
        bool named;
        bool curtailed;
        bool atLimits;
        uint256 decisionsAt;
        uint256 lossRate;
        uint256 maxLossRate;
        uint256 maxNetworkFee;
        uint256 volume;
        uint256 credited;
        uint256 buyPrice;
        uint256 sellPrice;
        uint256 retail;
        uint256 feedIn;
        uint256 networkFee;
        uint256 dearPrice;
        uint256 surplus;
        uint256 unusedPrice;
        uint256 basePrice;
        uint256 tickSize;
        Clearing clearing;
        int256 limits;
        int256 participants;
        uint256 costs;
        uint256 energy;
    }

    /// @param maxLossRate the most that a decision may name as losses, parts per million of the accepted energy
    /// @param maxNetworkFee the most that a decision may name as network charge, base units per Wh; 0 for no such charge
    function rules(Terms terms, Clearing clearing, bool named, uint256 maxLossRate, uint256 maxNetworkFee)
        internal
        pure
        returns (Rules memory r)
    {
        Verdict verdict = terms.verdict();
        r.named = named;
        r.curtailed = verdict == Verdict.Curtail;
        r.plain = !named && !r.curtailed;
        r.lossRate = terms.lossRate();
        r.maxLossRate = maxLossRate;
        r.volume = terms.volume();
        r.credited = Math.min(terms.delivered(), r.volume);
        r.atLimits = clearing.atLimits();
        if (!r.atLimits) (r.buyPrice, r.sellPrice) = (clearing.buyPrice(), clearing.sellPrice());
        r.retail = terms.retail();
        r.feedIn = terms.feedIn();
        if (named) r.maxNetworkFee = maxNetworkFee;
        // Charges that are named stand instead of the uniform fee.
        if (r.maxNetworkFee == 0) r.networkFee = terms.networkFee();
        r.dearPrice = r.buyPrice + r.networkFee;
        // A constrained grid pays for the surplus that it allows: that is what makes an inverter obey a curtailment. And
        // it pays for no purchase that is not drawn, or who buys in order not to draw would be paid before who exports.
        if (verdict == Verdict.Accept || verdict == Verdict.Expired) {
            (r.surplus, r.unusedPrice) = (UNLIMITED, r.feedIn);
        }
        r.clearing = clearing;
    }

    /// @notice What the gate accepted of the order whose record is at `at` of the calldata, Wh, what it pays for losses and
    /// for the network beside the uniform fee, base units, and how much surplus is paid for, Wh.
    /// @dev No order trades on both sides: its asks are above its bids, and no rule lets buyers pay less than sellers get.
    function accepted(Rules memory r, uint256 at, uint256 count)
        internal
        pure
        returns (uint256 sell, uint256 buy, uint256 cost, uint256 surplus)
    {
        // kept <= filled < 2^26, ticks < 2^34, rates and prices per Wh < 2^24: products < 2^50. cost < 2^32 + 2^42, so the costs of
        // a batch are below 2^59.
        unchecked {
            (uint256 filled, uint256 sold_, uint256 ticks) = (0, 0, 0);
            if (r.volume != 0) {
                for (uint256 i; i < count; ++i) {
                    Steps posted = OrderCodec.steps(at, i);
                    uint256 energy = r.clearing.acceptedQuantity(posted);
                    filled += energy;
                    sold_ += energy * posted.side();
                    ticks += energy * posted.tick();
                }
            }
            bool sells = sold_ != 0;
            uint256 loss;
            uint256 kept = filled;
            surplus = r.surplus;
            if (r.plain) {
                loss = filled * r.lossRate / PPM;
            } else if (r.named) {
                Decision decision = decisionFrom(r.decisionsAt);
                r.decisionsAt += DECISION_BYTES;
                if (r.curtailed) kept = Math.min(filled, sells ? decision.sell() : decision.buy());
                loss = Math.min(decision.loss(), kept * r.maxLossRate / PPM);
                if (r.maxNetworkFee != 0) cost = Math.min(decision.charge(), kept * r.maxNetworkFee);
                if (surplus == 0) surplus = decision.surplus();
            } else {
                // A curtailment that does not name the order's energy leaves it none.
                kept = 0;
            }
            if (loss != 0) {
                cost += Math.min(r.retail * loss, _room(r, sells, filled, ticks) * kept / filled);
            }
            r.costs += cost;
            if (sells) sell = kept;
            else buy = kept;
        }
    }

    /// @dev How much worse the price could be for an order before it is beyond one of its limits, base units: what it may
    /// pay for losses. Of what is cut the worst steps are cut first, so that who keeps a part of the fill has at least that
    /// part of the room.
    /// @param filled Wh that the auction gave it, on one side
    /// @param ticks the same, each Wh times its step's tick
    function _room(Rules memory r, bool sells, uint256 filled, uint256 ticks) private pure returns (uint256) {
        // filled < 2^26, prices < 2^16: both products < 2^42. A filled step's limit is at least as good as its side's price, so
        // what is subtracted is the smaller one.
        unchecked {
            if (r.atLimits) return 0;
            uint256 limits = r.basePrice * filled + r.tickSize * ticks;
            return sells ? r.sellPrice * filled - limits : limits - r.buyPrice * filled;
        }
    }

    /// @notice What the gate accepted of the order's sells alone, Wh.
    /// @param decisionAt where in the calldata the order's decision lies, if there are any
    function sold(Rules memory r, uint256 at, uint256 count, uint256 decisionAt) internal pure returns (uint256 sell) {
        if (r.volume == 0) return 0;
        // At most 8 steps of less than 2^23 Wh each: sell < 2^26.
        unchecked {
            // The sells of an order are its last steps.
            for (uint256 left = count; left != 0; --left) {
                Steps posted = OrderCodec.steps(at, left - 1);
                if (posted.side() == BUY) break;
                sell += r.clearing.acceptedQuantity(posted);
            }
            if (r.curtailed) sell = r.named ? Math.min(sell, decisionFrom(decisionAt).sell()) : 0;
        }
    }

    /// @notice Where in the calldata the first reading lies. A vector of another length than one for each record counts
    /// as if all of them were missing: there is nothing but zeros then.
    function readingsAt(bytes calldata records, bytes calldata readings) internal pure returns (uint256 at) {
        (at,) = OrderCodec.bounds(readings);
        if (readings.length != OrderCodec.recordCount(records) * READING_BYTES) at = OrderCodec.endOfCalldata();
    }

    /// @notice The energy that a reading settles, Wh. With a missing one a seller delivered nothing and a buyer drew what it
    /// bought: who drew more gains by silence the retail price of that. What the connection cannot carry is not settled here.
    function metered(Reading reading, uint256 buy, Connection connection)
        internal
        pure
        returns (uint256 imported, uint256 fedIn)
    {
        imported = buy;
        if (!reading.isMissing()) {
            imported = reading.imported();
            fedIn = reading.exported();
            uint256 limit = connection.importLimit();
            if (imported > limit) imported = limit;
            limit = connection.exportLimit();
            if (fedIn > limit) fedIn = limit;
        }
    }

    /// @notice (R3) The settlement formula: what the order books to its participant, and adds to the sums of its batch.
    /// @return booked cash, base units
    /// @return credit the buyer's part of the peer energy that was delivered, Wh
    function payment(
        Rules memory r,
        uint256 sell,
        uint256 buy,
        uint256 cost,
        uint256 surplus,
        uint256 imported,
        uint256 fedIn
    ) internal pure returns (int256 booked, uint256 credit) {
        // Energies are below 2^32, prices below 2^17 and cost < 2^43, so each product is below 2^49 and |booked| < 2^52;
        // credited < 2^40, so buy * credited < 2^67. credit <= buy, since credited <= volume; a sum of 2^16 energies below
        // 2^32 is below 2^48.
        unchecked {
            // (R4) Rounded down.
            if (buy != 0) credit = FixedPointMathLib.rawDiv(buy * r.credited, r.volume);
            uint256 supplied = sell;
            booked = int256(r.sellPrice * sell) - int256(r.dearPrice * buy + cost);
            if (fedIn < sell) {
                supplied = fedIn;
                booked -= int256(r.retail * (sell - fedIn));
            } else {
                uint256 over = fedIn - sell;
                if (over > surplus) over = surplus;
                booked += int256(r.feedIn * over);
            }
            if (imported < buy) booked += int256(r.unusedPrice * (buy - imported));
            else booked -= int256(r.retail * (imported - buy));
            r.participants += booked;
            r.energy += (sell << SOLD_OFFSET) | (buy << BOUGHT_OFFSET) | (supplied << DELIVERED_OFFSET)
                    | (credit << CREDITED_OFFSET);
        }
    }

    /// @notice Adds the cash of an order's peer energy that was traded at its steps' own limits.
    function addLimits(Rules memory r, int256 booked) internal pure {
        // |booked| < 2^42, of less than 2^16 orders.
        unchecked {
            r.limits += booked;
            r.participants += booked;
        }
    }

    /// @notice What the batch books to everybody besides its participants.
    function sums(Rules memory r) internal pure returns (Sums memory s) {
        // Sums of energy are below 2^48 and prices below 2^16: no sum of cash reaches 2^70.
        unchecked {
            (uint256 sells, uint256 buys) = (_sum(r, SOLD_OFFSET), _sum(r, BOUGHT_OFFSET));
            s.gridOperator = int256(r.networkFee * buys + r.costs);
            s.community = int256(r.buyPrice * buys) - int256(r.sellPrice * sells) - r.limits;
            // (R5) The supplier is everybody's counterparty.
            s.supplier = -(r.participants + s.gridOperator + s.community);
            s.delivered = int256(_sum(r, DELIVERED_OFFSET));
            // (R6) What was delivered and not credited is rounding; what was credited and not delivered is the debt of
            // who attested it.
            s.uncredited = s.delivered - int256(_sum(r, CREDITED_OFFSET));
        }
    }

    function _sum(Rules memory r, uint256 offset) private pure returns (uint256) {
        return field(r.energy, offset, SUM_BITS);
    }
}
