// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IParticipantRegistry, MarketConfig} from "./interfaces/IParticipantRegistry.sol";
import {ISettler} from "./interfaces/ISettler.sol";
import {Clearing} from "./libraries/Clearing.sol";
import {OrderCodec} from "./libraries/OrderCodec.sol";
import {Recovery} from "./libraries/Recovery.sol";
import {Roster} from "./libraries/Roster.sol";
import {Booking, Settlement, Sums, pack} from "./libraries/Settlement.sol";
import {Terms} from "./libraries/Terms.sol";

/// @title Settler: walks over a market's batches
contract Settler is ISettler {
    using Roster for Roster.Page;
    using Settlement for Settlement.Rules;

    bytes32 private constant READING_TYPEHASH = keccak256(
        "MeterReading(uint32 interval,uint16 participant,uint32 imported,uint32 exported,uint48 importRegister,uint48 exportRegister)"
    );
    uint256 private constant SIGNED_READING_BYTES = 86;

    IParticipantRegistry private immutable REGISTRY;
    uint256 private immutable INTERVAL_LENGTH;
    uint256 private immutable BASE_PRICE;
    uint256 private immutable TICK_SIZE;
    uint256 private immutable MAX_LOSS_RATE;

    constructor(IParticipantRegistry registry) {
        REGISTRY = registry;
        MarketConfig memory c = registry.config();
        INTERVAL_LENGTH = c.intervalLength;
        BASE_PRICE = c.basePrice;
        TICK_SIZE = c.tickSize;
        MAX_LOSS_RATE = c.maxLossRate;
    }

    /// @inheritdoc ISettler
    function settle(
        Terms terms,
        Clearing clearing,
        bytes calldata records,
        bytes calldata decisions,
        bytes calldata readings
    ) external view returns (Booking[] memory bookings, Sums memory sums) {
        uint256 orders = OrderCodec.recordCount(records);
        Settlement.Rules memory rules = _rules(terms, clearing, decisions.length, orders);
        bool read = readings.length == orders * OrderCodec.READING_BYTES;
        Roster.Page memory page;
        bookings = new Booking[](orders);
        uint256 at;
        unchecked {
            for (uint256 i; i < orders; ++i) {
                (uint256 participant, uint256 count) = OrderCodec.header(records, at);
                _turn(page, participant);
                (uint256 imports, uint256 exports) = page.energyLimits(participant, INTERVAL_LENGTH);
                (uint256 sell, uint256 buy, uint256 loss) = rules.accepted(records, at, count, decisions, i);
                (uint256 imported, uint256 exported) =
                    Settlement.metered(read ? OrderCodec.reading(readings, i) : 0, buy, imports, exports);
                int256 cash = rules.payment(sums, sell, buy, loss, imported, exported);
                uint256 credit = rules.peerEnergy(buy);
                sums.credit += int256(credit);
                _put(bookings, i, pack(participant, cash, credit, imports + exports));
                at += OrderCodec.recordLength(count);
            }
        }
    }

    /// @inheritdoc ISettler
    function overrule(
        bytes32 domain,
        uint256 interval,
        Terms terms,
        Clearing clearing,
        bytes calldata records,
        bytes calldata decisions,
        bytes calldata readings,
        bytes calldata signedReadings
    ) external view returns (bytes memory overruled, int256 change, uint256[] memory skipped) {
        uint256 orders = OrderCodec.recordCount(records);
        Settlement.Rules memory rules = _rules(terms, clearing, decisions.length, orders);
        bool read = readings.length == orders * OrderCodec.READING_BYTES;
        Roster.Page memory page;
        overruled = new bytes(orders * OrderCodec.READING_BYTES + 32);
        skipped = new uint256[](signedReadings.length / SIGNED_READING_BYTES);
        uint256 skips;
        uint256 next;
        uint256 at;
        unchecked {
            for (uint256 i; i < orders; ++i) {
                (uint256 participant, uint256 count) = OrderCodec.header(records, at);
                uint256 reading = read ? OrderCodec.reading(readings, i) : 0;
                if (next < skipped.length && _position(signedReadings, next) == i) {
                    _turn(page, participant);
                    (bool taken, uint256 replacement) =
                        _signed(page, domain, interval, participant, reading, signedReadings, next++);
                    if (taken) {
                        (uint256 imports, uint256 exports) = page.energyLimits(participant, INTERVAL_LENGTH);
                        (uint256 sell,,) = rules.accepted(records, at, count, decisions, i);
                        (, uint256 exported) = Settlement.metered(replacement, 0, imports, exports);
                        change += int256(Math.min(sell, exported));
                        (, exported) = Settlement.metered(reading, 0, imports, exports);
                        change -= int256(Math.min(sell, exported));
                        reading = replacement;
                    } else {
                        skipped[skips++] = i;
                    }
                }
                OrderCodec.write(overruled, i * OrderCodec.READING_BYTES, reading, OrderCodec.READING_BYTES);
                at += OrderCodec.recordLength(count);
            }
            // Positions that no order has, or that do not ascend.
            while (next < skipped.length) {
                skipped[skips++] = _position(signedReadings, next++);
            }
        }
        OrderCodec.truncate(overruled, orders * OrderCodec.READING_BYTES);
        assembly ("memory-safe") {
            mstore(skipped, skips)
        }
    }

    /// @dev `bookings[i] = booking`, without the check of `i`, which counts to their number.
    function _put(Booking[] memory bookings, uint256 i, Booking booking) private pure {
        assembly ("memory-safe") {
            mstore(add(add(bookings, 0x20), shl(5, i)), booking)
        }
    }

    function _rules(Terms terms, Clearing clearing, uint256 decisionBytes, uint256 orders)
        private
        view
        returns (Settlement.Rules memory)
    {
        uint256 price = BASE_PRICE + clearing.priceTick() * TICK_SIZE;
        bool named = decisionBytes == orders * Settlement.DECISION_BYTES;
        return Settlement.rules(terms, clearing, price, MAX_LOSS_RATE, named);
    }

    /// @dev Makes `page` the participant's.
    function _turn(Roster.Page memory page, uint256 participant) private view {
        unchecked {
            uint256 number = participant / Roster.PAGE_SIZE;
            if (page.index != number + 1) page.open(REGISTRY, number);
        }
    }

    function _position(bytes calldata signedReadings, uint256 index) private pure returns (uint256) {
        unchecked {
            return OrderCodec.word(signedReadings, index * SIGNED_READING_BYTES) >> 240;
        }
    }

    /// @dev Signed reading `index`, packed, if the participant's meter signed it and `reading` was not signed before.
    function _signed(
        Roster.Page memory page,
        bytes32 domain,
        uint256 interval,
        uint256 participant,
        uint256 reading,
        bytes calldata signedReadings,
        uint256 index
    ) private view returns (bool taken, uint256 replacement) {
        unchecked {
            uint256 at = index * SIGNED_READING_BYTES;
            uint256 word = OrderCodec.word(signedReadings, at);
            uint256 imported = uint32(word >> 208);
            uint256 exported = uint32(word >> 176);
            // A packed reading has 31 bits for each.
            if (reading >> 62 == Settlement.SIGNED || (imported | exported) >> 31 != 0) return (false, 0);
            address signer = Recovery.signer(
                _readingDigest(domain, interval, participant, word),
                OrderCodec.word(signedReadings, at + 22),
                OrderCodec.word(signedReadings, at + 54)
            );
            return
                (signer == page.meterKey(participant), (Settlement.SIGNED << 62) | (imported << 31) | exported);
        }
    }

    /// @param word position (2 bytes), imported (4), exported (4), import register (6), export register (6)
    function _readingDigest(bytes32 domain, uint256 interval, uint256 participant, uint256 word)
        private
        pure
        returns (bytes32)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                READING_TYPEHASH,
                interval,
                participant,
                uint32(word >> 208),
                uint32(word >> 176),
                uint48(word >> 128),
                uint48(word >> 80)
            )
        );
        return MessageHashUtils.toTypedDataHash(domain, structHash);
    }
}
