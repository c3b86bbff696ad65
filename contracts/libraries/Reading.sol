// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OrderCodec} from "./OrderCodec.sol";
import {field} from "./PackedWord.sol";

/// What one meter recorded in one interval, 8 bytes:
///
///   63..62   61..31         30..0
///   status   imported, Wh   exported, Wh
///
/// status 0: there is no reading; 1: the metering operator attested it; 2: the meter signed it.
type Reading is uint256;

using {isMissing, hasSignedFlag, imported, exported, exportedUnlessMissing, equals as ==} for Reading global;

uint256 constant READING_BYTES = 8;
uint256 constant READING_BITS = 8 * READING_BYTES;
uint256 constant EXPORTED_OFFSET = 0;
uint256 constant IMPORTED_OFFSET = 31;
uint256 constant METERED_BITS = 31;
uint256 constant STATUS_OFFSET = 62;
uint256 constant STATUS_MISSING = 0;
uint256 constant STATUS_SIGNED = 2;
/// @dev The higher bit of the status: only a signed reading has it.
uint256 constant SIGNED_FLAG_OFFSET = 63;

/// @notice The reading at `at` of the calldata.
function readingFrom(uint256 at) pure returns (Reading) {
    return Reading.wrap(OrderCodec.load(at) >> (256 - READING_BITS));
}

/// @notice The reading of a meter that signed it. Both energies are below 2^31.
function signedBy(uint256 imported_, uint256 exported_) pure returns (Reading) {
    return Reading.wrap((STATUS_SIGNED << STATUS_OFFSET) | (imported_ << IMPORTED_OFFSET) | exported_);
}

function isMissing(Reading self) pure returns (bool) {
    return Reading.unwrap(self) >> STATUS_OFFSET == STATUS_MISSING;
}

function hasSignedFlag(Reading self) pure returns (bool) {
    return Reading.unwrap(self) >> SIGNED_FLAG_OFFSET != 0;
}

/// @dev Of no meaning where the reading is missing.
function imported(Reading self) pure returns (uint256) {
    return field(Reading.unwrap(self), IMPORTED_OFFSET, METERED_BITS);
}

/// @dev Of no meaning where the reading is missing.
function exported(Reading self) pure returns (uint256) {
    return field(Reading.unwrap(self), EXPORTED_OFFSET, METERED_BITS);
}

function exportedUnlessMissing(Reading self) pure returns (uint256) {
    return self.isMissing() ? 0 : self.exported();
}

function equals(Reading a, Reading b) pure returns (bool) {
    return Reading.unwrap(a) == Reading.unwrap(b);
}
