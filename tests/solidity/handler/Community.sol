// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EnergyMarket} from "../../../contracts/EnergyMarket.sol";
import {EnergyToken} from "../../../contracts/EnergyToken.sol";
import {GridGate} from "../../../contracts/GridGate.sol";
import {OperatingEnvelopes} from "../../../contracts/OperatingEnvelopes.sol";
import {ParticipantRegistry} from "../../../contracts/ParticipantRegistry.sol";
import {SealedBatches} from "../../../contracts/SealedBatches.sol";
import {BatchData, Interval} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {MarketConfig, Participant, Pricing, Tariff} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Clearing} from "../../../contracts/libraries/Clearing.sol";
import {Terms, Verdict} from "../../../contracts/libraries/Terms.sol";
import {PaymentToken} from "../../../contracts/mocks/PaymentToken.sol";
import {vm, within} from "../Vm.sol";

/// Which market is played.
/// @param lowestAsk the tick where asks begin
/// @param bidAbove where bids begin, ticks above them: a price that follows the tariff lies in a wide range
struct Kind {
    Pricing pricing;
    bool isSealed;
    bool hasEnvelopes;
    uint256 lowestAsk;
    uint256 bidAbove;
}

/// @title A market, everybody in it with their keys, and what each batch must be shown with
/// @dev Deployed from what forge compiled: `new` would have the compiler optimise every contract again, here and in each suite.
abstract contract Community {
    uint256 internal constant LENGTH = 900;
    uint256 internal constant GATE_LEAD = 300;
    uint256 internal constant REPORT_WINDOW = 240;
    uint256 internal constant ATTEST_WINDOW = 300;
    uint256 internal constant OVERRULE_WINDOW = 300;
    uint256 internal constant OPEN_AHEAD = 2;
    /// @dev What each connection carries both ways, units of 100 W.
    uint256 internal constant POWER = 40;
    uint256 public constant BOND = 5_000_000;
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
    /// Zero in an open market.
    SealedBatches public immutable sealedBatches;
    /// Zero in a market without envelopes.
    OperatingEnvelopes public immutable envelopes;
    uint256 internal immutable REVEAL_WINDOW;
    uint256 internal immutable LOWEST_ASK;
    uint256 internal immutable BID_ABOVE;

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

    constructor(Kind memory kind) {
        REVEAL_WINDOW = kind.isSealed ? 120 : 0;
        (LOWEST_ASK, BID_ABOVE) = (kind.lowestAsk, kind.bidAbove);
        vm.warp(1_600_000 * LENGTH);
        token = PaymentToken(vm.deployCode("PaymentToken.sol", ""));
        registry = _createRegistry(kind);
        address[] memory members = new address[](4);
        for (uint256 i; i < 4; ++i) {
            members[i] = vm.addr(COMMITTEE_KEY + i);
        }
        gate = GridGate(vm.deployCode("GridGate.sol", abi.encode(address(this), LENGTH, OPEN_AHEAD, members, 3)));
        if (kind.hasEnvelopes) {
            envelopes = OperatingEnvelopes(vm.deployCode("OperatingEnvelopes.sol", abi.encode(registry, gate)));
        }
        market = EnergyMarket(vm.deployCode("EnergyMarket.sol", abi.encode(registry, gate, token, envelopes)));
        sealedBatches = SealedBatches(address(market.sealedBatches()));
        energyToken = market.energyToken();
        token.mint(address(this), 1e18);
        token.approve(address(market), type(uint256).max);
        for (uint256 i; i < FOUNDERS; ++i) {
            _register();
        }
        _deposit(0, 2 * market.marginOf(0));
    }

    function _createRegistry(Kind memory kind) private returns (ParticipantRegistry) {
        MarketConfig memory config = MarketConfig({
            intervalLength: uint32(LENGTH),
            gateLead: uint32(GATE_LEAD),
            reportWindow: uint32(REPORT_WINDOW),
            attestWindow: uint32(ATTEST_WINDOW),
            overruleWindow: uint32(OVERRULE_WINDOW),
            correctionWindow: 86_400,
            openAhead: uint16(OPEN_AHEAD),
            ringSize: uint16(RING),
            basePrice: 100,
            tickSize: 1,
            marginPrice: 400,
            maxLossRate: 50_000,
            revealWindow: kind.isSealed ? 120 : 0,
            bond: kind.isSealed ? uint48(BOND) : 0,
            maxNetworkFee: 25,
            pricing: kind.pricing,
            fixedPrice: 0
        });
        address[4] memory wallets = [_wallet(0), _wallet(1), _wallet(2), _wallet(3)];
        bytes memory arguments =
            abi.encode(config, Tariff(300, 80, 20), address(this), vm.addr(OPERATOR_KEY), wallets);
        return ParticipantRegistry(vm.deployCode("ParticipantRegistry.sol", arguments));
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
            if (state.terms.verdict() == Verdict.Curtail && batch.decisions.length != 0) ++done["settle curtailed"];
            (uint256 debt,,) = market.totals();
            if (debt != 0) ++done["debt"];
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
        next[0] = Participant(_wallet(account), vm.addr(_orderKey(account)), vm.addr(_meterKey(account)), 0, uint16(POWER), uint16(POWER));
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

    /// @dev Mostly one that takes orders, sometimes the one that runs or one that is not open yet.
    function _someInterval(uint256 which) internal view returns (uint256) {
        return block.timestamp / LENGTH + (within(which, 0, 2 * OPEN_AHEAD + 1) + 1) / 2;
    }

    function _gateClosure(uint256 interval) internal pure returns (uint256) {
        return interval * LENGTH - GATE_LEAD;
    }

    function _bookClosure(uint256 interval) internal view returns (uint256) {
        return _gateClosure(interval) + REVEAL_WINDOW;
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
