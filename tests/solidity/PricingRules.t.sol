// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Auction} from "../../contracts/Auction.sol";
import {ParticipantRegistry} from "../../contracts/ParticipantRegistry.sol";
import {IParticipantRegistry, MarketConfig, Pricing, Tariff} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Clearing} from "../../contracts/libraries/Clearing.sol";
import {BUY, SELL} from "../../contracts/libraries/OrderCodec.sol";
import {opening} from "../../contracts/libraries/Terms.sol";
import {TickBook} from "../../contracts/libraries/TickBook.sol";
import {FilledBook} from "./FilledBook.sol";
import {within} from "./Vm.sol";

/// What a rule may ask of whom: claims on prices, and on the tariffs under which a market is made. Ticks begin at 100.
contract PricingRulesTest is FilledBook {
    using TickBook for TickBook.Book;

    uint256 private constant CEILING = 100 + 255;

    function _config(Pricing pricing, uint256 tickSize, uint256 fixedPrice, uint256 charge)
        private
        pure
        returns (MarketConfig memory c)
    {
        (c.intervalLength, c.gateLead, c.reportWindow, c.attestWindow, c.overruleWindow) = (900, 300, 240, 300, 300);
        (c.correctionWindow, c.correctionDelay, c.openAhead, c.ringSize) = (86_400, 3600, 2, 4);
        (c.basePrice, c.tickSize, c.marginPrice) = (100, uint16(tickSize), 4000);
        (c.maxLossRate, c.maxNetworkFee) = (50_000, uint16(charge));
        (c.pricing, c.fixedPrice, c.batchOrders, c.recoveryDelay) = (pricing, uint16(fixedPrice), 256, 14 days);
    }

    function _clear(MarketConfig memory config, Tariff memory tariff)
        private
        returns (Clearing clearing, uint256 volume)
    {
        Auction auction = new Auction(config);
        return auction.clear(opening(tariff.retail, tariff.feedIn, tariff.networkFee, 0), _book.read(_held));
    }

    /* PRICES */

    function test_aBidBelowAPriceBetweenTwoTicksDoesNotTrade() external {
        // Ticks of 7: 121 and 128 lie around the price of 125.
        _post(_one(BUY, 3, 400));
        _post(_one(BUY, 4, 100));
        _post(_one(SELL, 3, 300));
        _post(_one(SELL, 4, 200));
        (Clearing clearing, uint256 volume) = _clear(_config(Pricing.Fixed, 7, 125, 0), Tariff(300, 80, 20));
        require(volume == 100, "who bid 121 would pay 125");
        require(clearing.marginal(BUY).tick == 4 && clearing.marginal(SELL).tick == 3);
    }

    function test_mcAfeesMiddleAtTheVeryLimitOfTheLastTradeIsItsPrice() external {
        // The best left over are a bid of 110 and an ask of 130; their middle is the ask of the last who sells.
        _post(_one(BUY, 40, 500));
        _post(_one(BUY, 10, 200));
        _post(_one(SELL, 20, 500));
        _post(_one(SELL, 30, 200));
        (Clearing clearing, uint256 volume) = _clear(_config(Pricing.McAfee, 1, 0, 0), Tariff(300, 80, 20));
        require(volume == 500 && clearing.buyPrice() == 120 && clearing.sellPrice() == 120, "nothing is given up");
    }

    function test_mcAfeesMiddleAtTheVeryLimitOfTheLastBidIsItsPrice() external {
        _post(_one(BUY, 20, 500));
        _post(_one(BUY, 10, 200));
        _post(_one(SELL, 0, 500));
        _post(_one(SELL, 30, 200));
        (Clearing clearing, uint256 volume) = _clear(_config(Pricing.McAfee, 1, 0, 0), Tariff(300, 80, 20));
        require(volume == 500 && clearing.buyPrice() == 120 && clearing.sellPrice() == 120, "nothing is given up");
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_aPriceThatARuleSetsLeavesNobodyWorseOff(uint256 seed, uint16[2] calldata wh, bool ratio)
        external
    {
        uint256 charge = (seed >> 8) % 2 == 0 ? 0 : within(seed >> 16, 1, 60);
        uint256 fee = within(seed >> 32, 0, 60);
        uint256 feedIn = within(seed >> 64, 100, 200);
        uint256 least = feedIn + (charge == 0 ? fee : 2 * charge);
        uint256 retail = within(seed >> 96, least, CEILING + 60);
        _post(_one(BUY, 255, 1 + uint256(wh[0])));
        _post(_one(SELL, 0, 1 + uint256(wh[1])));
        Pricing rule = ratio ? Pricing.SupplyDemandRatio : Pricing.MidMarketRate;
        Tariff memory tariff = Tariff(uint16(retail), uint16(feedIn), uint16(fee));
        (Clearing clearing, uint256 volume) = _clear(_config(rule, 1, 0, charge), tariff);
        if (volume == 0) return;
        require(clearing.sellPrice() >= feedIn + charge, "a seller is better off without the market");
        require(clearing.buyPrice() + (charge == 0 ? fee : charge) <= retail, "a buyer is better off without it");
    }

    /* TARIFFS */

    function _isTaken(MarketConfig memory config, Tariff memory tariff) private returns (bool) {
        address[4] memory wallets = [address(1), address(2), address(3), address(4)];
        try new ParticipantRegistry(config, tariff, address(5), address(6), wallets) {
            return true;
        } catch (bytes memory why) {
            require(bytes4(why) == IParticipantRegistry.BadTariff.selector, "refused for something else");
            return false;
        }
    }

    function test_theMarginCoversLossesRoundedUp() external {
        MarketConfig memory config = _config(Pricing.Uniform, 1, 0, 0);
        // The dearest purchase is 355 + 20, and 5 % of 301 are 15.05: 16 with it.
        config.marginPrice = 355 + 20 + 16;
        require(_isTaken(config, Tariff(301, 80, 20)), "the worst Wh is covered");
        config.marginPrice -= 1;
        require(!_isTaken(config, Tariff(301, 80, 20)), "a base unit is missing");
        require(_isTaken(config, Tariff(300, 80, 20)), "5 % of 300 are 15");
    }

    function test_theMarginCoversAnEnergyNotDeliveredWithItsCharge() external {
        MarketConfig memory config = _config(Pricing.Uniform, 1, 0, 30);
        config.marginPrice = 400 + 30 + 20;
        require(_isTaken(config, Tariff(400, 80, 20)));
        config.marginPrice -= 1;
        require(!_isTaken(config, Tariff(400, 80, 20)));
    }

    function testFuzz_aTariffThatLeavesNoPriceToASettingRuleIsRefused(uint256 seed) external {
        Pricing rule = [Pricing.MidMarketRate, Pricing.SupplyDemandRatio, Pricing.Fixed][seed % 3];
        uint256 charge = (seed >> 8) % 2 == 0 ? 0 : within(seed >> 16, 10, 60);
        uint256 fee = within(seed >> 32, 0, 20);
        uint256 feedIn = within(seed >> 64, 100, 200);
        uint256 price = rule == Pricing.Fixed ? feedIn + charge : 0;
        uint256 least = feedIn + (charge == 0 ? fee : 2 * charge);
        MarketConfig memory config = _config(rule, 1, price, charge);
        require(_isTaken(config, Tariff(uint16(least), uint16(feedIn), uint16(fee))), "there is one price");
        if (least > feedIn) require(!_isTaken(config, Tariff(uint16(least - 1), uint16(feedIn), uint16(fee))), "none");
        (config.pricing, config.fixedPrice) = (Pricing.Uniform, 0);
        if (least > feedIn) {
            require(_isTaken(config, Tariff(uint16(least - 1), uint16(feedIn), uint16(fee))), "own limits");
        }
    }

    function test_aFixedPriceLiesBetweenFeedInAndRetailLessTheFee() external {
        MarketConfig memory config = _config(Pricing.Fixed, 1, 150, 0);
        require(_isTaken(config, Tariff(165, 150, 15)));
        require(!_isTaken(config, Tariff(300, 151, 15)), "sellers would lose");
        require(!_isTaken(config, Tariff(164, 80, 15)), "buyers would lose");
    }
}
