// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Clearing} from "./Clearing.sol";
import {BUY, OrderCodec, PostedStep} from "./OrderCodec.sol";
import {Terms, Verdict} from "./Terms.sol";

/// What a batch books besides its participants' own bookings: cash in base units, energy in Wh.
/// @param participants cash of all participants together
/// @param gridOperator network fees and losses
/// @param community the pool that peer payments pass through
/// @param credit peer energy credited to the participants
/// @param delivered peer energy that they delivered
struct Sums {
    int256 participants;
    int256 gridOperator;
    int256 community;
    int256 credit;
    int256 delivered;
}

/// What an order books to its participant, and what its connection can carry in an interval, import and export together:
///
///   255..192             191..128       127..64             63..0
///   cash, base units     credit, Wh     energy limit, Wh    account
///
/// Cash and credit are signed.
type Booking is uint256;

using { account, cash, credit, energyLimit } for Booking global;

function pack(uint256 owner, int256 cash_, uint256 credit_, uint256 limit) pure returns (Booking) {
    return Booking.wrap((uint256(cash_) << 192) | (credit_ << 128) | (limit << 64) | owner);
}

function account(Booking self) pure returns (uint256) {
    return uint64(Booking.unwrap(self));
}

function cash(Booking self) pure returns (int256) {
    return int256(Booking.unwrap(self)) >> 192;
}

function credit(Booking self) pure returns (int256) {
    return int64(uint64(Booking.unwrap(self) >> 128));
}

function energyLimit(Booking self) pure returns (uint256) {
    return uint64(Booking.unwrap(self) >> 64);
}

/// @title What an order is paid
/// @dev Energies of an order are below 2^41 Wh and prices below 2^16 base units: an order's cash fits 64 bits and no sum
/// comes near 2^255, so all of it is unchecked.
library Settlement {
    uint256 internal constant PPM = 1e6;
    uint256 internal constant DECISION_BYTES = 12;
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
        Clearing clearing;
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
        r.clearing = clearing;
    }

    /// @notice What the gate accepted of the order whose record is at `at`, and its share of the losses, all in Wh.
    /// @param index the order's place in its batch
    function accepted(
        Rules memory r,
        bytes calldata records,
        uint256 at,
        uint256 count,
        bytes calldata decisions,
        uint256 index
    ) internal pure returns (uint256 sell, uint256 buy, uint256 loss) {
        unchecked {
            if (r.volume != 0) {
                Clearing clearing = r.clearing;
                for (uint256 i; i < count; ++i) {
                    PostedStep posted = OrderCodec.recordStep(records, at, i);
                    if (posted.step().side() == BUY) buy += clearing.stands(posted);
                    else sell += clearing.stands(posted);
                }
            }
            if (r.named) {
                uint256 decision = OrderCodec.word(decisions, index * DECISION_BYTES);
                if (r.curtailed) {
                    sell = Math.min(sell, decision >> 224);
                    buy = Math.min(buy, uint32(decision >> 192));
                }
                loss = Math.min(uint32(decision >> 160), (sell + buy) * r.maxLossRate / PPM);
            } else {
                // A curtailment that does not name the order's energy leaves it none.
                if (r.curtailed) return (0, 0, 0);
                loss = (sell + buy) * r.lossRate / PPM;
            }
        }
    }

    /// @notice The energy that a reading settles, Wh: a missing one never favours the silent party, and what the
    /// connection cannot carry is not settled here.
    function metered(uint256 reading, uint256 buy, uint256 importLimit, uint256 exportLimit)
        internal
        pure
        returns (uint256 imported, uint256 exported)
    {
        if (reading >> 62 == MISSING) return (buy, 0);
        imported = (reading >> 31) & READING_MAX;
        exported = reading & READING_MAX;
        if (imported > importLimit) imported = importLimit;
        if (exported > exportLimit) exported = exportLimit;
    }

    /// @notice (R3) The settlement formula: what the order books to its participant. Adds to `sums` what it books to others.
    function payment(
        Rules memory r,
        Sums memory sums,
        uint256 sell,
        uint256 buy,
        uint256 loss,
        uint256 imported,
        uint256 exported
    ) internal pure returns (int256 booked) {
        unchecked {
            uint256 supplied = sell < exported ? sell : exported;
            uint256 used = buy < imported ? buy : imported;
            uint256 retail = r.retail;
            uint256 income = r.price * sell;
            uint256 cost = r.price * buy;
            uint256 toGrid = r.networkFee * buy + retail * loss;
            uint256 fedIn = buy - used;
            if (r.paysSurplus) fedIn += exported - supplied;
            booked = int256(income + r.feedIn * fedIn)
                - int256(cost + toGrid + retail * (sell - supplied + imported - used));

            sums.participants += booked;
            sums.gridOperator += int256(toGrid);
            sums.community += int256(cost) - int256(income);
            sums.delivered += int256(supplied);
        }
    }

    /// @notice (R4) The buyer's part of the peer energy that was delivered, Wh, rounded down.
    function peerEnergy(Rules memory r, uint256 buy) internal pure returns (uint256) {
        unchecked {
            return buy == 0 ? 0 : buy * r.credited / r.volume;
        }
    }
}
