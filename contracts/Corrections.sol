// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {MarketRules} from "./MarketRules.sol";
import {ICorrections, MeterReading} from "./interfaces/ICorrections.sol";
import {BatchData, IEnergyMarket} from "./interfaces/IEnergyMarket.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IRoles} from "./interfaces/IRoles.sol";
import {BatchWord} from "./libraries/BatchWord.sol";
import {Clearing} from "./libraries/Clearing.sol";
import {DECISION_BYTES} from "./libraries/Decision.sol";
import {OrderCodec} from "./libraries/OrderCodec.sol";
import {METERED_BITS, READING_BYTES, Reading, readingFrom, signedBy} from "./libraries/Reading.sol";
import {Recovery} from "./libraries/Recovery.sol";
import {Connection, Roster} from "./libraries/Roster.sol";
import {Settlement} from "./libraries/Settlement.sol";
import {READING_TYPEHASH} from "./libraries/SignedReading.sol";
import {Terms} from "./libraries/Terms.sol";

/// @title Corrections: one market's corrected readings, from their proposal to their booking
contract Corrections is MarketRules, ICorrections {
    using Roster for Roster.Page;
    using Settlement for Settlement.Rules;

    bytes32 private constant CORRECTION_TYPEHASH =
        keccak256("MeterCorrection(uint32 interval,uint16 batch,uint16 run,bytes32 metered,uint40 delivered)");
    bytes32 private constant OPERATOR = "operator";
    bytes32 private constant METERING_OPERATOR = "metering operator";

    /// @param from when it can be booked
    /// @param by who was the metering operator when it was proposed: another one's word it is not
    struct Proposal {
        uint40 from;
        bool cancelled;
        address by;
    }

    /// @param number days since 1970
    /// @param moved base units of participants' cash, up and down
    struct Day {
        uint64 number;
        uint192 moved;
    }

    uint256 private immutable CAP;
    /// @inheritdoc ICorrections
    address public market;

    mapping(bytes32 id => Proposal) private _proposals;
    /// @dev What meters said for themselves: signed readings, zero where a meter has not spoken.
    mapping(uint256 interval => mapping(uint256 account => Reading)) private _contested;
    Day private _today;

    /// @dev Created before its market, which would have no room for it.
    constructor(IParticipantRegistry registry_) MarketRules(registry_) {
        CAP = registry_.config().correctionCap;
    }

    /// @inheritdoc ICorrections
    function bind(IParticipantRegistry registry_) external {
        require(market == address(0) && registry_ == registry, CannotBind(market, registry));
        market = msg.sender;
    }

    /* PROPOSE, CONTEST, CANCEL */

    /// @inheritdoc ICorrections
    function propose(
        uint32 interval,
        uint16 batch,
        uint16 run,
        uint40 delivered,
        BatchWord unread,
        bytes calldata readings,
        bytes calldata signature
    ) external returns (bytes32 id) {
        // Not before everybody's meter has its reading, and could have said so.
        _requireFrom(_readingsDeadline(interval));
        _requireBefore(_correctionDeadline(interval));
        id = _id(interval, batch, run, unread.metered(keccak256(readings)), delivered);
        require(registry.attests(_digest(id), signature), IEnergyMarket.NotAttestedByOperator());
        require(_proposals[id].from == 0, AlreadyProposed(id));

        uint256 from = block.timestamp + CORRECTION_DELAY;
        _proposals[id] = Proposal(uint40(from), false, _holderOf(METERING_OPERATOR));
        emit CorrectionProposed(interval, batch, id, run, delivered, from, readings);
    }

    /// @inheritdoc ICorrections
    function contest(MeterReading calldata reading, bytes calldata signature) external {
        _requireFrom(_deliveryEnd(reading.interval));
        (uint256 account, uint256 interval) = (reading.participant, reading.interval);
        bool fits = (reading.imported | reading.exported) >> METERED_BITS == 0;
        bytes32 digest = _digest(keccak256(abi.encode(READING_TYPEHASH, reading)));
        require(fits && _isMeters(account, digest, signature), NotSignedByMeter(account));
        require(Reading.unwrap(_contested[interval][account]) == 0, AlreadyContested(account));

        _contested[interval][account] = signedBy(reading.imported, reading.exported);
        emit Contested(interval, account, reading.imported, reading.exported);
    }

    function _isMeters(uint256 account, bytes32 digest, bytes calldata signature) private view returns (bool) {
        address signer = Recovery.signer(digest, OrderCodec.word(signature, 0), OrderCodec.word(signature, 32));
        if (signature.length != OrderCodec.SIGNATURE_BYTES || signer == address(0)) return false;
        Roster.Page memory page;
        page.open(registry, account / Roster.PAGE_SIZE);
        return page.knows(account) && page.isMeterKey(account, signer);
    }

    /// @inheritdoc ICorrections
    function cancel(bytes32 id) external {
        require(msg.sender == _holderOf(OPERATOR), IRoles.NotAllowed(msg.sender));
        require(_proposals[id].from != 0, NotProposed(id));
        _proposals[id].cancelled = true;
        emit CorrectionCancelled(id);
    }

    /* BOOK */

    /// @inheritdoc ICorrections
    function book(
        uint256 interval,
        uint256 batch,
        BatchWord metered,
        Terms terms,
        Terms corrected,
        Clearing clearing,
        BatchData calldata data,
        bytes calldata readings
    ) external {
        require(msg.sender == market, OnlyMarket());
        require(corrected.run() > terms.run(), IEnergyMarket.OldRun(corrected.run(), terms.run()));
        _requireInForce(interval, _id(interval, batch, corrected.run(), metered, corrected.delivered()));
        _count(_moved(interval, terms, clearing, data, readings));
    }

    function _requireInForce(uint256 interval, bytes32 id) private view {
        Proposal memory proposal = _proposals[id];
        require(proposal.from != 0, NotProposed(id));
        require(!proposal.cancelled, IsCancelled(id));
        // Whose key was lost is not the metering operator any more; neither is what it proposed.
        require(proposal.by == _holderOf(METERING_OPERATOR), IEnergyMarket.NotAttestedByOperator());
        _requireFrom(proposal.from);
        _requireBefore(_correctionDeadline(interval) + 2 * CORRECTION_DELAY);
    }

    function _count(uint256 moved) private {
        uint256 remaining = left();
        require(moved <= remaining, AboveCorrectionCap(moved, remaining));
        _today = Day(uint64(block.timestamp / 1 days), uint192(CAP - remaining + moved));
    }

    /// @dev By how much the new readings change the cash of the batch's participants, all changes counted as if they were up.
    /// What one loses is not set off against what another gains, so that neither comes to more than the cap.
    /// Refuses new readings that are not one for each order, that change what a meter signed or claim that one did, and that
    /// contradict a meter.
    function _moved(uint256 interval, Terms terms, Clearing clearing, BatchData calldata data, bytes calldata readings)
        private
        view
        returns (uint256 moved)
    {
        uint256 orders = OrderCodec.recordCount(data.records);
        require(readings.length == orders * READING_BYTES, IEnergyMarket.NotInCorrection());
        // The two settlements differ in cash by their readings alone: not by credit, losses, charges, or what trades at limits.
        bool named = data.decisions.length == orders * DECISION_BYTES;
        Settlement.Rules memory rules = Settlement.rules(terms, clearing, named, MAX_LOSS_RATE, MAX_NETWORK_FEE);
        (rules.decisionsAt,) = OrderCodec.bounds(data.decisions);
        Roster.Page memory page;
        (uint256 at,) = OrderCodec.bounds(data.records);
        at += OrderCodec.COUNT_BYTES;
        uint256 oldAt = Settlement.readingsAt(data.records, data.readings);
        (uint256 newAt,) = OrderCodec.bounds(readings);
        for (uint256 i; i < orders; ++i) {
            (uint256 account, uint256 count) = OrderCodec.header(OrderCodec.load(at));
            (Reading old, Reading corrected) = (readingFrom(oldAt), readingFrom(newAt));
            // Asked of each, because decisions are read on from one order to the next.
            (uint256 sell, uint256 buy,, uint256 surplus) = rules.accepted(at, count);
            if (!(old == corrected)) {
                require(!old.hasSignedFlag() && !corrected.hasSignedFlag(), IEnergyMarket.MeterSignedReading(i));
                _requireUncontested(interval, account, corrected);
                page.turnTo(registry, account);
                Connection connection = page.connection(account);
                moved += SignedMath.abs(
                    _cash(rules, sell, buy, surplus, corrected, connection)
                        - _cash(rules, sell, buy, surplus, old, connection)
                );
            }
            at += OrderCodec.recordLength(count);
            oldAt += READING_BYTES;
            newAt += READING_BYTES;
        }
    }

    function _cash(
        Settlement.Rules memory rules,
        uint256 sell,
        uint256 buy,
        uint256 surplus,
        Reading reading,
        Connection connection
    ) private pure returns (int256 cash) {
        (uint256 imported, uint256 exported) = Settlement.metered(reading, buy, connection);
        (cash,) = rules.payment(sell, buy, 0, surplus, imported, exported);
    }

    function _requireUncontested(uint256 interval, uint256 account, Reading corrected) private view {
        Reading own = _contested[interval][account];
        if (Reading.unwrap(own) == 0) return;
        bool same = !corrected.isMissing() && corrected.imported() == own.imported();
        require(same && corrected.exported() == own.exported(), ContestedReading(account));
    }

    /* READ */

    /// @inheritdoc ICorrections
    function bookableFrom(bytes32 id) external view returns (uint256) {
        return _proposals[id].from;
    }

    /// @inheritdoc ICorrections
    function left() public view returns (uint256) {
        return _today.number == block.timestamp / 1 days ? CAP - _today.moved : CAP;
    }

    function _holderOf(bytes32 role) private view returns (address) {
        return IRoles(address(registry)).holderOf(role);
    }

    /// @dev What the metering operator signs of a correction, and what it is known by here.
    function _id(uint256 interval, uint256 batch, uint256 run, BatchWord metered, uint256 delivered)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(CORRECTION_TYPEHASH, interval, batch, run, metered, delivered));
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(IEnergyMarket(market).domainSeparator(), structHash);
    }
}
