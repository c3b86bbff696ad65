// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// How the price of a trade is found. Nobody ever pays more than its bid or gets less than its ask.
///
///   Uniform            one price: the midpoint of the range in which nobody wishes another quantity, rounded down to a tick
///   PayAsBid           every Wh at its own step's limit; what buyers pay more than sellers get stays with the community
///   McAfee             one price between the best that is left over on both sides; where it does not suit the last that
///                      trade, the last Wh is given up, and they set the buyers' and the sellers' price
///   MidMarketRate      the mean of retail and feed-in, rounded down
///   SupplyDemandRatio  between feed-in and retail, by the ratio of all supply to all demand in the book, rounded down
///   Fixed              the same price always
///
/// Under the last three, what is bid at no less than the price is matched with what is asked at no more.
enum Pricing {
    Uniform,
    PayAsBid,
    McAfee,
    MidMarketRate,
    SupplyDemandRatio,
    Fixed
}

/// What a market is created with and keeps for life.
/// @param intervalLength delivery period, seconds
/// @param gateLead how long before delivery the gate closes, seconds
/// @param reportWindow how long after gate closure the committee may report, seconds
/// @param attestWindow how long after delivery the metering operator may attest, seconds
/// @param overruleWindow how long after that meters may overrule, seconds
/// @param correctionWindow how long after delivery readings may be corrected, seconds
/// @param openAhead how many intervals ahead of now orders are taken
/// @param ringSize how many intervals may be open or unsettled at once
/// @param basePrice price of tick 0, base units per Wh
/// @param tickSize base units per Wh between ticks
/// @param marginPrice what margin holds for every Wh of connection limit, base units
/// @param maxLossRate the most that a report may charge as losses, parts per million of accepted energy
/// @param revealWindow how long after gate closure sealed batches are revealed, seconds; zero for an open market
/// @param bond what a relayer leaves with every sealed batch until it reveals it, base units; zero for an open market
/// @param maxNetworkFee the most that a report may charge an order for the network, base units per accepted Wh; 0 leaves
/// every buyer the tariff's uniform fee
/// @param pricing how the price of a trade is found
/// @param fixedPrice where the price is fixed, base units per Wh; otherwise zero
/// @param batchOrders the most orders that one batch may have: no more than a transaction can settle and correct
/// @param recoveryDelay how long an account's wallet may veto another one that the operator proposes for it, seconds
/// @param correctionDelay how long a proposed correction waits for meters to contradict it, seconds
/// @param correctionCap how much of participants' cash corrections may move on one day, base units
struct MarketConfig {
    uint32 intervalLength;
    uint32 gateLead;
    uint32 reportWindow;
    uint32 attestWindow;
    uint32 overruleWindow;
    uint32 correctionWindow;
    uint16 openAhead;
    uint16 ringSize;
    uint16 basePrice;
    uint16 tickSize;
    uint32 marginPrice;
    uint24 maxLossRate;
    uint32 revealWindow;
    uint48 bond;
    uint16 maxNetworkFee;
    Pricing pricing;
    uint16 fixedPrice;
    uint16 batchOrders;
    uint32 recoveryDelay;
    uint32 correctionDelay;
    uint64 correctionCap;
}

/// Prices around the peer trade, base units per Wh.
struct Tariff {
    uint16 retail;
    uint16 feedIn;
    uint16 networkFee;
}

/// A participant and its meter.
/// @param wallet owns the account: deposits may come from anyone, withdrawals go here only
/// @param orderKey signs orders
/// @param meterKey signs the meter's readings
/// @param node where it is connected in the feeder
/// @param importLimit what the connection can draw, units of 100 W
/// @param exportLimit what it can feed in, units of 100 W
struct Participant {
    address wallet;
    address orderKey;
    address meterKey;
    uint32 node;
    uint16 importLimit;
    uint16 exportLimit;
}

/// @title Who takes part in a market, and under which rules
/// @notice The holder of the role "operator" registers participants within what the supplier covers, suspends them, pauses new
/// orders, and proposes tariffs and wallets. The supplier, whose wallet is account 0's, covers, suspends and accepts tariffs.
/// The key that holds the role "metering operator" signs readings. None of them can touch an account, but where a wallet does
/// not veto another one that the operator proposes for its account.
interface IParticipantRegistry {
    /// @notice New orders are no longer taken, or taken again.
    event PostingPaused(bool paused);
    /// @notice The prices around the peer trade from `fromInterval` on, base units per Wh.
    event TariffScheduled(uint256 indexed fromInterval, uint16 retail, uint16 feedIn, uint16 networkFee);
    /// @notice A participant was appended, with limits in units of 100 W.
    event ParticipantRegistered(
        uint256 indexed index,
        address indexed wallet,
        address orderKey,
        address meterKey,
        uint32 node,
        uint16 importLimit,
        uint16 exportLimit
    );
    /// @notice Who suspends a participant now: its orders are taken where neither does.
    event Suspended(uint256 indexed index, bool byOperator, bool bySupplier);
    /// @notice The supplier stands for connections that carry `cover` Wh in an interval, both directions together.
    event SupplierCoverSet(uint256 cover);
    /// @notice The operator proposes a tariff, base units per Wh; it counts once the supplier accepts it.
    event TariffProposed(uint256 indexed fromInterval, uint16 retail, uint16 feedIn, uint16 networkFee);
    /// @notice The operator proposes another wallet for an account, which may take it over from second `from` on.
    event WalletProposed(uint256 indexed account, address indexed next, uint256 from);
    /// @notice The account's wallet wants to keep it.
    event WalletVetoed(uint256 indexed account);
    /// @notice An account has another wallet.
    event WalletChanged(uint256 indexed account, address indexed wallet);

