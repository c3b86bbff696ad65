// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Corrections} from "../../contracts/Corrections.sol";
import {EnergyMarket} from "../../contracts/EnergyMarket.sol";
import {GridGate} from "../../contracts/GridGate.sol";
import {ParticipantRegistry} from "../../contracts/ParticipantRegistry.sol";
import {IGridGate} from "../../contracts/interfaces/IGridGate.sol";
import {IOperatingEnvelopes} from "../../contracts/interfaces/IOperatingEnvelopes.sol";
import {
    IParticipantRegistry,
    MarketConfig,
    Participant,
    Pricing,
    Tariff
} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {PaymentToken} from "../../contracts/mocks/PaymentToken.sol";
import {ParticipantAccount} from "../../contracts/libraries/AccountLib.sol";
import {Connection, Roster} from "../../contracts/libraries/Roster.sol";
import {vm, within} from "./Vm.sol";

/// A market whose ledger anybody may book in.
contract OpenLedger is EnergyMarket {
    using Roster for Roster.Page;

    constructor(IParticipantRegistry registry_, IGridGate gate_)
        EnergyMarket(registry_, gate_, new PaymentToken(), IOperatingEnvelopes(address(0)), new Corrections(registry_))
    {}

    /// A run of bookings, as the settlement of a batch makes them.
    function book(uint256[] calldata participants, int256[] calldata cash, int256[] calldata energy, bool back)
        external
    {
        Journal memory journal = back ? _takingBack() : _booking();
        for (uint256 i; i < participants.length; ++i) {
            uint256 quadIndex = participants[i] / ParticipantAccount.PER_WORD;
            if (journal.quadIndex != quadIndex) _turnToQuad(journal, quadIndex);
            Connection connection = journal.page.connection(participants[i]);
            _book(journal, participants[i], cash[i], energy[i], connection);
        }
        _close(journal);
    }

    function bookAlone(uint256 participant, int256 cash, int256 energy) external {
        _bookAlone(participant, cash, energy);
    }

    function holdsMargin(uint256 participant) external view returns (bool) {
        return _accountFlags[participant / Roster.PAGE_SIZE] >> participant % Roster.PAGE_SIZE & 1 != 0;
    }
}

/// Balances of any size, whatever fits a place in a word of accounts: the naive twin keeps a number for each.
contract LedgerTest {
    uint256 private constant FIRST = 4;
    uint256 private constant PEOPLE = 6;

    OpenLedger private _ledger;
    int256[FIRST + PEOPLE] private _cash;
    int256[FIRST + PEOPLE] private _energy;
    bool[FIRST + PEOPLE] private _booked;

    function setUp() external {
        address[4] memory wallets = [address(11), address(12), address(13), address(14)];
        ParticipantRegistry registry = new ParticipantRegistry(
            MarketConfig(
                900,
                300,
                240,
                300,
                300,
                86_400,
                2,
                4,
                70,
                3,
                4000,
                50_000,
                0,
                0,
                0,
                Pricing.Uniform,
                0,
                256,
                14 days,
                3600,
                1e9
            ),
            Tariff(300, 80, 20),
            address(this),
            address(15),
            wallets
        );
        Participant[] memory people = new Participant[](PEOPLE);
        for (uint256 i; i < PEOPLE; ++i) {
            // Margins from 0.8 to 26,214 million base units.
            uint16 limit = uint16(1 << (3 * i));
            people[i] = Participant(address(21), address(22), address(23), 0, limit, limit);
        }
        vm.prank(wallets[0]);
        registry.setSupplierCover(type(uint64).max);
        registry.register(people);
        address[] memory members = new address[](1);
        members[0] = address(16);
        _ledger = new OpenLedger(registry, new GridGate(address(this), 900, 2, members, 1));
    }

    function testFuzz_balances_areTheTwinsWhateverTheirSize(uint256 seed) external {
        for (uint256 run; run < 12; ++run) {
            uint256 draw = uint256(keccak256(abi.encode(seed, run)));
            if (draw & 3 == 0) {
                (uint256 who, int256 cash, int256 energy) = _change(draw);
                _ledger.bookAlone(who, cash, energy);
                _note(who, cash, energy);
            } else {
                _bookRun(draw, within(draw >> 8, 1, 5), draw & 4 == 0);
            }
            _same();
        }
    }

    function _bookRun(uint256 draw, uint256 count, bool back) private {
        uint256[] memory participants = new uint256[](count);
        int256[] memory cash = new int256[](count);
        int256[] memory energy = new int256[](count);
        for (uint256 i; i < count; ++i) {
            (participants[i], cash[i], energy[i]) = _change(uint256(keccak256(abi.encode(draw, i))));
            if (back) _note(participants[i], -cash[i], -energy[i]);
            else _note(participants[i], cash[i], energy[i]);
        }
        _ledger.book(participants, cash, energy, back);
    }

    /// Of every size up to far beyond what a place holds; often what brings an account to an end of its place.
    function _change(uint256 draw) private view returns (uint256 who, int256 cash, int256 energy) {
        who = within(draw >> 16, FIRST, FIRST + PEOPLE - 1);
        cash = int256(within(draw >> 32, 0, 1 << within(draw >> 24, 1, 44)));
        energy = int256(within(draw >> 96, 0, 1 << within(draw >> 88, 1, 32)));
        if (draw >> 160 & 1 == 0) cash = -cash;
        if (draw >> 161 & 1 == 0) energy = -energy;
        if (draw >> 162 & 7 == 0) cash = (draw >> 165 & 1 == 0 ? -int256(1 << 37) : int256(1 << 37) - 1) - _cash[who];
        if (draw >> 166 & 7 == 0) cash = -_cash[who];
    }

    function _note(uint256 who, int256 cash, int256 energy) private {
        _cash[who] += cash;
        _energy[who] += energy;
        _booked[who] = true;
    }

    function _same() private view {
        uint256 owed;
        for (uint256 who = FIRST; who < FIRST + PEOPLE; ++who) {
            (int256 cash, int256 energy) = _ledger.account(who);
            require(cash == _cash[who], "cash");
            require(energy == _energy[who], "energy");
            if (cash < 0) owed += uint256(-cash);
            bool holds = _booked[who] && cash >= int256(_ledger.marginOf(who));
            require(_ledger.holdsMargin(who) == holds, "who holds its margin");
        }
        (uint256 debt,,) = _ledger.totals();
        require(debt == owed, "debt");
    }
}
