// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EnergyMarket} from "../../contracts/EnergyMarket.sol";
import {Skip} from "../../contracts/interfaces/IEnergyMarket.sol";
import {Pricing} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Verdict} from "../../contracts/libraries/Terms.sol";
import {MarketHandler} from "./MarketHandler.sol";
import {vm} from "./Vm.sol";
import {Kind} from "./handler/Community.sol";

/// @title What holds after every act of anybody, as equalities, whatever the kind of market
abstract contract MarketInvariants {
    uint256 private constant ACTS = 2000;

    MarketHandler private handler;
    EnergyMarket private market;

    /// What forge asks for: the functions that it may call.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function kind() internal pure virtual returns (Kind memory);

    function setUp() external {
        handler = MarketHandler(vm.deployCode("MarketHandler.sol", abi.encode(kind())));
        market = handler.market();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// Silence is not an act: it is tried at the end of every sequence.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), handler.acts());
    }

    /// One invariant, so that each sequence of acts is held to all of them.
    function invariant_everyEqualityHolds() public view {
        int256[2][] memory accounts = market.accounts(0, handler.people());
        (uint256 debt, int256 delivered, uint256 takenOut) = market.totals();
        _noActBrokeWhatItFound();
        _cashIsWhatWasPaidInAndNotOut_andIsThere(accounts);
        _energyIsWhatMetersRecordedAsDelivered(accounts, delivered, takenOut);
        _debtIsWhatIsOwed(accounts, debt);
        _bondsAreThoseOfBatchesThatAreOut();
    }

    function _noActBrokeWhatItFound() private view {
        string memory broken = handler.broken();
        require(bytes(broken).length == 0, broken);
    }

    function _cashIsWhatWasPaidInAndNotOut_andIsThere(int256[2][] memory accounts) private view {
        uint256 held = handler.token().balanceOf(address(market));
        int256 cash;
        for (uint256 i; i < accounts.length; ++i) {
            cash += accounts[i][0];
        }
        require(cash == int256(held), "cash over all accounts is not the token balance");
        require(held == handler.paidIn() - handler.paidOut(), "tokens came or went another way");
    }

    function _energyIsWhatMetersRecordedAsDelivered(int256[2][] memory accounts, int256 delivered, uint256 takenOut)
        private
        view
    {
        int256 energy;
        for (uint256 i; i < accounts.length; ++i) {
            energy += accounts[i][1];
        }
        require(energy + int256(takenOut) == delivered, "energy over all accounts and tokens");
        require(handler.energyToken().totalSupply() + handler.retired() == takenOut, "tokens in existence");
    }

    function _debtIsWhatIsOwed(int256[2][] memory accounts, uint256 debt) private pure {
        uint256 owed;
        for (uint256 i = 1; i < accounts.length; ++i) {
            if (accounts[i][0] < 0) owed += uint256(-accounts[i][0]);
        }
        require(debt == owed, "the debt is not what accounts owe");
    }

    function _bondsAreThoseOfBatchesThatAreOut() private view {
        if (address(handler.sealedBatches()) == address(0)) return;
        uint256 bonds = handler.token().balanceOf(address(handler.sealedBatches()));
        require(bonds == handler.bondsOut(), "bonds are there that nobody left, or are gone");
        require(handler.relayersLack() == handler.relayersLeft(), "a relayer got another amount than its bonds");
    }

    /// From the state reached: silence, deadlines and permissionless calls bring everybody to its withdrawal.
    function afterInvariant() external {
        handler.everyoneLeaves();
        invariant_everyEqualityHolds();
    }

    /// The handler reaches what it is for, and no act of it fails by itself: else nothing above would mean much.
    function test_handler_reachesEveryState() external {
        bytes4[] memory acts = handler.acts();
        for (uint256 i; i < ACTS; ++i) {
            uint256 draw = uint256(keccak256(abi.encode("act", i)));
            (bool succeeded, bytes memory why) = address(handler)
                .call(
                    abi.encodeWithSelector(
                        acts[draw % acts.length],
                        draw >> 8,
                        keccak256(abi.encode(draw)),
                        keccak256(abi.encode(draw, 1)),
                        draw
                    )
                );
            require(succeeded, string(abi.encodePacked("an act failed: ", why)));
            if (i % 10 == 0) invariant_everyEqualityHolds();
        }
        _requireReached();
        handler.everyoneLeaves();
        invariant_everyEqualityHolds();
    }

    function _requireReached() private view {
        bytes32[11] memory always = [
            bytes32("post"),
            "clear",
            "expire",
            "attest",
            "overrule",
            "settle",
            "settle curtailed",
            "correct",
            "takeOut",
            "join",
            "exit"
        ];
        for (uint256 i; i < always.length; ++i) {
            _requireDone(always[i]);
        }
        for (uint256 i = uint256(Verdict.Accept); i <= uint256(Verdict.Void); ++i) {
            require(handler.verdicts(Verdict(i)) != 0, "a verdict never came");
        }
        Skip[5] memory reasons =
            [Skip.Suspended, Skip.BelowMargin, Skip.DuplicateOrder, Skip.OverConnectionLimit, Skip.BadSignature];
        for (uint256 i; i < reasons.length; ++i) {
            require(handler.skips(reasons[i]) != 0, "an order was never left out for a reason");
        }
        if (!kind().isSealed) {
            _requireDone("debt");
            require(handler.skips(Skip.UnknownParticipant) != 0, "nobody came before it was registered");
        } else {
            bytes32[7] memory acts =
                [bytes32("commit"), "reveal", "return", "forfeit", "copy", "reveal refused", "reveal out of time"];
            for (uint256 i; i < acts.length; ++i) {
                _requireDone(acts[i]);
            }
        }
        if (kind().hasEnvelopes) {
            _requireDone("publish");
            _requireDone("publish refused");
            _requireDone("taken within an envelope");
            require(handler.skips(Skip.OverEnvelope) != 0, "no order was above an envelope");
        }
    }

    function _requireDone(bytes32 act) private view {
        require(handler.done(act) != 0, string(abi.encodePacked("never happened: ", act)));
    }
}

contract OpenMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.Uniform, false, false, 20, 4);
    }
}

contract SealedMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.Uniform, true, false, 20, 4);
    }
}

contract EnvelopedMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.McAfee, false, true, 20, 4);
    }
}

contract PayAsBidMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.PayAsBid, false, false, 20, 4);
    }
}

contract SealedEnvelopedMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.SupplyDemandRatio, true, true, 0, 100);
    }
}
