// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BUY, Steps} from "./OrderCodec.sol";
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

using {buyPrice, sellPrice, atLimits, marginal, withMarginals, stands} for Clearing global;

/// @dev One side's marginal tick: `filled` of the lane's `total` was matched, `accepted` of that stands after the gate.
struct Marginal {
    uint256 tick;
    uint256 total;
    uint256 filled;
    uint256 accepted;
}

uint256 constant PRICES_MASK = (1 << 48) - 1;

function pack(uint256 buyPrice_, uint256 sellPrice_, bool atLimits_, Marginal memory bid, Marginal memory ask)
    pure
    returns (Clearing)
{
    uint256 prices = buyPrice_ | (sellPrice_ << 16) | (atLimits_ ? 1 << 32 : 0);
    return Clearing.wrap(prices | (_packSide(bid) << 48) | (_packSide(ask) << 152));
}

/// @dev The same prices for other quantities.
function withMarginals(Clearing self, Marginal memory bid, Marginal memory ask) pure returns (Clearing) {
    return Clearing.wrap((Clearing.unwrap(self) & PRICES_MASK) | (_packSide(bid) << 48) | (_packSide(ask) << 152));
}

function _packSide(Marginal memory m) pure returns (uint256) {
    return m.tick | (m.total << 8) | (m.filled << 40) | (m.accepted << 72);
}

function buyPrice(Clearing self) pure returns (uint256) {
    return uint16(Clearing.unwrap(self));
}

function sellPrice(Clearing self) pure returns (uint256) {
    return uint16(Clearing.unwrap(self) >> 16);
}

function atLimits(Clearing self) pure returns (bool) {
    return Clearing.unwrap(self) & (1 << 32) != 0;
}

function marginal(Clearing self, uint256 side) pure returns (Marginal memory) {
    uint256 bits = Clearing.unwrap(self) >> (side == BUY ? 48 : 152);
    return Marginal(uint8(bits), uint32(bits >> 8), uint32(bits >> 40), uint32(bits >> 72));
}

/// @notice What stands of a posted step, Wh: all of it on a better tick than the marginal one, none on a worse.
/// @dev On the marginal tick the fill is shared over the lane, and what the gate accepted is shared over the fill.
/// (R2) The second sharing measures its offsets in filled Wh: so nobody is accepted for more than its fill.
function stands(Clearing self, Steps posted) pure returns (uint256 energy) {
    unchecked {
        uint256 side = posted.side();
        uint256 bits = Clearing.unwrap(self) >> (48 + 104 * side);
        uint256 tick = posted.tick();
        uint256 marginalTick = uint8(bits);
        energy = posted.quantity();
        if (tick == marginalTick) {
            uint256 offset = posted.offset();
            uint256 total = uint32(bits >> 8);
            uint256 filled = uint32(bits >> 40);
            uint256 accepted = uint32(bits >> 72);
            energy = ProRata.part(offset, energy, filled, total);
            if (accepted != filled) energy = ProRata.part(offset * filled / total, energy, accepted, filled);
        } else if ((tick > marginalTick) == (side != BUY)) {
            energy = 0;
        }
    }
}
