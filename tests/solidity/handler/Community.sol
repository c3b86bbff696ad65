// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EnergyMarket} from "../../../contracts/EnergyMarket.sol";
import {EnergyToken} from "../../../contracts/EnergyToken.sol";
import {GridGate} from "../../../contracts/GridGate.sol";
import {ParticipantRegistry} from "../../../contracts/ParticipantRegistry.sol";
import {BatchData, Interval} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {IOperatingEnvelopes} from "../../../contracts/interfaces/IOperatingEnvelopes.sol";
import {MarketConfig, Participant, Pricing, Tariff} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Clearing} from "../../../contracts/libraries/Clearing.sol";
import {Terms} from "../../../contracts/libraries/Terms.sol";
import {PaymentToken} from "../../../contracts/mocks/PaymentToken.sol";
import {vm} from "../Vm.sol";

/// @title A market, everybody in it with their keys, and what each batch must be shown with
abstract contract Community {
    uint256 internal constant LENGTH = 900;
    uint256 internal constant RING = 4;
    uint256 internal constant FIRST = 4;
    /// @dev The last two are registered while the market runs.
    uint256 internal constant PEOPLE = 6;
    uint256 internal constant FOUNDERS = 4;
    uint256 internal constant OPERATOR_KEY = 0xBEEF;
    uint256 internal constant COMMITTEE_KEY = 0xC0FFEE;

    PaymentToken public immutable token;
    ParticipantRegistry public immutable registry;
    GridGate public immutable gate;
    EnergyMarket public immutable market;
    EnergyToken public immutable energyToken;

    /// What a batch must be shown with, and what it was last settled by.
    struct Batch {
        bytes records;
        bytes32 previous;
        bytes decisions;
        bytes readings;
        Terms terms;
        Clearing clearing;
        bool settled;
    }

    mapping(uint256 interval => Batch[]) internal batches;
    uint256[] internal intervals;
    uint256 public paidIn;
    uint256 public paidOut;
    uint256 public retired;
    mapping(bytes32 act => uint256) public done;
    /// How many accounts there were when an interval opened.
    mapping(uint256 interval => uint256) internal known;
    /// What an act found broken: a revert in an act would go unnoticed.
    string public broken;

    constructor() {
        vm.warp(1_600_000 * LENGTH);
        token = new PaymentToken();
        address[4] memory wallets = [_wallet(0), _wallet(1), _wallet(2), _wallet(3)];
        registry = new ParticipantRegistry(
            MarketConfig(
                900, 300, 240, 300, 300, 86_400, 2, uint16(RING), 100, 1, 400, 50_000, 0, 0, 25, Pricing.Uniform, 0
            ),
            Tariff(300, 80, 20),
            address(this),
            vm.addr(OPERATOR_KEY),
            wallets
        );
        address[] memory members = new address[](4);
        for (uint256 i; i < 4; ++i) {
            members[i] = vm.addr(COMMITTEE_KEY + i);
        }
        gate = new GridGate(address(this), LENGTH, 2, members, 3);
        market = new EnergyMarket(registry, gate, token, IOperatingEnvelopes(address(0)));
        energyToken = market.energyToken();
        token.mint(address(this), 1e18);
        token.approve(address(market), type(uint256).max);
        for (uint256 i; i < FOUNDERS; ++i) {
            _register();
        }
        _deposit(0, 2 * market.marginOf(0));
    }

    function people() external pure returns (uint256) {
        return FIRST + PEOPLE;
    }

    /* PARTS */

    function _settle(uint256 interval, uint256 number) internal {
        Batch storage batch = batches[interval][number];
        (bool found, Interval memory state) = _state(interval);
        if (!found) return;
        try market.settle(interval, number, _data(batch)) {
            ++done["settle"];
            (batch.settled, batch.terms, batch.clearing) = (true, state.terms, state.clearing);
        } catch {}
    }

    function _data(Batch storage batch) internal view returns (BatchData memory) {
        return BatchData(batch.records, batch.decisions, batch.readings, batch.previous);
    }

    /// The next of the people, with its margin.
    function _register() internal {
        uint256 account = registry.accountCount();
        Participant[] memory next = new Participant[](1);
        next[0] = Participant(_wallet(account), vm.addr(_orderKey(account)), vm.addr(_meterKey(account)), 0, 40, 40);
        registry.register(next);
        _deposit(account, market.marginOf(account));
    }

    function _deposit(uint256 account, uint256 amount) internal {
        market.deposit(account, amount);
        paidIn += amount;
    }

    function _withdraw(uint256 account, uint256 amount) internal returns (bool) {
        vm.prank(_wallet(account));
        try market.withdraw(account, amount) {
            paidOut += amount;
            return true;
        } catch {
            return false;
        }
    }
    function _pick(uint256 which) internal view returns (uint256) {
        uint256 recent = intervals.length < 5 ? intervals.length : 5;
        return recent == 0 ? 0 : intervals[intervals.length - 1 - which % recent];
    }

    function _state(uint256 interval) internal view returns (bool, Interval memory state) {
        try market.intervalState(interval) returns (Interval memory found) {
            return (true, found);
        } catch {
            return (false, state);
        }
    }

    function _wallet(uint256 account) internal pure returns (address) {
        return address(uint160(0x10000 + account));
    }

    function _orderKey(uint256 account) internal pure returns (uint256) {
        return 1_000 + account;
    }

    function _meterKey(uint256 account) internal pure returns (uint256) {
        return 2_000 + account;
    }
}
