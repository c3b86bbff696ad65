// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {field, withField} from "./PackedWord.sol";

/// What the committee decides on a clearing, or that it was silent.
/// @dev `Expired` is the committee's silence: nothing is accepted, and everybody is back on the grid tariff.
enum Verdict {
    None,
    Accept,
    Cap,
    Curtail,
    Void,
    Expired
}

/// What an interval is settled by, next to its clearing and its readings:
///
///   175..160     159..144   143..128   127..88      87..48          47..24           23..8   7..0
///   networkFee   feedIn     retail     volume, Wh   delivered, Wh   loss rate, ppm   run     verdict
///   open:                              accounts     words of the book
///   cleared:                           matched, Wh  words of the book
///
/// Prices in base units per Wh. `volume` is what is accepted, `delivered` the peer energy metered as delivered, `run` 1
/// for the first settlement and higher for corrections. What the gate decides has no value before it: until then its
/// place says how many accounts the interval knows, later what was matched, and with a bit for each which words of
/// the book are the interval's.
type Terms is uint176;

using {
    verdict,
    run,
    lossRate,
    heldWords,
    accounts,
    volume,
    delivered,
    retail,
    feedIn,
    networkFee,
    withHeldWords,
    withVolume,
    gated,
    withRun,
    withDelivered
} for Terms global;

uint256 constant VERDICT_OFFSET = 0;
uint256 constant VERDICT_BITS = 8;
uint256 constant RUN_OFFSET = 8;
uint256 constant RUN_BITS = 16;
uint256 constant LOSS_RATE_OFFSET = 24;
uint256 constant LOSS_RATE_BITS = 24;
/// @dev Until the gate, in the place of the loss rate and of what is delivered.
uint256 constant HELD_WORDS_OFFSET = 24;
uint256 constant HELD_WORDS_BITS = 64;
uint256 constant DELIVERED_OFFSET = 48;
uint256 constant VOLUME_OFFSET = 88;
uint256 constant ENERGY_BITS = 40;
uint256 constant RETAIL_OFFSET = 128;
uint256 constant FEED_IN_OFFSET = 144;
uint256 constant NETWORK_FEE_OFFSET = 160;
uint256 constant PRICE_BITS = 16;

uint256 constant FIRST_RUN = 1;

/// @dev The terms of an interval that opens. Prices are below 2^16, and there are fewer accounts than that.
function opening(uint256 retail_, uint256 feedIn_, uint256 networkFee_, uint256 accounts_) pure returns (Terms) {
    uint256 prices = (networkFee_ << NETWORK_FEE_OFFSET) | (feedIn_ << FEED_IN_OFFSET) | (retail_ << RETAIL_OFFSET);
    return Terms.wrap(uint176(prices | (accounts_ << VOLUME_OFFSET) | (FIRST_RUN << RUN_OFFSET)));
}

function verdict(Terms self) pure returns (Verdict) {
    return Verdict(_get(self, VERDICT_OFFSET, VERDICT_BITS));
}

function run(Terms self) pure returns (uint256) {
    return _get(self, RUN_OFFSET, RUN_BITS);
}

function lossRate(Terms self) pure returns (uint256) {
    return _get(self, LOSS_RATE_OFFSET, LOSS_RATE_BITS);
}

/// @dev Bit i: word i of the book is the interval's. Before the gate; `delivered` and `lossRate` behind it.
function heldWords(Terms self) pure returns (uint256) {
    return _get(self, HELD_WORDS_OFFSET, HELD_WORDS_BITS);
}

/// @dev Of an open interval; `volume` of any other.
function accounts(Terms self) pure returns (uint256) {
    return volume(self);
}

function volume(Terms self) pure returns (uint256) {
    return _get(self, VOLUME_OFFSET, ENERGY_BITS);
}

function delivered(Terms self) pure returns (uint256) {
    return _get(self, DELIVERED_OFFSET, ENERGY_BITS);
}

function retail(Terms self) pure returns (uint256) {
    return _get(self, RETAIL_OFFSET, PRICE_BITS);
}

function feedIn(Terms self) pure returns (uint256) {
    return _get(self, FEED_IN_OFFSET, PRICE_BITS);
}

function networkFee(Terms self) pure returns (uint256) {
    return _get(self, NETWORK_FEE_OFFSET, PRICE_BITS);
}

function withHeldWords(Terms self, uint256 bits) pure returns (Terms) {
    return _with(self, HELD_WORDS_OFFSET, HELD_WORDS_BITS, bits);
}

function withVolume(Terms self, uint256 value) pure returns (Terms) {
    return _with(self, VOLUME_OFFSET, ENERGY_BITS, value);
}

/// @dev What the gate decides, of which nothing has been delivered yet.
function gated(Terms self, Verdict verdict_, uint256 volume_, uint256 lossRate_) pure returns (Terms) {
    // The loss rate takes the place of the words, with nothing above it: nothing is delivered.
    Terms decided = _with(self.withVolume(volume_), HELD_WORDS_OFFSET, HELD_WORDS_BITS, lossRate_);
    return _with(decided, VERDICT_OFFSET, VERDICT_BITS, uint256(verdict_));
}

function withRun(Terms self, uint256 value) pure returns (Terms) {
    return _with(self, RUN_OFFSET, RUN_BITS, value);
}

function withDelivered(Terms self, uint256 value) pure returns (Terms) {
    return _with(self, DELIVERED_OFFSET, ENERGY_BITS, value);
}

function _get(Terms self, uint256 offset, uint256 width) pure returns (uint256) {
    return field(Terms.unwrap(self), offset, width);
}

/// @dev `value` fits the field: callers have compared it with a limit or taken it from a type of that width.
function _with(Terms self, uint256 offset, uint256 width, uint256 value) pure returns (Terms) {
    return Terms.wrap(uint176(withField(Terms.unwrap(self), offset, width, value)));
}
