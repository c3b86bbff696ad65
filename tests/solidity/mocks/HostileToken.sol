// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A payment token that turns against its market: it calls back while it is being moved, or refuses to move
contract HostileToken is ERC20 {
    bool public refuses;
    address public target;
    bytes public call;
    /// @notice What the market answered when it was called back.
    bytes public answer;
    uint8 private _decimals = 6;

    constructor() ERC20("Hostile token", "HTK") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    function setDecimals(uint8 next) external {
        _decimals = next;
    }

    function refuse(bool on) external {
        refuses = on;
    }

    /// @notice Makes the token call `target_` with `call_` during the next transfer.
    function arm(address target_, bytes calldata call_) external {
        target = target_;
        call = call_;
    }

    /// @notice Lets the token act for itself, so that it can own an account of the market.
    function act(address to, bytes calldata data) external returns (bytes memory) {
        (bool done, bytes memory result) = to.call(data);
        require(done, "the call failed");
        return result;
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(!refuses, "no transfer today");
        if (target != address(0)) {
            address called = target;
            target = address(0);
            (, answer) = called.call(call);
        }
        super._update(from, to, amount);
    }
}
