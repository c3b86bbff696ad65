// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title The double auction as it is usually put on a chain: the baseline that the market's gas is compared with
/// @notice Orders are structs in two arrays, sorted by price when the auction is cleared, and matched from the best pair
/// down at one price; buyers pay into the contract when they order and every trade is paid by a token transfer. No
/// signatures, no metering, no grid: it does less than the market, and what it does it does the textbook's way. The sort
/// is done in memory by quicksort, the cheapest of the usual choices.
contract TextbookAuction {
    using SafeERC20 for IERC20;

    struct Order {
        address owner;
        uint96 quantity;
        uint256 price;
    }

    IERC20 public immutable token;

    Order[] private _bids;
    Order[] private _asks;
    uint256 public clearingPrice;
    mapping(address => uint256) public energyBought;
    mapping(address => uint256) public energySold;

    event Traded(address indexed buyer, address indexed seller, uint256 quantity, uint256 price);

    constructor(IERC20 token_) {
        token = token_;
    }

    function bid(uint96 quantity, uint256 price) external {
        _bids.push(Order(msg.sender, quantity, price));
        token.safeTransferFrom(msg.sender, address(this), quantity * price);
    }

    function ask(uint96 quantity, uint256 price) external {
        _asks.push(Order(msg.sender, quantity, price));
    }

    /// @notice Sorts, matches at the mean of the last matched pair, pays sellers and pays buyers back what is left.
    function clear() external {
        Order[] memory bids = _bids;
        Order[] memory asks = _asks;
        if (bids.length != 0) _sort(bids, 0, int256(bids.length) - 1, true);
        if (asks.length != 0) _sort(asks, 0, int256(asks.length) - 1, false);
        uint256 price = _price(bids, asks);
        clearingPrice = price;

        uint256[] memory escrow = new uint256[](bids.length);
        for (uint256 k; k < bids.length; ++k) {
            escrow[k] = bids[k].quantity * bids[k].price;
        }
        uint256 i;
        uint256 j;
        while (i < bids.length && j < asks.length && bids[i].price >= asks[j].price) {
            uint96 quantity = bids[i].quantity < asks[j].quantity ? bids[i].quantity : asks[j].quantity;
            bids[i].quantity -= quantity;
            asks[j].quantity -= quantity;
            escrow[i] -= quantity * price;
            energyBought[bids[i].owner] += quantity;
            energySold[asks[j].owner] += quantity;
            token.safeTransfer(asks[j].owner, quantity * price);
            emit Traded(bids[i].owner, asks[j].owner, quantity, price);
            if (bids[i].quantity == 0) ++i;
            if (j < asks.length && asks[j].quantity == 0) ++j;
        }
        for (uint256 k; k < bids.length; ++k) {
            if (escrow[k] != 0) token.safeTransfer(bids[k].owner, escrow[k]);
        }
        delete _bids;
        delete _asks;
    }

    function _price(Order[] memory bids, Order[] memory asks) private pure returns (uint256 price) {
        uint256 i;
        uint256 j;
        uint256 left = bids.length == 0 ? 0 : bids[0].quantity;
        uint256 offered = asks.length == 0 ? 0 : asks[0].quantity;
        while (i < bids.length && j < asks.length && bids[i].price >= asks[j].price) {
            price = (bids[i].price + asks[j].price) / 2;
            uint256 quantity = left < offered ? left : offered;
            left -= quantity;
            offered -= quantity;
            if (left == 0 && ++i < bids.length) left = bids[i].quantity;
            if (offered == 0 && ++j < asks.length) offered = asks[j].quantity;
        }
    }

    function _sort(Order[] memory orders, int256 low, int256 high, bool descending) private pure {
        int256 i = low;
        int256 j = high;
        uint256 pivot = orders[uint256(low + (high - low) / 2)].price;
        while (i <= j) {
            while (_before(orders[uint256(i)].price, pivot, descending)) ++i;
            while (_before(pivot, orders[uint256(j)].price, descending)) --j;
            if (i <= j) {
                (orders[uint256(i)], orders[uint256(j)]) = (orders[uint256(j)], orders[uint256(i)]);
                ++i;
                --j;
            }
        }
        if (low < j) _sort(orders, low, j, descending);
        if (i < high) _sort(orders, i, high, descending);
    }

    function _before(uint256 a, uint256 b, bool descending) private pure returns (bool) {
        return descending ? a > b : a < b;
    }
}
