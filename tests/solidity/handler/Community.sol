// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Corrections} from "../../../contracts/Corrections.sol";
import {EnergyMarket} from "../../../contracts/EnergyMarket.sol";
import {EnergyToken} from "../../../contracts/EnergyToken.sol";
import {GridGate} from "../../../contracts/GridGate.sol";
import {OperatingEnvelopes} from "../../../contracts/OperatingEnvelopes.sol";
import {ParticipantRegistry} from "../../../contracts/ParticipantRegistry.sol";
import {SealedBatches} from "../../../contracts/SealedBatches.sol";
import {BatchData, Interval} from "../../../contracts/interfaces/IEnergyMarket.sol";
import {MarketConfig, Participant, Pricing, Tariff} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {BatchWord} from "../../../contracts/libraries/BatchWord.sol";
import {Clearing} from "../../../contracts/libraries/Clearing.sol";
import {Terms} from "../../../contracts/libraries/Terms.sol";
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
    uint256 internal constant LENGTH = 3600;
    uint256 internal constant GATE_LEAD = 1200;
    uint256 internal constant REPORT_WINDOW = 960;
    uint256 internal constant ATTEST_WINDOW = 1200;
    uint256 internal constant OVERRULE_WINDOW = 1200;
    uint256 internal constant CORRECTION_WINDOW = 4 days;
    uint256 internal constant CORRECTION_DELAY = 1 hours;
    uint256 internal constant CORRECTION_CAP = 10_000_000;
    uint256 internal constant OPEN_AHEAD = 2;
    uint256 public constant BOND = 5_000_000;
    uint256 internal constant RING = 4;
    uint256 internal constant RECOVERY_DELAY = 1 days;
    uint256 private constant BASE_PRICE = 80;
    /// @dev Where the fixed price is, ticks above where asks begin: those who rush trade at it.
    uint256 private constant FIXED_ABOVE = 19;
    /// @dev So much a participant may have after a deposit.
    int256 internal constant DEPOSIT_MAX = 1 << 35;
    uint256 internal constant FIRST = 4;
    uint256 internal constant PAGE_SIZE = 96;
    /// @dev The people are in two pages. Between them are others who never pay in. A prime, so that from any of them on
    /// with any stride everybody is met.
    uint256 internal constant PEOPLE = 23;
    uint256 internal constant PEOPLE_IN_FIRST_PAGE = 14;
    /// @dev Registered while the market runs.
    uint256 internal constant LATE = 2;
    /// @dev What a connection carries, units of 100 W: a home's, and a plant's. Six plants fill a lane with what they can
    /// export in an interval, or import; with three intervals' imports a plant's account is more than half full of energy,
    /// with six too full.
    uint256 private constant HOME_IMPORTS = 40;
    uint256 private constant HOME_EXPORTS = 30;
    uint256 private constant PLANT_IMPORTS = 65_000;
    uint256 private constant PLANT_EXPORTS = 60_000;
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
    Corrections public immutable corrections;
    uint256 internal immutable REVEAL_WINDOW;
    uint256 internal immutable LOWEST_ASK;
    uint256 internal immutable BID_ABOVE;

    /// What a batch must be shown with, and what it was last settled by.
    struct Batch {
        bytes records;
        BatchWord previous;
        bytes decisions;
        bytes readings;
        Terms terms;
        Clearing clearing;
        bool settled;
    }

    mapping(uint256 interval => Batch[]) internal batches;
    uint256[] internal intervals;
    /// How many wallets an account had before the one it has.
    mapping(uint256 account => uint256) internal _walletsBefore;
    uint256 public paidIn;
    uint256 public paidOut;
    mapping(uint256 account => uint256) public paidInto;
    /// What its wallets withdrew.
    mapping(uint256 account => uint256) public paidOutOf;
    uint256 public retired;
    mapping(bytes32 act => uint256) public done;
    /// What an act found broken: a revert in an act would go unnoticed.
    string public broken;

    constructor(Kind memory kind) {
        REVEAL_WINDOW = kind.isSealed ? 480 : 0;
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
        corrections = Corrections(vm.deployCode("Corrections.sol", abi.encode(registry)));
        bytes memory parts = abi.encode(registry, gate, token, envelopes, corrections);
        market = EnergyMarket(vm.deployCode("EnergyMarket.sol", parts));
        sealedBatches = SealedBatches(address(market.sealedBatches()));
        energyToken = market.energyToken();
        token.mint(address(this), 1e18);
        token.approve(address(market), type(uint256).max);
        _register(PEOPLE_IN_FIRST_PAGE, true);
        _register(PAGE_SIZE - FIRST - PEOPLE_IN_FIRST_PAGE, false);
        _register(PEOPLE - PEOPLE_IN_FIRST_PAGE - LATE, true);
        _deposit(0, 2 * market.marginOf(0));
    }

    function _createRegistry(Kind memory kind) private returns (ParticipantRegistry) {
        MarketConfig memory config = MarketConfig({
            intervalLength: uint32(LENGTH),
            gateLead: uint32(GATE_LEAD),
            reportWindow: uint32(REPORT_WINDOW),
            attestWindow: uint32(ATTEST_WINDOW),
            overruleWindow: uint32(OVERRULE_WINDOW),
            correctionWindow: uint32(CORRECTION_WINDOW),
            openAhead: uint16(OPEN_AHEAD),
            ringSize: uint16(RING),
            basePrice: uint16(BASE_PRICE),
            tickSize: 1,
            marginPrice: 400,
            maxLossRate: 50_000,
            revealWindow: uint32(REVEAL_WINDOW),
            bond: kind.isSealed ? uint48(BOND) : 0,
            maxNetworkFee: 25,
            pricing: kind.pricing,
            fixedPrice: kind.pricing == Pricing.Fixed ? uint16(BASE_PRICE + kind.lowestAsk + FIXED_ABOVE) : 0,
            batchOrders: 256,
            recoveryDelay: uint32(RECOVERY_DELAY),
            correctionDelay: uint32(CORRECTION_DELAY),
            correctionCap: uint64(CORRECTION_CAP)
        });
        address[4] memory wallets = [_wallet(0), _wallet(1), _wallet(2), _wallet(3)];
        bytes memory arguments = abi.encode(config, Tariff(300, 80, 20), address(this), vm.addr(OPERATOR_KEY), wallets);
        return ParticipantRegistry(vm.deployCode("ParticipantRegistry.sol", arguments));
    }

    /* WHO IS WHO */

    /// @notice Everybody's cash and energy: of the system accounts and then of the people. Nobody else has any.
    function accounts() external view returns (int256[2][] memory list) {
        int256[2][] memory second = market.accounts(PAGE_SIZE, PEOPLE - PEOPLE_IN_FIRST_PAGE);
        list = market.accounts(0, FIRST + PEOPLE);
        for (uint256 i; i < second.length; ++i) {
            list[FIRST + PEOPLE_IN_FIRST_PAGE + i] = second[i];
        }
    }

    /// How many accounts there are once everybody is registered.
    function _accountsInAll() internal pure returns (uint256) {
        return PAGE_SIZE + PEOPLE - PEOPLE_IN_FIRST_PAGE;
    }

    /// The account of one of the people.
    function _person(uint256 which) internal pure returns (uint256) {
        return which < PEOPLE_IN_FIRST_PAGE ? FIRST + which : PAGE_SIZE + which - PEOPLE_IN_FIRST_PAGE;
    }

    /// One of the system accounts from `least` on, or mostly one of the people.
    function _someAccount(uint256 which, uint256 least) internal pure returns (uint256) {
        return which & 3 == 0 ? within(which >> 2, least, FIRST - 1) : _person((which >> 2) % PEOPLE);
    }

    /// Every other account is a plant's, if it ever pays in.
    function _isPlant(uint256 account) internal pure returns (bool) {
        return account & 1 == 1 && (account < FIRST + PEOPLE_IN_FIRST_PAGE || account >= PAGE_SIZE);
    }

    /// What the account's connection carries, units of 100 W.
    function _powers(uint256 account) internal pure returns (uint256 imports, uint256 exports) {
        return _isPlant(account) ? (PLANT_IMPORTS, PLANT_EXPORTS) : (HOME_IMPORTS, HOME_EXPORTS);
    }

    /// What so much power comes to in an interval, Wh.
    function _energy(uint256 power) internal pure returns (uint256) {
        return power * 100 * LENGTH / 3600;
    }

    /* PARTS */

    function _data(Batch storage batch) internal view returns (BatchData memory) {
        return BatchData(batch.records, batch.decisions, batch.readings, batch.previous);
    }

    /// The next `count` participants, with their margin if they pay in.
    /// @dev 12.5 MWh of a plant's connection, held for four intervals at 400 base units, are 20 billion: less than may be
    /// deposited.
    function _register(uint256 count, bool pays) internal {
        uint256 first = registry.accountCount();
        Participant[] memory next = new Participant[](count);
        for (uint256 i; i < count; ++i) {
            (uint256 account, Participant memory p) = (first + i, next[i]);
            (p.wallet, p.orderKey, p.meterKey) =
            (_wallet(account), vm.addr(_orderKey(account)), vm.addr(_meterKey(account)));
            (uint256 imports, uint256 exports) = _powers(account);
            (p.importLimit, p.exportLimit) = (uint16(imports), uint16(exports));
        }
        _cover(next);
        registry.register(next);
        for (uint256 i; i < count && pays; ++i) {
            _deposit(first + i, market.marginOf(first + i));
        }
    }

    /// The supplier covers who is to be registered next, and no more.
    function _cover(Participant[] memory next) private {
        uint256 cover = registry.totalEnergyLimit();
        for (uint256 i; i < next.length; ++i) {
            cover += _energy(next[i].importLimit) + _energy(next[i].exportLimit);
        }
        vm.prank(_wallet(0));
        registry.setSupplierCover(uint64(cover));
    }

    function _deposit(uint256 account, uint256 amount) internal {
        market.deposit(account, amount);
        paidIn += amount;
        paidInto[account] += amount;
    }

    /// The supplier, and everybody else who is below its margin, pays in what it lacks and a little.
    function _topUp() internal {
        _topUp(0);
        for (uint256 i; i < PEOPLE && _person(i) < registry.accountCount(); ++i) {
            _topUp(_person(i));
        }
    }

    function _topUp(uint256 account) private {
        int256 free = market.freeBalance(account);
        if (free < 0) _deposit(account, uint256(-free) + market.marginOf(account) / 64);
    }

    function _withdraw(uint256 account, uint256 amount) internal returns (bool) {
        vm.prank(_wallet(account));
        try market.withdraw(account, amount) {
            paidOut += amount;
            paidOutOf[account] += amount;
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

    function _wallet(uint256 account) internal view returns (address) {
        return address(uint160(_firstWallet(account)) + uint160(_walletsBefore[account] << 32));
    }

    /// The wallet that is proposed for an account.
    function _nextWallet(uint256 account) internal view returns (address) {
        return address(uint160(_wallet(account)) + uint160(1 << 32));
    }

    function _firstWallet(uint256 account) internal pure returns (address) {
        return address(uint160(0x10000 + account));
    }

    function _orderKey(uint256 account) internal pure returns (uint256) {
        return 1_000 + account;
    }

    function _meterKey(uint256 account) internal pure returns (uint256) {
        return 2_000 + account;
    }
}
