// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {NetworkReport} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {OperatingEnvelope} from "../../../contracts/interfaces/IOperatingEnvelopes.sol";
import {compact, within} from "../Vm.sol";
import {Community} from "./Community.sol";

/// @title What participants, meters, the committee and the metering operator pack and sign
abstract contract Papers is Community {
    bytes32 private constant ORDER_TYPEHASH = keccak256(
        "Order(uint32 interval,uint16 participant,Step[] steps)Step(uint8 side,uint8 tick,uint32 quantity)"
    );
    bytes32 private constant STEP_TYPEHASH = keccak256("Step(uint8 side,uint8 tick,uint32 quantity)");
    bytes32 internal constant REPORT_TYPEHASH = keccak256(
        "NetworkReport(uint32 interval,uint8 verdict,uint40 volume,uint24 lossRate,bytes32 feederHash,bytes32 inputsHash,bytes32 clearingHash,bytes32 decisionsHash)"
    );
    bytes32 private constant ATTESTATION_TYPEHASH =
        keccak256("MeterAttestation(uint32 interval,uint16 run,bytes32 readingsHash,uint40 delivered)");
    bytes32 private constant READING_TYPEHASH = keccak256(
        "MeterReading(uint32 interval,uint16 participant,uint32 imported,uint32 exported,uint48 importRegister,uint48 exportRegister)"
    );

    bytes32 private constant ENVELOPE_TYPEHASH = keccak256(
        "OperatingEnvelope(uint32 interval,uint16 page,bytes32 feederHash,bytes32 inputsHash,bytes limits)"
    );
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// Orders of about half of all people, one after the other.
    function _someOrders(uint256 interval, uint256 seed) internal view returns (bytes memory orders) {
        for (uint256 i; i < PEOPLE; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            if (draw & 1 == 0) orders = abi.encodePacked(orders, _order(interval, FIRST + i, draw));
        }
    }

    function _order(uint256 interval, uint256 account, uint256 draw) internal view returns (bytes memory) {
        uint256 count = within(draw >> 8, 1, 3);
        bytes memory steps;
        bytes memory hashes;
        uint256 side = (draw >> 16) & 1;
        for (uint256 i; i < count; ++i) {
            uint256 tick = LOWEST_ASK + 4 * i + ((draw >> (20 + 4 * i)) & 3) + BID_ABOVE * (1 - side);
            uint256 quantity = within(draw >> (60 + 20 * i), 1, 500);
            steps = abi.encodePacked(steps, uint32((side << 31) | (tick << 23) | quantity));
            hashes = abi.encodePacked(hashes, keccak256(abi.encode(STEP_TYPEHASH, side, tick, quantity)));
        }
        // One in eight signs with a foreign key.
        uint256 key = (draw >> 17) & 7 == 0 ? _meterKey(account) : _orderKey(account);
        bytes32 digest = _digest(keccak256(abi.encode(ORDER_TYPEHASH, interval, account, keccak256(hashes))));
        return abi.encodePacked(uint16(account), uint8(count), steps, compact(key, digest));
    }

    function _decisions(uint256 interval, uint256 seed) internal view returns (bytes[] memory vectors) {
        vectors = new bytes[](batches[interval].length);
        for (uint256 i; i < vectors.length; ++i) {
            uint256 orders = _orders(batches[interval][i].records);
            if (uint256(keccak256(abi.encode(seed, i))) % 4 == 0) continue;
            for (uint256 j; j < orders; ++j) {
                uint256 draw = uint256(keccak256(abi.encode(seed, i, j)));
                (uint32 sell, uint32 buy) = (uint32(draw % 400), uint32((draw >> 32) % 400));
                vectors[i] =
                    abi.encodePacked(vectors[i], sell, buy, uint32(draw >> 250), uint32((draw >> 64) % 20_000));
            }
        }
    }

    /// What a meter signed is repeated, mostly: a correction that changes it is refused.
    function _readings(uint256 interval, uint256 seed) internal view returns (bytes[] memory vectors) {
        vectors = new bytes[](batches[interval].length);
        for (uint256 i; i < vectors.length; ++i) {
            Batch storage batch = batches[interval][i];
            uint256 orders = _orders(batch.records);
            bytes memory old = batch.readings;
            for (uint256 j; j < orders; ++j) {
                uint256 draw = uint256(keccak256(abi.encode(seed, i, j)));
                uint256 reading = ((draw % 2) << 62) | (((draw >> 8) % 1200) << 31) | ((draw >> 32) % 1200);
                if (old.length == 8 * orders && uint8(old[8 * j]) >> 6 == 2 && draw >> 253 != 0) {
                    reading = 0;
                    for (uint256 k; k < 8; ++k) {
                        reading = (reading << 8) | uint8(old[8 * j + k]);
                    }
                }
                vectors[i] = abi.encodePacked(vectors[i], uint64(reading));
            }
        }
    }

    function _signedReading(uint256 interval, uint256 position, uint256 account, uint256 draw)
        internal
        view
        returns (bytes memory)
    {
        (uint256 imported, uint256 exported) = ((draw >> 8) % 1200, (draw >> 32) % 1200);
        bytes32 structHash = keccak256(abi.encode(READING_TYPEHASH, interval, account, imported, exported, 7, 9));
        uint256 key = (draw >> 64) & 7 == 0 ? _orderKey(account) : _meterKey(account);
        bytes memory signature = compact(key, _digest(structHash));
        return abi.encodePacked(
            uint16(position), uint32(imported), uint32(exported), uint48(7), uint48(9), signature
        );
    }

    function _attestation(uint256 interval, uint256 run, bytes32 readingsHash, uint256 delivered)
        internal
        view
        returns (bytes memory)
    {
        bytes32 structHash = keccak256(abi.encode(ATTESTATION_TYPEHASH, interval, run, readingsHash, delivered));
        return compact(OPERATOR_KEY, _digest(structHash));
    }

    /// Signatures of so many members of the committee, from the first on, and who they are.
    function _signedBy(uint256 members, bytes32 digest)
        internal
        pure
        returns (uint256 signers, bytes memory signatures)
    {
        for (uint256 i; i < members; ++i) {
            signatures = abi.encodePacked(signatures, compact(COMMITTEE_KEY + i, digest));
        }
        signers = (1 << members) - 1;
    }

    function _envelopeDigest(OperatingEnvelope memory e) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPEHASH, keccak256("Peerwatt"), keccak256("1"), block.chainid, address(envelopes)
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(ENVELOPE_TYPEHASH, e.interval, e.page, e.feederHash, e.inputsHash, keccak256(e.limits))
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", market.domainSeparator(), structHash));
    }

    function _hashes(bytes[] memory vectors) internal pure returns (bytes32) {
        bytes memory hashes;
        for (uint256 i; i < vectors.length; ++i) {
            hashes = abi.encodePacked(hashes, keccak256(vectors[i]));
        }
        return keccak256(hashes);
    }

    function _participant(bytes memory packed, uint256 at) internal pure returns (uint256) {
        return (uint256(uint8(packed[at])) << 8) | uint8(packed[at + 1]);
    }

    /// Where the record after the one at `at` begins.
    function _next(bytes memory records, uint256 at) internal pure returns (uint256) {
        return at + 3 + 8 * uint256(uint8(records[at + 2]));
    }

    /// Wh that the order or record at `at` bids and asks; `stride` bytes from step to step.
    function _offer(bytes memory packed, uint256 at, uint256 stride)
        internal
        pure
        returns (uint256 bids, uint256 asks)
    {
        uint256 end = at + 3 + stride * uint256(uint8(packed[at + 2]));
        for (at += 3; at < end; at += stride) {
            uint256 word;
            assembly ("memory-safe") {
                word := shr(224, mload(add(add(packed, 32), at)))
            }
            if (word >> 31 == 0) bids += word & 0x7fffff;
            else asks += word & 0x7fffff;
        }
    }

    function _orders(bytes memory records) internal pure returns (uint256) {
        return (uint256(uint8(records[0])) << 8) | uint8(records[1]);
    }
}
