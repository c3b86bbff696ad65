// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Participant} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {vm, within} from "../Vm.sol";
import {PlantActs} from "./PlantActs.sol";

/// @title Covers, suspensions and wallets: what the operator and the supplier do with participants, and to one another
abstract contract RegistryActs is PlantActs {
    uint256 private constant LAP = RING * LENGTH;

    mapping(uint256 account => bool[2]) private _suspendedBy;
    mapping(uint256 account => uint256) private _suspendedSince;

    /// @notice One of the four below: more of them would leave less room for trade.
    function govern(uint256 account, uint256 seed) external {
        uint256 act = (seed >> 240) % 5;
        if (act == 0) _coverSome(seed);
        else if (act == 1) _suspend(within(account, FIRST + 2, FIRST + 3), seed & 8 == 0, seed & 1 == 0);
        else if (act == 2) _evict(within(account, FIRST + 2, FIRST + 3), seed);
        else _recover(account, seed);
    }

    /// The supplier covers what is registered and a little more, rarely much more than it holds the margin of, or tries less;
    /// the operator tries to register more.
    function _coverSome(uint256 seed) private {
        uint256 registered = registry.totalEnergyLimit();
        uint256 wanted = seed & 7 == 0 ? registered - 1 : registered + within(seed >> 8, 0, 20_000);
        if (seed & 7 == 1) wanted = 4 * registered;
        vm.prank(_wallet(0));
        try registry.setSupplierCover(uint64(wanted)) {
            if (wanted < registered) broken = "the supplier covers less than is registered";
            ++done["cover"];
        } catch {
            if (wanted >= registered) broken = "the supplier could not cover";
        }
        if (registry.supplierCover() - registered >= _energy(type(uint16).max)) return;
        uint256 margin = market.marginOf(0);
        Participant[] memory joins = new Participant[](1);
        joins[0] = Participant(address(1), address(2), address(3), 0, type(uint16).max, 0);
        try registry.register(joins) {
            broken = "somebody was registered beyond the cover";
        } catch {}
        if (market.marginOf(0) != margin) broken = "a registration changed the supplier's margin";
    }

    /// The operator or the supplier suspends somebody, or takes its own suspension back.
    function _suspend(uint256 account, bool bySupplier, bool suspended) internal {
        if (bySupplier) vm.prank(_wallet(0));
        registry.setSuspended(account, suspended);
        bool[2] storage by = _suspendedBy[account];
        by[bySupplier ? 1 : 0] = suspended;
        (, bool isSuspended) = registry.participant(account);
        if (isSuspended != (by[0] || by[1])) broken = "one readmitted whom the other suspends";
        if (by[0] && by[1]) ++done["suspended by both"];
        if (!isSuspended) _suspendedSince[account] = 0;
        else if (_suspendedSince[account] == 0) _suspendedSince[account] = block.timestamp;
    }

    /// The operator or the supplier makes somebody leave who has been suspended for a lap, or tries it sooner.
    function _evict(uint256 account, uint256 seed) private {
        uint256 since = _suspendedSince[account];
        bool may = since != 0 && block.timestamp >= since + LAP;
        vm.prank(seed & 1 == 0 ? address(this) : _wallet(0));
        try market.requestExit(account) {
            if (!may) broken = "somebody was made to leave too soon";
            if (_isLeaving[account]) broken = "somebody was made to leave twice";
            _isLeaving[account] = true;
            ++done["evict"];
        } catch {
            if (may && !_isLeaving[account]) broken = "nobody can be made to leave";
        }
    }

    /// The operator proposes another wallet for an account; the old one vetoes, or the new one takes over.
    function _recover(uint256 account, uint256 seed) private {
        account = _someAccount(account, 0);
        if (account >= registry.accountCount()) return;
        (address next, uint256 from) = registry.proposedWallet(account);
        try registry.acceptWallet(account) {
            broken = "a stranger took an account over";
        } catch {}
        if (next == address(0)) {
            registry.proposeWallet(account, _nextWallet(account));
            ++done["propose"];
        } else if (seed & 3 == 0) {
            vm.prank(_wallet(account));
            registry.vetoWallet(account);
            ++done["veto"];
        } else {
            if (seed & 4 == 0 && block.timestamp < from && from < block.timestamp + LENGTH) vm.warp(from);
            vm.prank(next);
            try registry.acceptWallet(account) {
                if (block.timestamp < from) broken = "an account was taken over before its wallet could veto";
                ++_walletsBefore[account];
                ++done["recover"];
            } catch {
                if (block.timestamp >= from) broken = "a lost account cannot be recovered";
            }
        }
        if (registry.walletOf(account) != _wallet(account)) broken = "an account has another wallet";
    }

    /// @dev Everybody leaves: every third by itself, every third because its wallet is lost and then recovered, and every third
    /// because it is hostile: it asks for nothing, and vetoes.
    function _allLeave() internal {
        uint256 count = registry.accountCount();
        for (uint256 account = FIRST; account < count; ++account) {
            if (account % 3 != 0) _suspend(account, account % 2 == 0, true);
        }
        vm.warp(block.timestamp + LAP);
        for (uint256 account = FIRST; account < count; ++account) {
            bool itself = account % 3 == 0;
            vm.prank(itself ? _wallet(account) : account % 2 == 0 ? address(this) : _wallet(0));
            try market.requestExit(account) {} catch {}
            try market.finishExit(account) {} catch {}
            require(market.marginOf(account) == 0, "somebody cannot be made to leave");
            if (!itself) registry.proposeWallet(account, _nextWallet(account));
            if (account % 3 == 2) {
                vm.prank(_wallet(account));
                registry.vetoWallet(account);
            }
        }
        registry.proposeWallet(0, _nextWallet(0));
        vm.warp(block.timestamp + RECOVERY_DELAY);
        for (uint256 account = FIRST; account < count; ++account) {
            if (account % 3 == 1) _takeOver(account);
        }
        _takeOver(0);
    }

    function _takeOver(uint256 account) private {
        vm.prank(_nextWallet(account));
        registry.acceptWallet(account);
        ++_walletsBefore[account];
    }
}
