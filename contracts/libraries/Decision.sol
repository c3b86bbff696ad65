// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OrderCodec} from "./OrderCodec.sol";
import {field} from "./PackedWord.sol";

/// What a report names for one order, 24 bytes, here at the top of a word:
///
///   255..224            223..192           191..160   159..128                     127..96
///   accepted sell, Wh   accepted buy, Wh   loss, Wh   network charge, base units   allowed surplus, Wh
///
///   95..80                    79..64     63..0
///   price, base units per Wh  reserved   what follows in the calldata
///
/// The price is for a rule whose prices are agreed order by order; the six rules that there are do not read it. Nothing
/// reads what is reserved.
type Decision is uint256;

using {sell, buy, loss, charge, surplus} for Decision global;

uint256 constant DECISION_BYTES = 24;
uint256 constant SELL_OFFSET = 224;
uint256 constant BUY_OFFSET = 192;
uint256 constant LOSS_OFFSET = 160;
uint256 constant CHARGE_OFFSET = 128;
uint256 constant SURPLUS_OFFSET = 96;
uint256 constant DECIDED_BITS = 32;

/// @notice The decision at `at` of the calldata.
function decisionFrom(uint256 at) pure returns (Decision) {
    return Decision.wrap(OrderCodec.load(at));
}

function sell(Decision self) pure returns (uint256) {
    return Decision.unwrap(self) >> SELL_OFFSET;
}

function buy(Decision self) pure returns (uint256) {
    return field(Decision.unwrap(self), BUY_OFFSET, DECIDED_BITS);
}

function loss(Decision self) pure returns (uint256) {
    return field(Decision.unwrap(self), LOSS_OFFSET, DECIDED_BITS);
}

function charge(Decision self) pure returns (uint256) {
    return field(Decision.unwrap(self), CHARGE_OFFSET, DECIDED_BITS);
}

/// @dev What of the exports beyond the accepted sale is paid for where the grid is constrained.
function surplus(Decision self) pure returns (uint256) {
    return field(Decision.unwrap(self), SURPLUS_OFFSET, DECIDED_BITS);
}
