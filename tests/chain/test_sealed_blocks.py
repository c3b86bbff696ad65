"""Blocks are sealed on request at chosen timestamps, and are the same on every local chain."""

import hashlib
import json
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from peerwatt.chain import (
    LOCAL_CHAIN_ID,
    Artifact,
    ChainClockError,
    Network,
    Sender,
    TransactionRefused,
    demo_account,
    deploy,
    open_network,
)
from tests.chain.conftest import CHAINS, ETHER, GENESIS

FAR = 2**40


def test_transaction_is_mined_at_the_chosen_time(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    sender.network.set_next_timestamp(GENESIS + 12_345)
    sender.send(contract.functions.enter(FAR))
    assert contract.functions.lastEntry().call() == GENESIS + 12_345
    assert sender.network.latest_timestamp() == GENESIS + 12_345


def test_time_otherwise_moves_one_second_per_block(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    sender.network.set_next_timestamp(GENESIS + 900)
    sender.send(contract.functions.enter(FAR))
    sender.send(contract.functions.enter(FAR))
    sender.network.mine()
    assert contract.functions.lastEntry().call() == GENESIS + 901
    assert sender.network.latest_timestamp() == GENESIS + 902


def test_calls_see_the_newest_block(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    sender.network.advance_to(GENESIS + 86_400)
    number = sender.network.web3.eth.block_number
    assert contract.functions.chain().call() == [LOCAL_CHAIN_ID, GENESIS + 86_400, number]


def test_clock_does_not_go_back(network: Network) -> None:
    network.advance_to(GENESIS + 100)
    network.advance_to(GENESIS + 100)
    with pytest.raises(ChainClockError, match=r"2016-06-20T00:01:40\+00:00"):
        network.set_next_timestamp(GENESIS + 100)
    with pytest.raises(ChainClockError, match="genesis time"):
        network.advance_to(GENESIS)


def test_snapshot_restores_state_time_and_nonces(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    before = sender.network.latest_timestamp()
    snapshot = sender.network.snapshot()
    sender.send(contract.functions.enter(FAR))
    sender.network.revert(snapshot)
    assert sender.network.latest_timestamp() == before
    assert contract.functions.lastEntry().call() == 0
    sender.send(contract.functions.enter(FAR))
    assert contract.functions.lastEntry().call() == before + 1


def test_many_transactions_are_mined_in_order(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    receipts = sender.send_all([contract.functions.enter(FAR)] * 60)
    positions = [(receipt["blockNumber"], receipt["transactionIndex"]) for receipt in receipts]
    assert positions == sorted(positions)
    assert len({number for number, _ in positions}) == 2
    assert all(receipt["status"] == 1 for receipt in receipts)


def test_funding_tops_up_and_stops_there(network: Network) -> None:
    rich, poor = (demo_account("tests", "funded", index).address for index in range(2))
    network.fund({rich: 3 * ETHER})
    network.fund({rich: 2 * ETHER, poor: 2 * ETHER})
    assert [network.web3.eth.get_balance(account) for account in (rich, poor)] == [3 * ETHER, 2 * ETHER]


def test_account_without_ether_is_refused_by_name(network: Network) -> None:
    pauper = Sender(network, demo_account("tests", "pauper"))
    with pytest.raises(TransactionRefused, match="refused"):
        pauper.transfer(pauper.address, 1)


def life_of_a_chain(name: str, account: LocalAccount, doorman: Artifact) -> dict[str, Any]:
    """Everything that a small run leaves behind on a fresh chain."""
    with open_network(name, genesis_time=GENESIS) as network:
        network.fund({account.address: 10 * ETHER})
        sender = Sender(network, account)
        deployed = deploy(sender, doorman, True)
        receipts = []
        for step in range(1, 4):
            network.set_next_timestamp(GENESIS + 900 * step)
            receipts.append(sender.send(deployed.contract.functions.enter(FAR)))
        receipts += sender.send_all([deployed.contract.functions.enter(FAR)] * 3)
        return {
            "chain": network.chain_id,
            "address": deployed.address,
            "deployment": (deployed.block, deployed.gas_used),
            "receipts": [(r["transactionHash"].hex(), r["blockNumber"], r["gasUsed"]) for r in receipts],
            "logs": [log["data"].hex() for r in receipts for log in r["logs"]],
            "entries": [deployed.contract.functions.entries(index).call() for index in range(6)],
            "balance": network.web3.eth.get_balance(account.address),
        }


def test_same_run_leaves_the_same_bytes_on_every_chain(account: LocalAccount, doorman: Artifact) -> None:
    lives = {name: life_of_a_chain(name, account, doorman) for name in CHAINS}
    digests = {hashlib.sha256(json.dumps(life).encode()).hexdigest() for life in lives.values()}
    assert len(digests) == 1, lives
