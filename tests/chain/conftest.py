"""A small contract with every way to refuse, on each of the three local chains."""

from collections.abc import Callable, Iterator, Mapping

import pytest
from eth_account.signers.local import LocalAccount

from peerwatt.chain import Artifact, Network, Sender, demo_account, open_network

CHAINS = ("eth-tester", "ganache", "anvil")
GENESIS = 1_466_380_800
"""2016-06-20T00:00:00Z"""
ETHER = 10**18

DOORMAN = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

contract Doorman {
    struct Guest { uint256 number; address sender; }

    error TooLate(uint256 time, uint256 deadline);
    error NotInvited(Guest guest);
    error Closed();

    event Entered(uint256 time);

    uint256 public lastEntry;
    uint256[] public entries;

    constructor(bool open) {
        if (!open) revert Closed();
    }

    function enter(uint256 deadline) external {
        if (block.timestamp > deadline) revert TooLate(block.timestamp, deadline);
        lastEntry = block.timestamp;
        entries.push(block.timestamp);
        emit Entered(block.timestamp);
    }

    function invite(uint256 number) external view {
        revert NotInvited(Guest(number, msg.sender));
    }

    function knock(uint256 times) external view returns (uint256) {
        require(times != 13, "thirteen");
        if (times > 13) revert TooLate(block.timestamp, times);
        return entries[times];
    }

    function wait() external {
        while (true) ++lastEntry;
    }

    function chain() external view returns (uint256 id, uint256 time, uint256 number) {
        return (block.chainid, block.timestamp, block.number);
    }
}
"""


@pytest.fixture(scope="session")
def doorman(compile_solidity: Callable[[Mapping[str, str]], dict[str, Artifact]]) -> Artifact:
    """The compiled contract."""
    return compile_solidity({"contracts/Doorman.sol": DOORMAN})["Doorman"]


@pytest.fixture(scope="session", params=CHAINS)
def running(request: pytest.FixtureRequest) -> Iterator[Network]:
    """Each local chain in turn, at its genesis."""
    with open_network(request.param, genesis_time=GENESIS) as network:
        yield network


@pytest.fixture
def network(running: Network) -> Iterator[Network]:
    """The same, put back after each test."""
    snapshot = running.snapshot()
    yield running
    running.revert(snapshot)


@pytest.fixture
def account() -> LocalAccount:
    """An account for transactions."""
    return demo_account("tests", "sender")


@pytest.fixture
def sender(network: Network, account: LocalAccount) -> Sender:
    """The same with ten ether."""
    network.fund({account.address: 10 * ETHER})
    return Sender(network, account)
