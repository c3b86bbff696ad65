// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarketHandler} from "./MarketHandler.sol";

/// @title What holds after every act of anybody, as equalities
contract MarketInvariants {
    MarketHandler private handler;

    function setUp() external {
        handler = new MarketHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// Silence is not an act: it is tried at the end of every sequence.
    function excludeSelectors() external view returns (FuzzSelector[] memory excluded) {
        excluded = new FuzzSelector[](1);
        excluded[0].addr = address(handler);
        excluded[0].selectors = new bytes4[](1);
        excluded[0].selectors[0] = MarketHandler.everyoneLeaves.selector;
    }

    /// forge-config: default.invariant.depth = 150
    function invariant_cashIsWhatWasPaidInAndNotOut_andIsThere() external view {
        uint256 held = handler.token().balanceOf(address(handler.market()));
        int256 cash;
        for (uint256 account; account < handler.people(); ++account) {
            (int256 balance,) = handler.market().account(account);
            cash += balance;
        }
        require(cash == int256(held), "cash over all accounts is not the token balance");
        require(held == handler.paidIn() - handler.paidOut(), "tokens came or went another way");
    }

    /// forge-config: default.invariant.depth = 150
    function invariant_energyIsWhatMetersRecordedAsDelivered() external view {
        (, int256 delivered, uint256 takenOut) = handler.market().totals();
        int256 energy;
        for (uint256 account; account < handler.people(); ++account) {
            (, int256 balance) = handler.market().account(account);
            energy += balance;
        }
        require(energy + int256(takenOut) == delivered, "energy over all accounts and tokens");
        require(handler.energyToken().totalSupply() + handler.retired() == takenOut, "tokens in existence");
    }

    /// forge-config: default.invariant.depth = 150
    function invariant_debtIsWhatIsOwed() external view {
        (uint256 debt,,) = handler.market().totals();
        uint256 owed;
        for (uint256 account = 1; account < handler.people(); ++account) {
            (int256 balance,) = handler.market().account(account);
            if (balance < 0) owed += uint256(-balance);
        }
        require(debt == owed);
    }

    /// forge-config: default.invariant.depth = 150
    function invariant_noActBrokeWhatItFound() external view {
        string memory broken = handler.broken();
        require(bytes(broken).length == 0, broken);
    }

    /// From the state reached: silence, deadlines and permissionless calls bring everybody to its withdrawal.
    function afterInvariant() external {
        handler.everyoneLeaves();
    }

    /// The handler reaches what it is for: else nothing above would mean much.
    function test_handler_playsIntervalsToTheEnd() external {
        for (uint256 i; i < 24; ++i) {
            for (uint256 k; k < 4; ++k) {
                handler.post(k, uint256(keccak256(abi.encode(i, k))));
            }
            for (uint256 k; k < 5; ++k) {
                handler.clear(k);
                handler.report(k, uint256(keccak256(abi.encode("verdict", i, k))), uint256(keccak256(abi.encode("report", i, k))));
                handler.attest(k, uint256(keccak256(abi.encode("attest", i, k))));
                handler.overrule(k, i, uint256(keccak256(abi.encode("overrule", i, k))));
                handler.settle(k, i);
                handler.settle(k, i + 1);
                handler.correct(k, i, uint256(keccak256(abi.encode("correct", i, k))));
            }
            for (uint256 account; account < 8; ++account) {
                handler.takeOut(account, 1);
            }
            handler.wait(400);
            handler.expire(i);
            if (i % 8 == 7) handler.join();
        }
        bytes32[9] memory acts =
            [bytes32("post"), "clear", "report", "attest", "overrule", "settle", "correct", "takeOut", "join"];
        for (uint256 i; i < acts.length; ++i) {
            require(handler.done(acts[i]) != 0, string(abi.encodePacked("never happened: ", acts[i])));
        }
        handler.everyoneLeaves();
    }
}
