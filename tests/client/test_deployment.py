"""What is written down of a deployment is all of it, and enough to make its code again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.chain import Deployment, Sender, demo_account, deploy, load_artifact, open_network
from peerwatt.chain.contract import Call
from peerwatt.chain.nodes import LocalNode
from peerwatt.client import MarketRoles, deploy_market
from peerwatt.errors import InputError
from peerwatt.replay.founding import ETHER_PER_KEY
from peerwatt.replay.run import SETUP_S, replay_scenario
from peerwatt.scenario.loading import load_scenario
from tests.client.conftest import CONFIG, TARIFF

OWN = {
    "Corrections",
    "Auction",
    "EnergyMarket",
    "EnergyToken",
    "GridGate",
    "OperatingEnvelopes",
    "ParticipantRegistry",
    "PaymentToken",
    "SealedBatches",
    "SignedReadings",
}
SEALED = replace(CONFIG, reveal_window=120, bond=1_000_000)


def test_every_contract_is_written_down_with_what_makes_its_code_again(tmp_path: Path) -> None:
    deployer = demo_account(1, "operator")
    with open_network() as network:
        network.fund({deployer.address: ETHER_PER_KEY})
        sender = Sender(network, deployer)
        roles = MarketRoles(*[deployer.address] * 7)
        committee = [demo_account(1, "committee", index).address for index in range(4)]
        made = deploy_market(sender, SEALED, TARIFF, roles, committee, 3, envelopes=True)
        made.save(tmp_path / "new" / "deployment.json")
        found = Deployment.load(tmp_path / "new" / "deployment.json")
        assert found == made
        assert set(found.addresses) == set(found.creations) == OWN
        assert found.deployer == deployer.address
        for name, address in found.addresses.items():
            artifact, creation = load_artifact(name), found.creations[name]
            code = bytes(network.web3.eth.get_code(address))
            assert artifact.is_code(code), name
            assert creation.code_hash == "0x" + artifact.code_hash.hex()
            arguments = bytes.fromhex(creation.arguments[2:])
            if name == "EnergyMarket":  # corrections are one market's alone
                used = bytes.fromhex(found.addresses["Corrections"][2:])
                registry = found.addresses["ParticipantRegistry"]
                unused = bytes.fromhex(deploy(sender, "Corrections", registry).address[2:])
                arguments = arguments.replace(used, unused)
            made_again = artifact.bytecode + arguments
            receipt = sender.send(Call(network, None, made_again, None))
            again = bytes(network.web3.eth.get_code(receipt["contractAddress"]))
            assert artifact.is_code(again)
            # All immutables alike, where none is the contract's own address, its creator or its creation.
            if name in ("Auction", "EnergyToken", "ParticipantRegistry"):
                assert again == code, name
        parts = {name for name in OWN if found.creations[name].creator == found.addresses["EnergyMarket"]}
        assert parts == {"Auction", "EnergyToken", "SealedBatches", "SignedReadings"}


def test_the_newest_deployment_of_a_chain_takes_no_other_away(tmp_path: Path) -> None:
    def at(block: int) -> Deployment:
        return Deployment(31337, block, {"EnergyMarket": demo_account(1, "market", block).address})

    assert at(3).keep(tmp_path) == at(5).keep(tmp_path) == at(5).keep(tmp_path) == tmp_path / "31337.json"
    assert Deployment.load(tmp_path / "31337.json") == at(5)
    assert Deployment.load(tmp_path / "31337-3.json") == at(3)
    (tmp_path / "31337.json").write_text("mine")
    at(7).keep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "31337-3.json",
        "31337.json",
        "31337.unreadable",
    ]


def test_what_is_no_deployment_is_refused_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    market = demo_account(1, "market").address
    Deployment(31337, 1, {"EnergyMarket": market}).save(path)
    good = json.loads(path.read_text())
    for change, place in (
        ({"chain_id": "31337"}, "chain_id"),
        ({"chain_id": True}, "chain_id"),
        ({"block": -1}, "block"),
        ({"block": 1.5}, "block"),
        ({"addresses": {"EnergyMarket": None}}, r"addresses\.EnergyMarket"),
        ({"addresses": [market]}, "no deployment file"),
        ({"deployer": market[:-1]}, "deployer"),
        ({"creations": {"Auction": {}}}, "no deployment file"),
        ({"creations": []}, "no deployment file"),
    ):
        path.write_text(json.dumps(good | change))
        with pytest.raises(InputError, match=rf"^{path}: {place}"):
            Deployment.load(path)
    for text in ("", "[]", "null", "{", "[" * 20_000):
        path.write_text(text)
        with pytest.raises(InputError, match="no deployment file"):
            Deployment.load(path)
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(good).encode())
    assert Deployment.load(path).addresses == {"EnergyMarket": market}


def test_a_deployment_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        Deployment(1, 1, {}).save(tmp_path / "file" / "deployment.json")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_replay_at_a_nodes_url_leaves_its_markets_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = load_scenario("brooklyn-10")
    node = LocalNode("anvil", int(scenario.calendar.start.timestamp()) - SETUP_S)
    try:
        replay_scenario(scenario, node.url, scenario.seed, 1)
        [path] = (tmp_path / "deployments").iterdir()
        with open_network(node.url) as network:
            for name, address in Deployment.load(path).addresses.items():
                assert load_artifact(name).is_code(bytes(network.web3.eth.get_code(address))), name
    finally:
        node.close()
