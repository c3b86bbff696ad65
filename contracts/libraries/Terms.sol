// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// What the grid lets stand of a clearing.
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

/// @dev The terms of an interval that opens.
function opening(uint256 retail_, uint256 feedIn_, uint256 networkFee_, uint256 accounts_) pure returns (Terms) {
    return
        Terms.wrap(uint176((networkFee_ << 160) | (feedIn_ << 144) | (retail_ << 128) | (accounts_ << 88) | (1 << 8)));
}

function verdict(Terms self) pure returns (Verdict) {
    return Verdict(uint8(Terms.unwrap(self)));
}

function run(Terms self) pure returns (uint256) {
    return uint16(Terms.unwrap(self) >> 8);
}

function lossRate(Terms self) pure returns (uint256) {
    return uint24(Terms.unwrap(self) >> 24);
}

/// @dev Bit i: word i of the book is the interval's. Before the gate; `delivered` and `lossRate` behind it.
function heldWords(Terms self) pure returns (uint256) {
    return uint64(Terms.unwrap(self) >> 24);
}

/// @dev Of an open interval; `volume` of any other.
function accounts(Terms self) pure returns (uint256) {
    return volume(self);
}

function volume(Terms self) pure returns (uint256) {
    return uint40(Terms.unwrap(self) >> 88);
}

function delivered(Terms self) pure returns (uint256) {
    return uint40(Terms.unwrap(self) >> 48);
}

function retail(Terms self) pure returns (uint256) {
    return uint16(Terms.unwrap(self) >> 128);
}

function feedIn(Terms self) pure returns (uint256) {
    return uint16(Terms.unwrap(self) >> 144);
}

function networkFee(Terms self) pure returns (uint256) {
    return uint16(Terms.unwrap(self) >> 160);
}

function withHeldWords(Terms self, uint256 bits) pure returns (Terms) {
    return _with(self, 24, 64, bits);
}

function withVolume(Terms self, uint256 value) pure returns (Terms) {
    return _with(self, 88, 40, value);
}

/// @dev What the gate decides, of which nothing has been delivered yet.
function gated(Terms self, Verdict verdict_, uint256 volume_, uint256 lossRate_) pure returns (Terms) {
    // The loss rate takes the place of the words, with nothing above it.
    return _with(_with(self.withVolume(volume_), 24, 64, lossRate_), 0, 8, uint256(verdict_));
}

function withRun(Terms self, uint256 value) pure returns (Terms) {
    return _with(self, 8, 16, value);
}

function withDelivered(Terms self, uint256 value) pure returns (Terms) {
    return _with(self, 48, 40, value);
}

/// @dev `value` fits the field: callers have compared it with a limit or taken it from a type of that width.
function _with(Terms self, uint256 shift, uint256 width, uint256 value) pure returns (Terms) {
    unchecked {
        uint256 mask = ((1 << width) - 1) << shift;
        return Terms.wrap(uint176((Terms.unwrap(self) & ~mask) | (value << shift)));
    }
}
