"""A payment token that turns against its market."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from onchain import (
    ETHER,
    OnChainMarket,
    wallet,
)

from peerwatt.chain import Artifact, ContractReverted, Sender, deploy
from peerwatt.client import MarketClient

HOSTILE_TOKEN = Artifact.from_json(
    json.loads((Path(__file__).parent / "artifacts" / "HostileToken.json").read_text())
)


@pytest.fixture
def hostile(market: OnChainMarket) -> tuple[OnChainMarket, MarketClient]:
    """A market that is paid in a hostile token, and whose participant 4 is the token itself."""
    token = deploy(market.sender, HOSTILE_TOKEN)
    registry = market.deployment.addresses["ParticipantRegistry"]
    gate = market.deployment.addresses["GridGate"]
    created = deploy(market.sender, "EnergyMarket", registry, gate, token.address)
    addresses = {
        **market.deployment.addresses,
        "EnergyMarket": created.address,
        "PaymentToken": token.address,
    }
    deployment = replace(market.deployment, addresses=addresses)
    owner = wallet(4)
    market.network.fund({owner.address: ETHER})
    client = MarketClient(market.network, deployment, Sender(market.network, owner))
    client.sender.send(token.contract.functions.mint(owner.address, 10**12))
    client.sender.send(token.contract.functions.approve(created.address, 2**255))
    return market, replace_token(client, token.contract)


def replace_token(client: MarketClient, token: Any) -> MarketClient:
    client.payment_token = token
    return client


def test_token_that_calls_back_finds_every_door_shut(hostile: tuple[OnChainMarket, MarketClient]) -> None:
    market, client = hostile
    token, target = client.payment_token, client.market
    margin = market.margin(4)
    client.deposit(4, margin + 1000)
    for reentry in (
        target.encode_abi("withdraw", [4, 1000]),
        target.encode_abi("deposit", [4, 1]),
        target.encode_abi("takeOutEnergy", [4, 0]),
    ):
        client.sender.send(token.functions.arm(target.address, reentry))
        client.withdraw(4, 10)
        answer = bytes(token.functions.answer().call())
        assert market.network.errors.decode(answer).name == "ReentrancyGuardReentrantCall"
    assert client.accounts(5)[4][0] == margin + 1000 - 30 == client.token_balance()


def test_token_that_refuses_leaves_the_accounts_as_they_were(
    hostile: tuple[OnChainMarket, MarketClient],
) -> None:
    market, client = hostile
    client.deposit(4, market.margin(4) + 1000)
    before = client.accounts(5)
    client.sender.send(client.payment_token.functions.refuse(True))
    for call in (lambda: client.withdraw(4, 10), lambda: client.deposit(4, 10)):
        with pytest.raises(ContractReverted, match="no transfer today"):
            call()
        assert client.accounts(5) == before
