// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A stranger's contract that makes calls for whoever asks, several in one transaction
contract Forwarder {
    function forward(address[] calldata targets, bytes[] calldata calls) external {
        for (uint256 i; i < targets.length; ++i) {
            (bool done, bytes memory why) = targets[i].call(calls[i]);
            // The call's own error is the caller's.
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(why, 32), mload(why))
                }
            }
        }
    }
}
