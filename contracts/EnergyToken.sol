// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IEnergyToken} from "./interfaces/IEnergyToken.sol";

/// @title EnergyToken
/// @notice One unit is one Wh of peer energy that a meter recorded as delivered.
contract EnergyToken is ERC20, IEnergyToken {
    /// @inheritdoc IEnergyToken
    address public immutable market;

    constructor(address market_) ERC20("Peerwatt energy", "PWh") {
        market = market_;
    }

    /// @dev A unit is a Wh: there is nothing smaller.
    function decimals() public pure override returns (uint8) {
        return 0;
    }

    /// @inheritdoc IEnergyToken
    function mint(address to, uint256 amount) external {
        require(msg.sender == market, OnlyMarket());
        _mint(to, amount);
    }

    /// @inheritdoc IEnergyToken
    function retire(uint256 amount) external {
        _burn(msg.sender, amount);
        emit Retired(msg.sender, amount);
    }
}
