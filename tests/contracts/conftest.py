"""Chains for the contracts' tests: eth-tester in this process, a market on it, its twin beside it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from onchain import OnChainMarket
from pair import MarketPair

from peerwatt.chain import open_network

SIZE = 6


@pytest.fixture(scope="session")
def deployed() -> Iterator[OnChainMarket]:
    """A market with six funded participants; tests must leave it as it was."""
    with open_network() as network:
        yield OnChainMarket(network, SIZE)


@pytest.fixture
def market(deployed: OnChainMarket) -> Iterator[OnChainMarket]:
    """The same, put back after each test."""
    snapshot = deployed.network.snapshot()
    yield deployed
    deployed.network.revert(snapshot)


@pytest.fixture
def pair(market: OnChainMarket) -> MarketPair:
    """The market and its twin."""
    return MarketPair(market)
