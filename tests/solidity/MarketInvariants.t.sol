// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EnergyMarket} from "../../contracts/EnergyMarket.sol";
import {Skip} from "../../contracts/interfaces/IEnergyMarket.sol";
import {SystemAccount} from "../../contracts/libraries/AccountLib.sol";
import {Pricing} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Verdict} from "../../contracts/libraries/Terms.sol";
import {MarketHandler} from "./MarketHandler.sol";
import {vm} from "./Vm.sol";
import {Kind} from "./handler/Community.sol";

/// @title What holds after every act of anybody, as equalities, whatever the kind of market
abstract contract MarketInvariants {
    /// @dev At most, to reach every state.
    uint256 private constant ACTS = 2200;

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
        int256[2][] memory accounts = handler.accounts();
        (uint256 debt, int256 delivered, uint256 takenOut) = market.totals();
        _noActBrokeWhatItFound();
        _cashIsWhatWasPaidInAndNotOut_andIsThere(accounts);
        _energyIsWhatMetersRecordedAsDelivered(accounts, delivered, takenOut);
        _debtIsWhatIsOwed(accounts, debt);
        _supplierCarriesWhatOthersOwe(accounts, debt);
        _meteringOperatorGainsNothing(accounts);
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

    /// Every act of the handler is one that the margins are for, corrections among them.
    function _supplierCarriesWhatOthersOwe(int256[2][] memory accounts, uint256 debt) private pure {
        require(accounts[0][0] >= int256(debt), "the supplier cannot carry what others owe");
    }

    /// Whatever it attests and corrects, its wallets have no more than somebody paid into its account, and no energy.
    function _meteringOperatorGainsNothing(int256[2][] memory accounts) private view {
        uint256 account = SystemAccount.METERING_OPERATOR;
        int256 cash = int256(handler.paidOutOf(account)) + accounts[account][0];
        require(cash == int256(handler.paidInto(account)), "the metering operator gained");
        require(
            handler.energyToken().balanceOf(handler.registry().walletOf(account)) == 0,
            "the metering operator took energy out"
        );
    }

    function _bondsAreThoseOfBatchesThatAreOut() private view {
        if (address(handler.sealedBatches()) == address(0)) return;
        uint256 held = handler.token().balanceOf(address(handler.sealedBatches()));
        uint256 burnt = handler.sealedBatches().burnt();
        require(burnt == handler.burntInAll(), "more or less is burnt than was kept and forfeited");
        require(
            held == handler.bondsOut() + handler.owedInAll() + burnt, "bonds are there that nobody left, or are gone"
        );
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
        bytes32 missing;
        for (uint256 i = 1; i <= ACTS; ++i) {
            _act(acts, uint256(keccak256(abi.encode("act", i))));
            if (i % 10 == 0) invariant_everyEqualityHolds();
            if (i % 200 != 0) continue;
            missing = _missing();
            if (missing == 0) break;
        }
        require(missing == 0, string(abi.encodePacked("never happened: ", missing)));
        handler.everyoneLeaves();
        invariant_everyEqualityHolds();
    }

    function _act(bytes4[] memory acts, uint256 draw) private {
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
        _noActBrokeWhatItFound();
        require(succeeded, string(abi.encodePacked("an act failed: ", why)));
    }

    /// What the handler has not reached yet; zero: nothing.
    function _missing() private view returns (bytes32) {
        bytes32[20] memory always = [
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
            "exit",
            "outgrown",
            "order of six steps",
            "taken back",
            "cover",
            "suspended by both",
            "evict",
            "propose",
            "veto",
            "recover"
        ];
        for (uint256 i; i < always.length; ++i) {
            if (handler.done(always[i]) == 0) return always[i];
        }
        for (uint256 i = uint256(Verdict.Accept); i <= uint256(Verdict.Void); ++i) {
            if (handler.verdicts(Verdict(i)) == 0) return "a verdict";
        }
        for (uint256 i; i <= uint256(Skip.LaneFull); ++i) {
            bool never = Skip(i) == Skip.OverEnvelope && !kind().hasEnvelopes;
            if (!never && handler.skips(Skip(i)) == 0) return "a reason to leave an order out";
        }
        if (!kind().isSealed) return handler.done("debt") == 0 ? bytes32("debt") : _missingOfEnvelopes();
        bytes32[9] memory acts = [
            bytes32("commit"),
            "reveal",
            "return",
            "forfeit",
            "copy",
            "reveal refused",
            "reveal out of time",
            "collect",
            "kept"
        ];
        for (uint256 i; i < acts.length; ++i) {
            if (handler.done(acts[i]) == 0) return acts[i];
        }
        return _missingOfEnvelopes();
    }

    function _missingOfEnvelopes() private view returns (bytes32) {
        bytes32[3] memory acts = [bytes32("publish"), "publish refused", "passed an envelope"];
        for (uint256 i; i < acts.length && kind().hasEnvelopes; ++i) {
            if (handler.done(acts[i]) == 0) return acts[i];
        }
        return 0;
    }
}

contract OpenMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.Uniform, false, false, 20, 4);
    }
}

contract PayAsBidMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.PayAsBid, false, false, 20, 4);
    }
}

contract MidMarketMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.MidMarketRate, false, false, 91, 4);
    }
}

contract EnvelopedMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.McAfee, false, true, 20, 4);
    }
}

contract SealedMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.Uniform, true, false, 20, 4);
    }
}

contract FixedPriceMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.Fixed, true, false, 20, 4);
    }
}

contract SealedEnvelopedMarketInvariants is MarketInvariants {
    function kind() internal pure override returns (Kind memory) {
        return Kind(Pricing.SupplyDemandRatio, true, true, 0, 120);
    }
}
