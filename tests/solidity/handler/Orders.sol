// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {compact, within} from "../Vm.sol";
import {Papers} from "./Papers.sol";

/// @title What participants offer: batches of orders of one to eight steps, few or many, mostly well made
abstract contract Orders is Papers {
    bytes32 private constant ORDER_TYPEHASH =
        keccak256("Order(uint32 interval,uint16 participant,Step[] steps)Step(uint8 side,uint8 tick,uint32 quantity)");
    bytes32 private constant STEP_TYPEHASH = keccak256("Step(uint8 side,uint8 tick,uint32 quantity)");

    uint256 internal constant MAX_STEPS = 8;
    uint256 internal constant QUANTITY_MAX = (1 << 23) - 1;
    uint256 private constant GAP_MAX = 2;
    /// @dev Where those who rush meet, ticks above where their side begins: so that any step of theirs can be the one
    /// there.
    uint256 private constant RUSH = GAP_MAX * MAX_STEPS;
    /// @dev Where some of them bid and others ask, they are up to so many ticks above: not all are the last who trade.
    uint256 private constant APART = 1;
    /// @dev Those who rush are in so many groups.
    uint256 internal constant GROUPS = 6;
    /// @dev How many ticks of a side are used, from where it begins.
    uint256 internal constant SPREAD = RUSH + GAP_MAX * MAX_STEPS + 1;
    /// @dev What a step beside the large one of a rush has at most, Wh.
    uint256 private constant BESIDE = 100;
    /// @dev What an order has at most on a side, but in a rush, Wh.
    uint256 private constant USUAL_MAX = 100_000;

    mapping(uint256 interval => mapping(uint256 account => bool)) internal _hasOrder;

    /// Who posts: everybody, about half of them, or those who have plants.
    enum Who {
        All,
        Half,
        Plants
    }

    /// How the orders of a batch are made.
    /// @param rushes whether all that their connections carry is offered at about one tick
    /// @param sellers how many of the groups ask in a rush, while the others bid: where all are on one side lanes fill up,
    /// else much is traded
    /// @param careful whether no order is over its limit or has a flaw, and hardly any is somebody's second
    /// @param leastSteps of each order
    struct Manner {
        Who who;
        bool rushes;
        uint256 sellers;
        bool careful;
        uint256 leastSteps;
    }

    /// One side of an order.
    /// @param tick of its first step
    /// @param gap ticks from step to step
    /// @param most of a usual step, Wh
    /// @param large what the step `largeAt` has instead, Wh; zero: none is larger
    struct Ladder {
        uint256 side;
        uint256 tick;
        uint256 gap;
        uint256 most;
        uint256 large;
        uint256 largeAt;
    }

    /// What is wrong with an order.
    enum Flaw {
        None,
        ForeignKey,
        NoQuantity,
        NotAscending,
        CrossesItself,
        StepCount,
        Stranger
    }

    function _someOrders(uint256 interval, uint256 seed) internal view returns (bytes memory orders) {
        bool rushes = (seed >> 1) % 3 == 0;
        // Every third batch has as many steps as it can.
        uint256 leastSteps = (seed >> 6) % 3 == 0 ? MAX_STEPS : within(seed >> 8, 1, MAX_STEPS);
        bool careful = (seed >> 4) & 3 != 0;
        uint256 sellers = interval & 1 == 0 ? within(interval >> 1, 1, 3) : (interval >> 1) & 1 == 0 ? 0 : GROUPS;
        Manner memory manner =
            Manner(rushes || seed & 1 == 0 ? Who.All : Who.Half, rushes, sellers, careful, leastSteps);
        return _batchOf(interval, manner, seed);
    }

    /// A rush of the plants alone.
    function _plantOrders(uint256 interval, uint256 sellers, uint256 seed) internal view returns (bytes memory orders) {
        return _batchOf(interval, Manner(Who.Plants, true, sellers, true, 1), seed);
    }

    /// One order each, in some order of the people.
    function _batchOf(uint256 interval, Manner memory manner, uint256 seed) private view returns (bytes memory orders) {
        (uint256 first, uint256 stride) = ((seed >> 16) % PEOPLE, within(seed >> 32, 1, PEOPLE - 1));
        for (uint256 i; i < PEOPLE; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            if (manner.who == Who.Half && draw & 1 == 0) continue;
            uint256 account = _person((first + i * stride) % PEOPLE);
            if (manner.who == Who.Plants && !_isPlant(account)) continue;
            if (manner.careful && _hasOrder[interval][account] && (draw >> 1) & 7 != 0) continue;
            orders = abi.encodePacked(orders, _order(interval, account, manner, draw));
        }
    }

    function _order(uint256 interval, uint256 account, Manner memory manner, uint256 draw)
        private
        view
        returns (bytes memory order)
    {
        uint256 flaws = uint256(type(Flaw).max);
        uint256 drawn = within(draw >> 8, 0, 2 * flaws);
        Flaw flaw = manner.careful || drawn > flaws ? Flaw.None : Flaw(drawn);
        uint256 count = within(draw >> 16, manner.leastSteps, MAX_STEPS);
        if (flaw == Flaw.StepCount) count = draw & 2 == 0 ? 0 : MAX_STEPS + 1;
        uint256 rushSide = _rushSide(account, manner.sellers);
        uint32[] memory steps = _steps(rushSide, account, manner, count, flaw == Flaw.CrossesItself, draw >> 32);
        if (flaw == Flaw.NoQuantity) steps[0] -= steps[0] & uint32(QUANTITY_MAX);
        if (flaw == Flaw.NotAscending) steps[count - 1] = steps[0];
        uint256 key = flaw == Flaw.ForeignKey ? _meterKey(account) : _orderKey(account);
        // An operator, one who never pays in, one whom nobody registered.
        if (flaw == Flaw.Stranger) account = [2, PAGE_SIZE - 1, _accountsInAll() + 1][(draw >> 24) % 3];

        order = abi.encodePacked(uint16(account), uint8(count));
        for (uint256 i; i < count; ++i) {
            order = abi.encodePacked(order, steps[i]);
        }
        order = abi.encodePacked(order, compact(key, _orderDigest(interval, order, 0)));
    }

    function _rushSide(uint256 account, uint256 sellers) private pure returns (uint256) {
        return (account >> 1) % GROUPS < sellers ? 1 : 0;
    }

    /// Bids or asks, in a rush on its side; now and then bids and, above them, asks.
    /// @param crosses whether some asks are no higher than its bids
    function _steps(uint256 rushSide, uint256 account, Manner memory manner, uint256 count, bool crosses, uint256 draw)
        private
        view
        returns (uint32[] memory steps)
    {
        steps = new uint32[](count);
        uint256 bids = within(draw, 0, count);
        if (manner.rushes && bids == (rushSide == 0 ? 0 : count)) bids = count - bids;
        if (!crosses && (draw >> 200) & 3 != 0) {
            bids = (manner.rushes ? rushSide == 0 : (draw >> 202) & 1 == 0) ? count : 0;
        }
        (uint256 imports, uint256 exports) = _powers(account);
        Ladder memory bid = _ladder(0, bids, _energy(imports), manner, rushSide == 0, draw >> 8);
        Ladder memory ask = _ladder(1, count - bids, _energy(exports), manner, rushSide == 1, draw >> 16);
        if (bids != 0 && !crosses) {
            uint256 above = bid.tick + (bids - 1) * bid.gap + 1;
            if (ask.tick < above) ask.tick = above;
        }
        for (uint256 i; i < count; ++i) {
            steps[i] = i < bids ? _step(bid, i, draw >> i) : _step(ask, i - bids, draw >> i);
        }
    }

    function _ladder(uint256 side, uint256 count, uint256 limit, Manner memory manner, bool isRushSide, uint256 draw)
        private
        view
        returns (Ladder memory l)
    {
        (l.side, l.tick, l.gap) = (side, side == 0 ? LOWEST_ASK + BID_ABOVE : LOWEST_ASK, within(draw, 1, GAP_MAX));
        if (count == 0) return l;
        if (manner.rushes) {
            l.most = BESIDE;
            if (!isRushSide) return l;
            l.largeAt = (draw >> 8) % count;
            l.large = limit - (manner.careful ? BESIDE * count : 0);
            l.tick += RUSH - l.largeAt * l.gap + (manner.sellers % GROUPS != 0 ? within(draw >> 16, 0, APART) : 0);
        } else {
            l.tick += (draw >> 8) & 3;
            if (limit > USUAL_MAX) limit = USUAL_MAX;
            l.most = (manner.careful ? limit : limit + limit / 2) / count;
        }
    }

    function _step(Ladder memory l, uint256 i, uint256 draw) private pure returns (uint32) {
        uint256 quantity = l.large != 0 && i == l.largeAt ? l.large : within(draw >> 24, 1, l.most);
        return uint32((l.side << 31) | ((l.tick + i * l.gap) << 23) | quantity);
    }

    /// What the participant signs of the packed order at `at`.
    function _orderDigest(uint256 interval, bytes memory packed, uint256 at) internal view returns (bytes32) {
        bytes memory hashes;
        uint256 count = _stepCount(packed, at);
        for (uint256 i; i < count; ++i) {
            uint256 step = _word(packed, at + 3 + ORDER_STRIDE * i) >> 224;
            hashes = abi.encodePacked(
                hashes, keccak256(abi.encode(STEP_TYPEHASH, step >> 31, (step >> 23) & 0xff, step & QUANTITY_MAX))
            );
        }
        return _digest(keccak256(abi.encode(ORDER_TYPEHASH, interval, _participant(packed, at), keccak256(hashes))));
    }
}
