"""A payment token that turns against its market."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from onchain import (
    CONFIG,
    ETHER,
    FIRST_INTERVAL,
    OnChainMarket,
    wallet,
)

from peerwatt.chain import Artifact, ContractReverted, Sender, demo_account, deploy, open_network
from peerwatt.client import MarketClient, SealedPhase
from peerwatt.messages import Side, encode_orders

HOSTILE_TOKEN = Artifact.from_json(
    json.loads((Path(__file__).parent / "artifacts" / "HostileToken.json").read_text())
)


@pytest.fixture
def hostile(market: OnChainMarket) -> tuple[OnChainMarket, MarketClient]:
    """A market that is paid in a hostile token, and whose participant 4 is the token itself."""
    token = deploy(market.sender, HOSTILE_TOKEN)
    registry = market.deployment.addresses["ParticipantRegistry"]
    gate = market.deployment.addresses["GridGate"]
    none = "0x" + "00" * 20
    corrections = deploy(market.sender, "Corrections", registry).address
    created = deploy(market.sender, "EnergyMarket", registry, gate, token.address, none, corrections)
    addresses = {
        **market.deployment.addresses,
        "EnergyMarket": created.address,
        "Corrections": corrections,
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
        target.functions.withdraw(4, 1000).data,
        target.functions.deposit(4, 1).data,
        target.functions.takeOutEnergy(4, 0).data,
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


SEALED = replace(CONFIG, reveal_window=60, bond=5_000_000)


def test_token_that_calls_back_takes_no_bond_twice() -> None:
    """While a bond moves, in or out, the sealed phase lets nobody commit, reveal or forfeit."""
    with open_network() as network:
        sender = Sender(network, demo_account("contracts", "relayer"))
        network.fund({sender.address: 1000 * ETHER})
        token = deploy(sender, HOSTILE_TOKEN).contract
        market = OnChainMarket(network, 1, config=SEALED, payment_token=token.address)
        contract = market.deployment.contract(network, "SealedBatches")
        phase = SealedPhase(market.client)
        market.at(SEALED.start(FIRST_INTERVAL) - 1000)
        orders = [market.order(FIRST_INTERVAL, 4, (Side.SELL, 20, 600))]
        market.sender.send(token.functions.approve(contract.address, 2**255))

        def attacked(call: Callable[[], Any], name: str, arguments: Sequence[Any]) -> None:
            """The call goes through while the token calls back, and what it calls is refused."""
            reentry = contract.functions[name](*arguments).data
            market.sender.send(token.functions.arm(contract.address, reentry))
            call()
            answer = bytes(token.functions.answer().call())
            assert network.errors.decode(answer).name == "ReentrancyGuardReentrantCall"

        def balance() -> tuple[int, int, int]:
            held = phase.held(), market.client.token_balance()
            return *held, token.functions.balanceOf(market.sender.address).call()

        held, in_market, own = balance()
        sealed = []
        attacked(
            lambda: sealed.append(phase.commit(FIRST_INTERVAL, orders)),
            "commit",
            [FIRST_INTERVAL, bytes(32)],
        )
        left = phase.commit(FIRST_INTERVAL, [])
        packed = encode_orders(orders)
        market.at(SEALED.gate_closure(FIRST_INTERVAL))
        phase.reveal(sealed[0])
        attacked(phase.collect, "collect", [market.sender.address])
        assert balance() == (held + SEALED.bond, in_market, own - SEALED.bond)
        attacked(
            lambda: phase.commit(FIRST_INTERVAL + 1, []), "reveal", [FIRST_INTERVAL, packed, sealed[0].salt]
        )
        market.at(SEALED.book_closure(FIRST_INTERVAL))
        phase.forfeit(FIRST_INTERVAL, market.sender.address, left.seal)
        assert balance() == (held + 2 * SEALED.bond, in_market, own - 2 * SEALED.bond)
        cash = market.client.accounts(5)
        assert sum(amount for amount, _ in cash) == market.client.token_balance()