    /// @notice The configuration contradicts itself; `field` is its first offending field.
    error BadConfig(string field);
    /// @notice A tariff that margins do not cover, that pays more for feeding in than it charges, whose network fee seller and
    /// buyer together could not be charged, or under which a price that a rule sets would make somebody lose by trading.
    error BadTariff();
    /// @notice A change must begin after every interval that already takes orders.
    error TooSoon(uint256 fromInterval, uint256 earliest);
    /// @notice The connections would carry `needed` Wh in an interval, and the supplier covers `cover`: it must raise its cover by
    /// `setSupplierCover(needed)`, and hold the margin of it.
    error AboveSupplierCover(uint256 needed, uint256 cover);
    /// @notice The operator proposes no such tariff.
    error NotProposed();
    /// @notice The account's wallet may veto until second `from`.
    error VetoNotOver(uint256 from);
    /// @notice The index is that of no participant.
    error UnknownParticipant(uint256 index);
    /// @notice A participant needs a wallet, an order key and a meter key; a system account needs a wallet.
    error ZeroKey(uint256 position);
    /// @notice A connection that can carry nothing has nothing to trade.
    error NoConnection(uint256 position);
    /// @notice There would be more than 65,535 accounts.
    error TooManyParticipants();

    /// @notice Appends participants; the first ever gets index 4. Only the operator, and within what the supplier covers.
    /// @dev Keys and limits never change. The supplier's margin does not either: it is that of its cover.
    function register(Participant[] calldata participants) external returns (uint256 firstIndex);

    /// @notice Says for how many Wh of connection limit the supplier stands, of all who were ever registered. Only the supplier's
    /// wallet; not below what is registered.
    /// @dev Warning: the cover is what the supplier must hold the margin of. Deposit first: without it no interval opens.
    function setSupplierCover(uint64 cover) external;

    /// @notice Stops taking the participant's orders, or no longer stops them. What it has posted still settles. Only the
    /// operator or the supplier's wallet, each for itself: whoever suspends must agree to readmit.
    function setSuspended(uint256 index, bool suspended) external;

    /// @notice Proposes another wallet for an account whose wallet is lost. Only the operator.
    /// @dev A later proposal replaces an earlier one and waits anew. Warning: whoever does not look at its account for
    /// `recoveryDelay` seconds may lose it to an operator that proposes its own wallet.
    function proposeWallet(uint256 account, address next) external;

    /// @notice Ends the proposal of another wallet. Only the account's wallet, until it has been replaced.
    function vetoWallet(uint256 account) external;

    /// @notice Makes the proposed wallet the account's, `recoveryDelay` seconds after the proposal. Only the proposed wallet, so
    /// that no account goes to an address that nobody has the key of.
    function acceptWallet(uint256 account) external;

    /// @notice Stops or resumes the taking of new orders. Everything else, exits above all, goes on. Only the operator.
    function setPostingPaused(bool paused) external;

    /// @notice Proposes the tariff of all intervals from `fromInterval` on; the last proposal is the one that can be accepted.
    /// Only the operator.
    function proposeTariff(uint256 fromInterval, Tariff calldata tariff) external;

    /// @notice Announces the tariff that the operator proposes. Intervals that are open keep theirs. Only the supplier's wallet,
    /// whose money it is.
    /// @dev A tariff that was announced and is not in use by any interval that takes orders is replaced.
    function acceptTariff(uint256 fromInterval, Tariff calldata tariff) external;

    /// @notice What the market was created with.
    function config() external view returns (MarketConfig memory);

    /// @notice Whether the metering operator signed `digest`, in the 64-byte form of EIP-2098.
    function attests(bytes32 digest, bytes calldata signature) external view returns (bool);

    /// @notice Whether new orders are refused.
    function postingPaused() external view returns (bool);
    /// @notice The prices around the peer trade in an interval.
    function tariffAt(uint256 interval) external view returns (Tariff memory);

    /// @notice How many accounts there are, the four system accounts included.
    function accountCount() external view returns (uint16);
    /// @notice Whom an account's money may be paid to; zero for an account that there is not.
    function walletOf(uint256 account) external view returns (address);
    /// @notice A participant as it was registered, and whether it is suspended.
    function participant(uint256 index) external view returns (Participant memory details, bool suspended);

    /// @notice The word of page `number`, participants `[96 * number, 96 * (number + 1))`, as `Roster` draws it: where
    /// their entries lie, and who of them is suspended.
    function page(uint256 number) external view returns (uint256 word);

    /// @notice What every batch asks: whether posting is paused, `supplierCover` and `accountCount`.
    function standing() external view returns (bool paused, uint256 energyLimit, uint256 accounts);

    /// @notice For how many Wh of connection limit in an interval the supplier stands: never below `totalEnergyLimit`.
    function supplierCover() external view returns (uint64);

    /// @notice Whether `caller` may ask for an account's exit: its wallet, or the operator or the supplier's wallet once either
    /// of them has suspended it for a lap of the ring without a break.
    function mayRequestExit(uint256 account, address caller) external view returns (bool);

    /// @notice The wallet that is proposed for an account, and the second from which on it may take it over; zero for none.
    function proposedWallet(uint256 account) external view returns (address next, uint256 from);

    /// @notice Σ of all connections' import and export limits for one interval, Wh.
    function totalEnergyLimit() external view returns (uint64);
}
