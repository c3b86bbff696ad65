// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {GridGate} from "../../contracts/GridGate.sol";
import {ParticipantRegistry} from "../../contracts/ParticipantRegistry.sol";
import {IEnergyMarket} from "../../contracts/interfaces/IEnergyMarket.sol";
import {IGridGate} from "../../contracts/interfaces/IGridGate.sol";
import {IMarginAccounts} from "../../contracts/interfaces/IMarginAccounts.sol";
import {MarketConfig, Participant, Pricing, Tariff} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {PaymentToken} from "../../contracts/mocks/PaymentToken.sol";
import {OpenLedger} from "./Ledger.t.sol";
import {vm} from "./Vm.sol";

/// @title Whom the supplier stands for, and what it must leave for that
contract StandingTest {
    uint256 private constant LENGTH = 900;
    uint256 private constant NOW = 1_600_000 * LENGTH;
    address private constant SUPPLIER = address(11);
    uint256 private constant DEBTOR = 4;

    ParticipantRegistry private _registry;
    GridGate private _gate;
    OpenLedger private _market;
    uint256 private _margin;

    /// The supplier holds the margin of its cover, and nothing above it.
    function setUp() external {
        vm.warp(NOW);
        address[4] memory wallets = [SUPPLIER, address(12), address(13), address(14)];
        MarketConfig memory config;
        (config.intervalLength, config.gateLead, config.reportWindow) = (uint32(LENGTH), 300, 240);
        (config.attestWindow, config.overruleWindow, config.correctionWindow) = (300, 300, 86_400);
        (config.openAhead, config.ringSize, config.basePrice, config.tickSize) = (2, 4, 70, 3);
        (config.marginPrice, config.maxLossRate, config.pricing) = (4000, 50_000, Pricing.Uniform);
        (config.batchOrders, config.recoveryDelay) = (256, 14 days);
        (config.correctionDelay, config.correctionCap) = (3600, 1e9);
        _registry = new ParticipantRegistry(config, Tariff(300, 80, 20), address(this), address(15), wallets);
        vm.prank(SUPPLIER);
        _registry.setSupplierCover(50);
        Participant[] memory people = new Participant[](1);
        people[0] = Participant(address(21), address(22), address(23), 0, 1, 1);
        _registry.register(people);
        address[] memory members = new address[](1);
        members[0] = address(16);
        _gate = new GridGate(address(this), LENGTH, 2, members, 1);
        _market = new OpenLedger(_registry, _gate);
        _margin = _market.marginOf(0);
        PaymentToken token = PaymentToken(address(_market.paymentToken()));
        token.mint(address(this), 1e18);
        token.approve(address(_market), type(uint256).max);
        _market.deposit(0, _margin);
    }

    function test_post_opensNoIntervalWhileTheSupplierLacksWhatOthersOwe() external {
        _market.bookAlone(DEBTOR, -1, 0);
        (bool opened, bytes memory why) =
            address(_market).call(abi.encodeCall(IEnergyMarket.post, (NOW / LENGTH + 1, "")));
        require(!opened && bytes4(why) == IEnergyMarket.SupplierBelowMargin.selector, "opened on what others owe");
        _market.deposit(0, 1);
        _market.post(NOW / LENGTH + 1, "");
    }

    function test_withdraw_leavesTheSupplierWhatOthersOwe() external {
        _market.deposit(0, 10);
        _market.bookAlone(DEBTOR, -10, 0);
        vm.prank(SUPPLIER);
        (bool paid, bytes memory why) = address(_market).call(abi.encodeCall(IMarginAccounts.withdraw, (0, 1)));
        require(!paid && bytes4(why) == IMarginAccounts.AboveFreeBalance.selector, "withdrew what others owe");
        _market.deposit(0, 1);
        vm.prank(SUPPLIER);
        _market.withdraw(0, 1);
    }

    function test_register_changesNoMarginAndStopsAtTheCover() external {
        vm.prank(SUPPLIER);
        _registry.setSupplierCover(75);
        uint256 margin = _market.marginOf(0);
        Participant[] memory people = new Participant[](1);
        people[0] = Participant(address(31), address(32), address(33), 0, 1, 0);
        _registry.register(people);
        require(_market.marginOf(0) == margin, "a registration changed the supplier's margin");
        (bool registered,) = address(_registry).call(abi.encodeCall(ParticipantRegistry.register, (people)));
        require(!registered, "registered beyond the cover");
    }

    function test_scheduleCommittee_beginsAtTheFirstIntervalThatTakesNoOrders() external {
        uint256 first = NOW / LENGTH + 3;
        address[] memory members = new address[](1);
        members[0] = address(17);
        (bool early,) = address(_gate).call(abi.encodeCall(IGridGate.scheduleCommittee, (first - 1, members, 1)));
        require(!early, "a committee began where orders are taken");
        _gate.scheduleCommittee(first, members, 1);
        (address[] memory before,) = _gate.committeeAt(first - 1);
        (address[] memory since,) = _gate.committeeAt(first);
        require(before[0] == address(16) && since[0] == address(17), "a committee begins late");
    }
}
