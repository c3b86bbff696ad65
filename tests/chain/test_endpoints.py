"""A chain that is not there, is another one, or cannot be started: one line that says what to do."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from peerwatt.chain import (
    ChainClockError,
    Deployment,
    Network,
    NodeMissing,
    Sender,
    UnreachableChain,
    WrongChain,
    demo_account,
    deploy,
    open_network,
)
from peerwatt.chain.nodes import LocalNode
from peerwatt.errors import ChainError, InputError
from tests.chain.conftest import ETHER, GENESIS


@pytest.fixture(scope="module", params=["ganache", "anvil"])
def node(request: pytest.FixtureRequest) -> Iterator[LocalNode]:
    """A development node as a user would start it: it mines by itself."""
    started = LocalNode(request.param, GENESIS)
    yield started
    started.close()


@pytest.fixture
def silent_url() -> Iterator[str]:
    """An address on which something listens and nothing answers as a chain would."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def one_line(error: BaseException) -> str:
    message = str(error)
    assert "\n" not in message
    return message


def test_unreachable_endpoint_is_named(silent_url: str) -> None:
    with pytest.raises(UnreachableChain) as caught:
        open_network(silent_url)
    assert one_line(caught.value).startswith(f"{silent_url}: no chain answers (")
    assert "start the node" in str(caught.value)


def test_wrong_chain_id_tells_both(node: LocalNode) -> None:
    with pytest.raises(WrongChain) as caught:
        open_network(node.url, chain_id=1)
    assert (caught.value.expected, caught.value.actual) == (1, 31337)
    assert one_line(caught.value).startswith(f"{node.url}: chain id 31337 where 1 was expected")
    with pytest.raises(WrongChain):
        open_network("eth-tester", chain_id=1)


def test_address_comes_from_the_environment(node: LocalNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETH_RPC_URL", node.url)
    with open_network("rpc") as network:
        assert network.chain_id == 31337
    monkeypatch.delenv("ETH_RPC_URL")
    with pytest.raises(ChainError, match="ETH_RPC_URL is not set"):
        open_network("rpc")


@pytest.mark.parametrize("name", ["mainnet", "ftp://example.org", ""])
def test_unknown_name_lists_what_there_is(name: str) -> None:
    with pytest.raises(ChainError, match="choose eth-tester, ganache, anvil, rpc, or an http"):
        open_network(name)


def test_chain_that_mines_by_itself_takes_transactions_but_no_time(node: LocalNode) -> None:
    with open_network(node.url) as network:
        account = demo_account("tests", "live")
        network.fund({account.address: ETHER})
        assert Sender(network, account).transfer(account.address, 1)["status"] == 1
        with pytest.raises(ChainClockError, match="keeps its own clock"):
            network.set_next_timestamp(GENESIS + 10**6)


def test_development_node_can_be_sealed_and_mines_again_afterwards(node: LocalNode) -> None:
    account = demo_account("tests", "sealed")
    with open_network(node.url, sealed=True) as network:
        network.fund({account.address: ETHER})
        start = network.latest_timestamp()
        network.set_next_timestamp(start + 5000)
        Sender(network, account).transfer(account.address, 1)
        assert network.web3.eth.get_block("latest")["timestamp"] == start + 5000
    with open_network(node.url) as network:
        assert Sender(network, account).transfer(account.address, 1)["status"] == 1


def test_endpoint_that_falls_silent_is_named(account_network: Network) -> None:
    account_network.close()
    with pytest.raises(UnreachableChain, match="connection refused or lost"):
        account_network.web3.eth.get_block("latest")


@pytest.fixture
def account_network() -> Iterator[Network]:
    with open_network("anvil", genesis_time=GENESIS) as network:
        yield network


@pytest.mark.parametrize("kind", ["ganache", "anvil"])
def test_missing_node_says_what_to_install(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeMissing) as caught:
        open_network(kind)
    assert one_line(caught.value).startswith(f"{kind} needs Node, which is not installed")


def test_deployment_file_finds_its_contracts_again(sender: Sender, tmp_path: Path) -> None:
    deployed = deploy(sender, "PaymentToken")
    path = tmp_path / "deployment.json"
    Deployment(sender.network.chain_id, deployed.block, {"PaymentToken": deployed.address}).save(path)
    contract = Deployment.load(path).contract(sender.network, "PaymentToken")
    assert contract.functions.decimals().call() == 6


def test_deployment_of_another_chain_is_refused(sender: Sender, tmp_path: Path) -> None:
    elsewhere = Deployment(1, 1, {"PaymentToken": sender.address})
    with pytest.raises(WrongChain, match="chain id 31337 where 1 was expected"):
        elsewhere.contract(sender.network, "PaymentToken")
    with pytest.raises(ChainError, match="has no EnergyToken: it has PaymentToken"):
        Deployment(31337, 1, {"PaymentToken": sender.address}).contract(sender.network, "EnergyToken")
    broken = tmp_path / "deployment.json"
    broken.write_text("{}")
    with pytest.raises(InputError, match="no deployment file"):
        Deployment.load(broken)
