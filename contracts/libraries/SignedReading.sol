// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OrderCodec} from "./OrderCodec.sol";
import {field} from "./PackedWord.sol";

/// What a meter signed, 86 bytes, and the position of its order in the batch. The first word:
///
///   255..240   239..208       207..176       175..128              127..80               79..0
///   position   imported, Wh   exported, Wh   import register, Wh   export register, Wh   10 bytes of the signature
///
/// The signature (64 bytes, EIP-2098) begins behind the registers, which are the meter's counters at the interval's end.
type SignedReading is uint256;

using {position, imported, exported, importRegister, exportRegister} for SignedReading global;

/// @dev What a meter signs, as EIP-712 names it.
bytes32 constant READING_TYPEHASH = keccak256(
    "MeterReading(uint32 interval,uint16 participant,uint32 imported,uint32 exported,uint48 importRegister,uint48 exportRegister)"
);
uint256 constant SIGNED_READING_BYTES = 86;
/// @dev Where in the 86 bytes the two words of the signature begin.
uint256 constant SIGNATURE_R_AT = 22;
uint256 constant SIGNATURE_VS_AT = 54;
uint256 constant POSITION_OFFSET = 240;
uint256 constant IMPORTED_OFFSET = 208;
uint256 constant EXPORTED_OFFSET = 176;
uint256 constant ENERGY_BITS = 32;
uint256 constant IMPORT_REGISTER_OFFSET = 128;
uint256 constant EXPORT_REGISTER_OFFSET = 80;
uint256 constant REGISTER_BITS = 48;

/// @notice The first word of the signed reading at `at` of the calldata.
function signedReadingFrom(uint256 at) pure returns (SignedReading) {
    return SignedReading.wrap(OrderCodec.load(at));
}

function position(SignedReading self) pure returns (uint256) {
    return SignedReading.unwrap(self) >> POSITION_OFFSET;
}

function imported(SignedReading self) pure returns (uint256) {
    return field(SignedReading.unwrap(self), IMPORTED_OFFSET, ENERGY_BITS);
}

function exported(SignedReading self) pure returns (uint256) {
    return field(SignedReading.unwrap(self), EXPORTED_OFFSET, ENERGY_BITS);
}

function importRegister(SignedReading self) pure returns (uint256) {
    return field(SignedReading.unwrap(self), IMPORT_REGISTER_OFFSET, REGISTER_BITS);
}

function exportRegister(SignedReading self) pure returns (uint256) {
    return field(SignedReading.unwrap(self), EXPORT_REGISTER_OFFSET, REGISTER_BITS);
}
