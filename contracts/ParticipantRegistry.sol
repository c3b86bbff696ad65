// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {Roles} from "./Roles.sol";
import {IParticipantRegistry, MarketConfig, Participant, Pricing, Tariff} from "./interfaces/IParticipantRegistry.sol";
import {IRoles} from "./interfaces/IRoles.sol";
import {SystemAccount} from "./libraries/AccountLib.sol";
import {OrderCodec} from "./libraries/OrderCodec.sol";
import {Recovery} from "./libraries/Recovery.sol";
import {Connection, Roster} from "./libraries/Roster.sol";

/// @title ParticipantRegistry: who takes part in a market, and under which rules
contract ParticipantRegistry is Roles, IParticipantRegistry {
    using Roster for Roster.Page;

    bytes32 private constant OPERATOR = "operator";
    bytes32 private constant METERING_OPERATOR = "metering operator";
    uint256 private constant TICK_MAX = 255;
    /// @dev An exit reads every slot of a ring, and must fit a block.
    uint256 private constant RING_MAX = 4096;
    uint256 private constant PPM = 1e6;
    /// @dev What a larger batch needs to be settled no common chain gives one transaction. How large a batch may be for every
    /// one to be settled and corrected, whatever is in it, depends on the chain: with 2^24 gas (EIP-7825) 256 orders.
    uint256 private constant BATCH_ORDERS_MAX = 1024;
    /// @dev Who owns a wallet must be able to see what is proposed for its account, and to veto it.
    uint256 private constant RECOVERY_MIN = 1 days;

    /// @dev What is not needed order by order.
    /// @param suspendedSince second from which on its orders are refused without a break; zero: they are taken
    struct Holder {
        address wallet;
        uint32 node;
        uint64 suspendedSince;
    }

    /// @dev A wallet that the operator proposes for an account, and the second from which on it may take it over.
    struct Proposal {
        address wallet;
        uint64 from;
    }

    /// @dev A tariff and the first interval it is for.
    struct TariffPeriod {
        uint32 from;
        uint16 retail;
        uint16 feedIn;
        uint16 networkFee;
    }

    address private _operator;
    /// @inheritdoc IParticipantRegistry
    uint64 public totalEnergyLimit;
    // One word, which every batch reads, and every attestation.
    address private _meteringOperator;
    /// @inheritdoc IParticipantRegistry
    bool public postingPaused;
    /// @inheritdoc IParticipantRegistry
    uint64 public supplierCover;
    /// @inheritdoc IParticipantRegistry
    uint16 public accountCount = uint16(SystemAccount.COUNT);

    MarketConfig private _config;
    /// @dev The latest may lie in the future. It is apart from those before it, ascending in `from`, because every interval
    /// that opens asks for a tariff.
    TariffPeriod private _latestTariff;
    TariffPeriod[] private _earlierTariffs;
    /// @dev keccak of the tariff that the operator proposes and its first interval; zero for none.
    bytes32 private _proposedTariff;
    mapping(uint256 account => Holder) private _holders;
    mapping(uint256 account => Proposal) private _proposals;
    mapping(uint256 page => uint256) private _pages;
    // Bits where the page's word has them, which says of everybody whether either of the two suspends it.
    mapping(uint256 page => uint256) private _suspendedByOperator;
    mapping(uint256 page => uint256) private _suspendedBySupplier;

    modifier onlySupplier() {
        require(_isSupplier(msg.sender), NotAllowed(msg.sender));
        _;
    }

    /// @param systemWallets wallets of the supplier, the grid operator, the metering operator and the community
    constructor(
        MarketConfig memory c,
        Tariff memory tariff,
        address operator,
        address meteringOperator,
        address[4] memory systemWallets
    ) {
        require(c.intervalLength != 0 && c.intervalLength <= 1 days, BadConfig("intervalLength"));
        require(c.openAhead != 0, BadConfig("openAhead"));
        require(c.ringSize > c.openAhead + 1 && c.ringSize <= RING_MAX, BadConfig("ringSize"));
        uint256 ceiling = c.basePrice + TICK_MAX * c.tickSize;
        require(c.tickSize != 0 && ceiling <= type(uint16).max, BadConfig("tickSize"));
        bool onLadder = c.fixedPrice >= c.basePrice && c.fixedPrice <= ceiling;
        require(c.pricing == Pricing.Fixed ? onLadder : c.fixedPrice == 0, BadConfig("fixedPrice"));
        require(c.maxLossRate <= PPM, BadConfig("maxLossRate"));
        require(c.revealWindow == 0 || c.revealWindow < c.gateLead, BadConfig("revealWindow"));
        // Without a bond a relayer could commit to many batches and reveal the one that it likes best.
        require((c.bond == 0) == (c.revealWindow == 0), BadConfig("bond"));
        require(c.batchOrders != 0 && c.batchOrders <= BATCH_ORDERS_MAX, BadConfig("batchOrders"));
        _requireLive(c);
        require(c.recoveryDelay >= RECOVERY_MIN, BadConfig("recoveryDelay"));
        // Without a delay no meter could contradict a correction.
        require(c.correctionWindow == 0 || c.correctionDelay != 0, BadConfig("correctionDelay"));
        _config = c;
        _give(OPERATOR, operator);
        _give(METERING_OPERATOR, meteringOperator);
        _setTariff(0, tariff);
        for (uint256 i; i < SystemAccount.COUNT; ++i) {
            require(systemWallets[i] != address(0), ZeroKey(i));
            _holders[i].wallet = systemWallets[i];
        }
        _writePage(0, new bytes(SystemAccount.COUNT * Roster.ENTRY_BYTES));
    }

    /// @dev Refuses windows by which a market would stall: no order, no attestation, or a slot that is wanted again before it
    /// can be settled.
    function _requireLive(MarketConfig memory c) private pure {
        uint256 length = c.intervalLength;
        require(c.gateLead < length * c.openAhead, BadConfig("gateLead"));
        uint256 report = uint256(c.revealWindow) + c.reportWindow;
        require(report < length + c.gateLead + c.attestWindow, BadConfig("reportWindow"));
        // From the end of delivery until the next interval of the slot takes orders.
        uint256 lap = length * (c.ringSize - c.openAhead - 1);
        require(uint256(c.attestWindow) + c.overruleWindow <= lap, BadConfig("overruleWindow"));
    }

    /* PARTICIPANTS */

    /// @inheritdoc IParticipantRegistry
    function register(Participant[] calldata participants) external only(OPERATOR) returns (uint256 firstIndex) {
        firstIndex = accountCount;
        uint256 next = firstIndex + participants.length;
        require(next <= type(uint16).max, TooManyParticipants());
        uint256 number = firstIndex / Roster.PAGE_SIZE;
        bytes memory entries = Roster.entriesOf(_pages[number]);
        uint256 energyLimit = totalEnergyLimit;
        for (uint256 i; i < participants.length; ++i) {
            Participant calldata p = participants[i];
            require(p.wallet != address(0) && p.orderKey != address(0) && p.meterKey != address(0), ZeroKey(i));
            require(p.importLimit != 0 || p.exportLimit != 0, NoConnection(i));
            uint256 index = firstIndex + i;
            if (index / Roster.PAGE_SIZE != number) {
                _writePage(number, entries);
                number = index / Roster.PAGE_SIZE;
                entries = "";
            }
            (uint32 imports, uint32 exports) = (_energy(p.importLimit), _energy(p.exportLimit));
            entries = abi.encodePacked(entries, p.orderKey, imports, exports, p.importLimit, p.exportLimit, p.meterKey);
            energyLimit += imports + exports;
            _holders[index] = Holder(p.wallet, p.node, 0);
            emit ParticipantRegistered(index, p.wallet, p.orderKey, p.meterKey, p.node, p.importLimit, p.exportLimit);
        }
        require(energyLimit <= supplierCover, AboveSupplierCover(energyLimit, supplierCover));
        _writePage(number, entries);
        accountCount = uint16(next);
        totalEnergyLimit = uint64(energyLimit);
    }

    /// @inheritdoc IParticipantRegistry
    function setSupplierCover(uint64 cover) external onlySupplier {
        require(cover >= totalEnergyLimit, AboveSupplierCover(totalEnergyLimit, cover));
        supplierCover = cover;
        emit SupplierCoverSet(cover);
    }

    /// @inheritdoc IParticipantRegistry
    function setSuspended(uint256 index, bool suspended) external {
        bool isOperator = msg.sender == _operator;
        require(isOperator || _isSupplier(msg.sender), NotAllowed(msg.sender));
        _requireParticipant(index);
        (uint256 number, uint256 bit) = (index / Roster.PAGE_SIZE, _suspendedBit(index));
        (uint256 byOperator, uint256 bySupplier) = (_suspendedByOperator[number], _suspendedBySupplier[number]);
        if (isOperator) _suspendedByOperator[number] = byOperator = suspended ? byOperator | bit : byOperator & ~bit;
        else _suspendedBySupplier[number] = bySupplier = suspended ? bySupplier | bit : bySupplier & ~bit;
        uint256 by = byOperator | bySupplier;
        _pages[number] = by | uint160(_pages[number]);
        Holder storage holder = _holders[index];
        if (by & bit == 0) holder.suspendedSince = 0;
        else if (holder.suspendedSince == 0) holder.suspendedSince = uint64(block.timestamp);
        emit Suspended(index, byOperator & bit != 0, bySupplier & bit != 0);
    }

    /// @inheritdoc IParticipantRegistry
    function mayRequestExit(uint256 account, address caller) external view returns (bool) {
        Holder storage holder = _holders[account];
        if (caller == holder.wallet) return true;
        if (holder.suspendedSince == 0 || !(caller == _operator || _isSupplier(caller))) return false;
        return block.timestamp >= holder.suspendedSince + uint256(_config.ringSize) * _config.intervalLength;
    }

    /// @inheritdoc IParticipantRegistry
    function page(uint256 number) external view returns (uint256) {
        return _pages[number];
    }

    /// @inheritdoc IParticipantRegistry
    function standing() external view returns (bool, uint256, uint256) {
        return (postingPaused, supplierCover, accountCount);
    }

    /// @inheritdoc IParticipantRegistry
    function walletOf(uint256 account) external view returns (address) {
        return _holders[account].wallet;
    }

    /// @inheritdoc IParticipantRegistry
    function participant(uint256 index) external view returns (Participant memory details, bool suspended) {
        _requireParticipant(index);
        Roster.Page memory p;
        p.entries = Roster.entriesOf(_pages[index / Roster.PAGE_SIZE]);
        Connection connection = p.connection(index);
        details = Participant(
            _holders[index].wallet,
            connection.orderKey(),
            p.meterKey(index),
            _holders[index].node,
            uint16(connection.importPower()),
            uint16(connection.exportPower())
        );
        suspended = _pages[index / Roster.PAGE_SIZE] & _suspendedBit(index) != 0;
    }

    function _isSupplier(address caller) private view returns (bool) {
        return caller == _holders[SystemAccount.SUPPLIER].wallet;
    }

    /// @dev What a power limit comes to in an interval, Wh.
    function _energy(uint256 limit) private view returns (uint32) {
        return uint32(Roster.energy(limit, _config.intervalLength));
    }

    /// @dev Puts new entries under a page and keeps who of it is suspended.
    function _writePage(uint256 number, bytes memory entries) private {
        uint256 suspended = (_pages[number] >> Roster.SUSPENDED_OFFSET) << Roster.SUSPENDED_OFFSET;
        _pages[number] = suspended | uint160(SSTORE2.write(entries));
    }

    function _suspendedBit(uint256 index) private pure returns (uint256) {
        return 1 << (Roster.SUSPENDED_OFFSET + index % Roster.PAGE_SIZE);
    }

    function _requireParticipant(uint256 index) private view {
        require(index >= SystemAccount.COUNT && index < accountCount, UnknownParticipant(index));
    }

    /* WALLETS */

    /// @inheritdoc IParticipantRegistry
    function proposeWallet(uint256 account, address next) external only(OPERATOR) {
        require(account < accountCount, UnknownParticipant(account));
        require(next != address(0), ZeroKey(account));
        uint256 from = block.timestamp + _config.recoveryDelay;
        _proposals[account] = Proposal(next, uint64(from));
        emit WalletProposed(account, next, from);
    }

    /// @inheritdoc IParticipantRegistry
    function vetoWallet(uint256 account) external {
        require(msg.sender == _holders[account].wallet, NotAllowed(msg.sender));
        delete _proposals[account];
        emit WalletVetoed(account);
    }

    /// @inheritdoc IParticipantRegistry
    function acceptWallet(uint256 account) external {
        Proposal memory proposal = _proposals[account];
        require(msg.sender == proposal.wallet, NotAllowed(msg.sender));
        require(block.timestamp >= proposal.from, VetoNotOver(proposal.from));
        delete _proposals[account];
        _holders[account].wallet = msg.sender;
        emit WalletChanged(account, msg.sender);
    }

    /// @inheritdoc IParticipantRegistry
    function proposedWallet(uint256 account) external view returns (address next, uint256 from) {
        return (_proposals[account].wallet, _proposals[account].from);
    }

    /* RULES */

    /// @inheritdoc IParticipantRegistry
    function setPostingPaused(bool paused) external only(OPERATOR) {
        postingPaused = paused;
        emit PostingPaused(paused);
    }

    /// @inheritdoc IParticipantRegistry
    function proposeTariff(uint256 fromInterval, Tariff calldata tariff) external only(OPERATOR) {
        _untouchedBefore(fromInterval);
        _requireCovered(tariff);
        _proposedTariff = keccak256(abi.encode(fromInterval, tariff));
        emit TariffProposed(fromInterval, tariff.retail, tariff.feedIn, tariff.networkFee);
    }

    /// @inheritdoc IParticipantRegistry
    function acceptTariff(uint256 fromInterval, Tariff calldata tariff) external onlySupplier {
        require(keccak256(abi.encode(fromInterval, tariff)) == _proposedTariff, NotProposed());
        uint256 untouched = _untouchedBefore(fromInterval);
        delete _proposedTariff;
        // One that no interval which takes orders uses yet is replaced; until the new one begins, the earlier counts.
        if (_latestTariff.from < untouched) _earlierTariffs.push(_latestTariff);
        _setTariff(fromInterval, tariff);
    }

    /// @inheritdoc IParticipantRegistry
    function tariffAt(uint256 interval) external view returns (Tariff memory) {
        TariffPeriod storage period = _latestTariff;
        if (period.from > interval) period = _earlierTariff(interval);
        return Tariff(period.retail, period.feedIn, period.networkFee);
    }

    /// @dev The first interval that takes no orders yet; a tariff must not begin before it.
    function _untouchedBefore(uint256 fromInterval) private view returns (uint256 untouched) {
        untouched = block.timestamp / _config.intervalLength + _config.openAhead + 1;
        require(fromInterval >= untouched && fromInterval <= type(uint32).max, TooSoon(fromInterval, untouched));
    }

    function _earlierTariff(uint256 interval) private view returns (TariffPeriod storage) {
        uint256 i = _earlierTariffs.length - 1;
        while (_earlierTariffs[i].from > interval) --i;
        return _earlierTariffs[i];
    }

    /// @inheritdoc IParticipantRegistry
    function config() external view returns (MarketConfig memory) {
        return _config;
    }

    function _setTariff(uint256 fromInterval, Tariff memory tariff) private {
        _requireCovered(tariff);
        _latestTariff = TariffPeriod(uint32(fromInterval), tariff.retail, tariff.feedIn, tariff.networkFee);
        emit TariffScheduled(fromInterval, tariff.retail, tariff.feedIn, tariff.networkFee);
    }

    /// @dev The margin of a connection must cover its worst interval at any price that can come about.
    function _requireCovered(Tariff memory tariff) private view {
        uint256 charge = _config.maxNetworkFee;
        uint256 fee = Math.max(tariff.networkFee, charge);
        uint256 bought = _config.basePrice + TICK_MAX * _config.tickSize + fee;
        uint256 dearest = Math.max(bought, tariff.retail + charge);
        uint256 losses = (uint256(tariff.retail) * _config.maxLossRate + PPM - 1) / PPM;
        require(tariff.feedIn <= tariff.retail && dearest + losses <= _config.marginPrice, BadTariff());
        require(charge == 0 || tariff.networkFee <= 2 * charge, BadTariff());
        _requireNobodyLoses(tariff);
    }

    /// @dev A price that a rule sets, and no order, must leave a seller at least the feed-in tariff and cost a buyer at most
    /// the retail price, with the network fee that either may pay.
    function _requireNobodyLoses(Tariff memory tariff) private view {
        Pricing pricing = _config.pricing;
        if (pricing == Pricing.Uniform || pricing == Pricing.PayAsBid || pricing == Pricing.McAfee) return;
        uint256 charge = _config.maxNetworkFee;
        uint256 low = tariff.feedIn + charge;
        uint256 fee = charge == 0 ? tariff.networkFee : charge;
        uint256 price = pricing == Pricing.Fixed ? _config.fixedPrice : low;
        require(low <= price && price + fee <= tariff.retail, BadTariff());
    }

    /* ROLES */

    /// @inheritdoc IRoles
    function holderOf(bytes32 role) public view override returns (address) {
        if (role == OPERATOR) return _operator;
        return role == METERING_OPERATOR ? _meteringOperator : address(0);
    }

    function _setHolder(bytes32 role, address holder) internal override {
        if (role == OPERATOR) _operator = holder;
        else _meteringOperator = holder;
    }

    /// @inheritdoc IParticipantRegistry
    function attests(bytes32 digest, bytes calldata signature) external view returns (bool) {
        address signer = Recovery.signer(digest, OrderCodec.word(signature, 0), OrderCodec.word(signature, 32));
        return signature.length == OrderCodec.SIGNATURE_BYTES && signer != address(0) && signer == _meteringOperator;
    }
}
