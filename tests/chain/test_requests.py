"""How a node is asked: no proxy to this machine, nothing twice, many things in one request."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from peerwatt.chain import (
    Artifact,
    ContractReverted,
    Network,
    Sender,
    demo_account,
    deploy,
    open_network,
    send_together,
)
from peerwatt.chain.endpoint import is_loopback, session_for
from peerwatt.chain.json_rpc import JsonRpcProvider
from peerwatt.chain.nodes import LocalNode
from peerwatt.errors import ChainError
from tests.chain.conftest import ETHER, GENESIS

FAR = 2**40


@pytest.fixture
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment names a proxy that nobody runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, address)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return address


@contextmanager
def counted(network: Network, patch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """What goes to a node behind a URL: `requests`, and how often each method is asked for."""
    counts: Counter[str] = Counter()
    send = requests.Session.send

    def counting(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
        body = request.body or b""
        counts["requests"] += 1
        text = body.decode() if isinstance(body, bytes) else body
        for part in text.split('"method": "')[1:]:
            counts[part.split('"')[0]] += 1
        return send(session, request, **options)

    with patch.context() as patched:
        patched.setattr(requests.Session, "send", counting)
        yield counts


@pytest.mark.parametrize("node", ["ganache", "anvil"])
@pytest.mark.usefixtures("dead_proxy")
def test_no_proxy_stands_between_this_program_and_its_own_node(node: str) -> None:
    with open_network(node, genesis_time=GENESIS) as network:
        assert network.web3.eth.block_number == 0


def test_loopback_addresses_are_told_from_others(dead_proxy: str) -> None:
    for url in (
        "http://127.0.0.1:8545",
        "http://127.8.9.1",
        "http://localhost:1",
        "http://[::1]:8545",
        "http://a.localhost",
        "http://LOCALHOST.:8545",
        "http://127.1:8545",
        "http://0.0.0.0:8545",
        "http://[::ffff:127.0.0.1]:8545",
        "http://user:word@localhost:8545/key",
    ):
        assert is_loopback(url)
        assert not session_for(url).proxies
    for url in ("http://10.0.0.1:8545", "https://node.example.org/key", "http://localhost.example.org"):
        assert not is_loopback(url)
        assert session_for(url).proxies["http"] == dead_proxy
        assert not session_for(url).trust_env


def test_environment_that_exempts_an_address_from_its_proxy_is_heard(
    dead_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "node.example.org")
    assert not session_for("http://node.example.org").proxies.get("http")
    assert session_for("http://other.example.org").proxies["http"] == dead_proxy


def test_a_transaction_is_three_requests_and_several_reads_are_one(
    doorman: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = demo_account("tests", "counted")
    with open_network("anvil", genesis_time=GENESIS) as network:
        network.fund({account.address: ETHER})
        sender = Sender(network, account)
        contract = deploy(sender, doorman, True).contract
        sender.send(contract.functions.enter(FAR))
        with counted(network, monkeypatch) as counts:
            sender.send(contract.functions.enter(FAR))
        assert counts == {
            "requests": 3,
            "eth_sendRawTransaction": 1,
            "evm_mine": 1,
            "eth_getTransactionReceipt": 1,
        }
        with counted(network, monkeypatch) as counts:
            entry, last = network.read_many([contract.functions.entries(0), contract.functions.lastEntry()])
        assert counts == {"requests": 1, "eth_call": 2}
        assert last == entry + 1
        with counted(network, monkeypatch) as counts:
            sender.send_all([contract.functions.enter(FAR)] * 100)
        assert (counts["requests"], counts["evm_mine"], counts["eth_getTransactionReceipt"]) == (6, 2, 100)


def test_several_accounts_send_together_and_in_order(network: Network, doorman: Artifact) -> None:
    senders = [Sender(network, demo_account("tests", "together", index)) for index in range(4)]
    network.fund({sender.address: ETHER for sender in senders})
    contract = deploy(senders[0], doorman, True).contract
    receipts = send_together(network, [(sender, contract.functions.enter(FAR)) for sender in senders] * 2)
    assert [receipt["from"] for receipt in receipts] == [sender.address for sender in senders] * 2
    assert len({receipt["blockNumber"] for receipt in receipts}) == 1
    assert contract.functions.entries(7).call() == network.latest_timestamp()


def test_a_refusal_among_several_reads_is_the_contracts_own(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    with pytest.raises(ContractReverted) as caught:
        sender.network.read_many([contract.functions.lastEntry(), contract.functions.knock(14)])
    assert caught.value.name == "TooLate"


def test_reading_where_no_contract_is_says_so(sender: Sender, doorman: Artifact) -> None:
    nowhere = sender.network.contract(doorman.interface, sender.address)
    with pytest.raises(ChainError, match=f"what is at {sender.address} has no lastEntry"):
        nowhere.functions.lastEntry().call()


def test_sender_goes_on_after_a_transaction_that_the_node_refused(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    with pytest.raises(ChainError, match="refused"):
        sender.send(contract.functions.enter(FAR), value=100 * ETHER)
    assert sender.send(contract.functions.enter(FAR))["status"] == 1


def test_what_was_read_of_a_sealed_chain_is_not_asked_again_until_it_changes(
    doorman: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = demo_account("tests", "remembered")
    with open_network("anvil", genesis_time=GENESIS) as network:
        network.fund({account.address: ETHER})
        sender = Sender(network, account)
        contract = deploy(sender, doorman, True).contract
        receipt = sender.send(contract.functions.enter(FAR))
        with counted(network, monkeypatch) as counts:
            for _ in range(3):
                assert contract.functions.entries(0).call() == network.latest_timestamp()
                assert network.receipt(receipt["transactionHash"]) == receipt
                assert len(contract.events.Entered().get_logs(from_block=0)) == 1
        assert counts["eth_call"] == counts["eth_getLogs"] == 1
        assert counts["eth_getTransactionReceipt"] == 0
        snapshot = network.snapshot()
        sender.send(contract.functions.enter(FAR))
        assert len(contract.events.Entered().get_logs(from_block=0)) == 2
        assert contract.functions.lastEntry().call() == network.latest_timestamp()
        network.revert(snapshot)
        assert len(contract.events.Entered().get_logs(from_block=0)) == 1


def test_nothing_is_remembered_of_a_chain_that_mines_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    node = LocalNode("anvil", GENESIS)
    try:
        with open_network(node.url) as network, counted(network, monkeypatch) as counts:
            for _ in range(2):
                network.web3.eth.get_block("latest")
        assert counts["eth_getBlockByNumber"] == 2
    finally:
        node.close()


def test_the_embedded_chain_forgets_what_was_read_with_every_block(doorman: Artifact) -> None:
    account = demo_account("tests", "remembered")
    with open_network("eth-tester", genesis_time=GENESIS) as network:
        network.fund({account.address: ETHER})
        sender = Sender(network, account)
        contract = deploy(sender, doorman, True).contract
        for entries in range(1, 4):
            sender.send(contract.functions.enter(FAR))
            assert len(contract.events.Entered().get_logs(from_block=0)) == entries
            assert network.web3.eth.get_block("latest")["timestamp"] == network.latest_timestamp()


@pytest.mark.parametrize("together", [1, 2])
def test_what_was_asked_together_is_recalled_by_web3(together: int) -> None:
    with open_network("anvil") as network:
        asked = [[hex(number), False] for number in range(together)]
        network.mine()
        provider = network.web3.provider
        assert isinstance(provider, JsonRpcProvider)
        found = provider.answers("eth_getBlockByNumber", asked)
        block = network.web3.eth.get_block(0)
        assert block["hash"].to_0x_hex() == found[0]["hash"]
