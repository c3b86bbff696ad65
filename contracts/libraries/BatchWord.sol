// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clearing} from "./Clearing.sol";
import {Terms} from "./Terms.sol";

/// What the market keeps of a batch: one hash. Whoever calls the market shows again what the batch consists of, and the
/// hash says whether it is right.
///
///   posted   keccak(interval in 5 bytes, batch in 2, the batch before as posted or zero, records)
///   gated    keccak(0x01, posted, keccak(decisions))             if the report carried decisions
///   metered  keccak(0x02, posted or gated, keccak(readings))     if readings came
///   settled  keccak(0x03, what it was before, terms, clearing)   and again with every correction
///
/// A posted word contains the one before it, so the last batch's commits to the records of all batches. An interval's
/// number is below 2^32, so the first byte of what is hashed is 0 for a posted word, and 1, 2 or 3 for the others: no
/// word can be taken for one of another step.
type BatchWord is bytes32;

using {gated, metered, tagged, settled, equals as ==, differs as !=} for BatchWord global;

/// @dev The word of the batch before the first one, which there is not.
BatchWord constant NO_BATCH = BatchWord.wrap(0);
bytes1 constant GATED_TAG = 0x01;
bytes1 constant METERED_TAG = 0x02;
bytes1 constant SETTLED_TAG = 0x03;

/// @notice The word of a batch that is posted. `interval` is below 2^32 and `batch` below 2^16.
/// @param previous the word of the batch before it as it was posted
function postedWord(uint256 interval, uint256 batch, BatchWord previous, bytes memory records)
    pure
    returns (BatchWord)
{
    return BatchWord.wrap(keccak256(abi.encodePacked(uint40(interval), uint16(batch), previous, records)));
}

/// @notice The word of a posted batch that the report names decisions for.
function gated(BatchWord self, bytes32 decisionsHash) pure returns (BatchWord) {
    return tagged(self, GATED_TAG, decisionsHash);
}

/// @notice The word of a batch that there are readings for.
function metered(BatchWord self, bytes32 readingsHash) pure returns (BatchWord) {
    return tagged(self, METERED_TAG, readingsHash);
}

/// @dev `gated` or `metered`, as the tag says.
function tagged(BatchWord self, bytes1 tag, bytes32 vectorHash) pure returns (BatchWord) {
    return BatchWord.wrap(keccak256(abi.encodePacked(tag, self, vectorHash)));
}

/// @notice The word of a batch that is settled by `terms` and `clearing`.
function settled(BatchWord self, Terms terms, Clearing clearing) pure returns (BatchWord) {
    return BatchWord.wrap(keccak256(abi.encodePacked(SETTLED_TAG, self, terms, clearing)));
}

function equals(BatchWord a, BatchWord b) pure returns (bool) {
    return BatchWord.unwrap(a) == BatchWord.unwrap(b);
}

function differs(BatchWord a, BatchWord b) pure returns (bool) {
    return BatchWord.unwrap(a) != BatchWord.unwrap(b);
}
