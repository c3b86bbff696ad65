// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BUY, Steps} from "./OrderCodec.sol";
import {field} from "./PackedWord.sol";
import {ProRata} from "./ProRata.sol";

/// The outcome of an auction in one word:
///
///   255..152   151..48   32         31..16       15..0
///   ask        bid       at limits  sell price   buy price
///
/// Prices in base units per Wh: what buyers pay, what sellers get. `at limits`: every Wh at its own step's limit; the
/// two prices are then the lowest that a buyer pays and the highest that a seller gets. Without trade the word is zero.
/// And, for either side, the marginal tick's lane:
///
///   103..72        71..40       39..8       7..0
///   accepted, Wh   filled, Wh   total, Wh   tick
type Clearing is uint256;

using {buyPrice, sellPrice, atLimits, marginal, withMarginals, acceptedQuantity} for Clearing global;

/// @dev One side's marginal tick: `filled` of the lane's `total` was matched, `accepted` of that was let through by the
/// gate.
struct Marginal {
    uint256 tick;
    uint256 total;
    uint256 filled;
    uint256 accepted;
}

uint256 constant BUY_PRICE_OFFSET = 0;
uint256 constant SELL_PRICE_OFFSET = 16;
uint256 constant PRICE_BITS = 16;
uint256 constant AT_LIMITS_OFFSET = 32;
uint256 constant BID_OFFSET = 48;
uint256 constant ASK_OFFSET = 152;
uint256 constant SIDE_BITS = 104;

// Of one side.
uint256 constant TICK_OFFSET = 0;
uint256 constant TICK_BITS = 8;
uint256 constant TOTAL_OFFSET = 8;
uint256 constant FILLED_OFFSET = 40;
uint256 constant ACCEPTED_OFFSET = 72;
uint256 constant ENERGY_BITS = 32;

function pack(uint256 buyPrice_, uint256 sellPrice_, bool atLimits_, Marginal memory bid, Marginal memory ask)
    pure
    returns (Clearing)
{
    uint256 prices = buyPrice_ | (sellPrice_ << SELL_PRICE_OFFSET) | (atLimits_ ? 1 << AT_LIMITS_OFFSET : 0);
    return _packed(prices, bid, ask);
}

/// @dev The same prices for other quantities.
function withMarginals(Clearing self, Marginal memory bid, Marginal memory ask) pure returns (Clearing) {
    return _packed(field(Clearing.unwrap(self), 0, BID_OFFSET), bid, ask);
}

/// @param prices what lies below the sides
function _packed(uint256 prices, Marginal memory bid, Marginal memory ask) pure returns (Clearing) {
    return Clearing.wrap(prices | (_packedSide(bid) << BID_OFFSET) | (_packedSide(ask) << ASK_OFFSET));
}

function _packedSide(Marginal memory m) pure returns (uint256) {
    return m.tick | (m.total << TOTAL_OFFSET) | (m.filled << FILLED_OFFSET) | (m.accepted << ACCEPTED_OFFSET);
}

function buyPrice(Clearing self) pure returns (uint256) {
    return field(Clearing.unwrap(self), BUY_PRICE_OFFSET, PRICE_BITS);
}

function sellPrice(Clearing self) pure returns (uint256) {
    return field(Clearing.unwrap(self), SELL_PRICE_OFFSET, PRICE_BITS);
}

function atLimits(Clearing self) pure returns (bool) {
    return field(Clearing.unwrap(self), AT_LIMITS_OFFSET, 1) != 0;
}

function marginal(Clearing self, uint256 side) pure returns (Marginal memory) {
    uint256 bits = Clearing.unwrap(self) >> (side == BUY ? BID_OFFSET : ASK_OFFSET);
    return Marginal(
        field(bits, TICK_OFFSET, TICK_BITS),
        field(bits, TOTAL_OFFSET, ENERGY_BITS),
        field(bits, FILLED_OFFSET, ENERGY_BITS),
        field(bits, ACCEPTED_OFFSET, ENERGY_BITS)
    );
}

/// @notice What is accepted of a posted step, Wh: all of it on a better tick than the marginal one, none on a worse.
/// @dev On the marginal tick the fill is shared over the lane, and what the gate accepted is shared over the fill.
/// (R2) The second sharing measures its offsets in filled Wh: so nobody is accepted for more than its fill.
function acceptedQuantity(Clearing self, Steps posted) pure returns (uint256 energy) {
    // side <= 1, so the shift is at most 152; offset, total, filled and accepted are below 2^32, so offset * filled < 2^64.
    unchecked {
        uint256 side = posted.side();
        uint256 bits = Clearing.unwrap(self) >> (BID_OFFSET + SIDE_BITS * side);
        uint256 tick = posted.tick();
        uint256 marginalTick = field(bits, TICK_OFFSET, TICK_BITS);
        energy = posted.quantity();
        if (tick == marginalTick) {
            uint256 offset = posted.offset();
            uint256 total = field(bits, TOTAL_OFFSET, ENERGY_BITS);
            uint256 filled = field(bits, FILLED_OFFSET, ENERGY_BITS);
            uint256 accepted = field(bits, ACCEPTED_OFFSET, ENERGY_BITS);
            energy = ProRata.part(offset, energy, filled, total);
            if (accepted != filled) energy = ProRata.part(offset * filled / total, energy, accepted, filled);
        } else {
            // All of a bid above the marginal tick, or of an ask below it: `(tick > marginalTick) != (side == SELL)`.
            assembly ("memory-safe") {
                energy := mul(energy, xor(gt(tick, marginalTick), side))
            }
        }
    }
}
