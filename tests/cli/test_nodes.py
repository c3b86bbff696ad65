"""What nodes do to a verb: exit code 2 and one line, without a key, and nothing is sent into the void."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from peerwatt.chain import Deployment, demo_account, open_network
from peerwatt.chain.nodes import LocalNode
from peerwatt.errors import ChainError
from peerwatt.roles.local_pilot import local_pilot
from peerwatt.scenario.catalogue import SHIPPED
from tests.chain.conftest import GENESIS
from tests.cli.conftest import Here
from tests.rough_node import RoughNode

SECRET = "hunter2SECRETkey"
CONTRACTS = ("EnergyMarket", "GridGate", "ParticipantRegistry", "PaymentToken", "EnergyToken")


@pytest.fixture(scope="module")
def node() -> Iterator[LocalNode]:
    found = LocalNode("anvil", GENESIS)
    yield found
    found.close()


@pytest.fixture
def rough(node: LocalNode) -> Iterator[RoughNode]:
    with RoughNode(node.url) as found:
        yield found


@pytest.fixture
def yesterdays(tmp_path: Path) -> Path:
    """The deployment of a chain that is gone."""
    path = tmp_path / "deployments" / "31337.json"
    addresses = {name: demo_account(1, "yesterday", number).address for number, name in enumerate(CONTRACTS)}
    Deployment(31337, 1, addresses).save(path)
    return path


def secret(url: str) -> str:
    """An address with a password, a key in its path and one in its query."""
    return url.replace("http://", f"http://ann:{SECRET}@") + f"/v3/{SECRET}?apikey={SECRET}"


def verify(here: Here, url: str, deployment: Path) -> str:
    """What `oracle verify` says when it cannot."""
    feeder = str(SHIPPED / "brooklyn-10" / "feeder.json")
    chain = ["--chain", url, "--deployment", str(deployment), "--scenario", "brooklyn-10"]
    ended = here("oracle", "verify", "--interval", "1", "--feeder", feeder, *chain)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1
    assert SECRET not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("dead=401", "it refuses the key"),
        ("dead=404", "HTTP status 404"),
        ("dead=302", "it redirects to nowhere: name that address"),
        ("poa", "no contract is at"),
        ("aura", "no contract is at"),
        ("nobatch 429rpc=3", "no contract is at"),
    ],
)
def test_a_verb_ends_with_2_and_one_line_whatever_the_node_does(
    here: Here, rough: RoughNode, yesterdays: Path, mode: str, says: str
) -> None:
    rough.modes = mode.split()
    said = verify(here, secret(rough.url), yesterdays)
    assert says in said
    assert f"error: {rough.url}/…: " in said


def test_an_address_that_cannot_be_used_shows_no_key_either(here: Here, yesterdays: Path) -> None:
    for url in (
        f"ftp://ann:{SECRET}@node.example.org/{SECRET}",
        f"http://ann:{SECRET}@127.0.0.1:99999/{SECRET}",
        f"http://ann:{SECRET}@[::1/{SECRET}",
        f"http://ann:{SECRET}@127.0.0.1:1/{SECRET}",
        f"https://{SECRET}@127.0.0.1:1?k={SECRET}",
        f"http:///{SECRET}",
        f"http://ann:{SECRET}@nowhere.invalid/{SECRET}",
        f"http://ann:{SECRET}@{'x' * 80}.invalid/{SECRET}",
    ):
        verify(here, url, yesterdays)


@pytest.mark.usefixtures("yesterdays")
def test_nothing_is_sent_to_the_market_of_a_chain_that_is_gone(
    rough: RoughNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETH_RPC_URL", secret(rough.url))
    with local_pilot() as pilot:
        for use in (lambda: pilot.wallet(pilot.home("ada")), pilot.relayer):
            with pytest.raises(ChainError, match=r"no contract is at .* deploy again") as caught:
                use()
            assert SECRET not in str(caught.value)
    assert rough.asked["eth_sendRawTransaction"] == rough.asked["eth_sendTransaction"] == 0


def test_what_a_network_is_called_has_no_key(rough: RoughNode) -> None:
    with open_network(secret(rough.url)) as network:
        assert network.name == network.endpoint == f"{rough.url}/…"
        rough.modes = ["dead=403"]
        with pytest.raises(ChainError) as caught:
            network.web3.eth.get_block("latest")
        assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
