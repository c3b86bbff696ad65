"""Behind nodes that misbehave the same is sent, once, and the same is read; or one line says why not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peerwatt.chain import (
    ContractReverted,
    NodeBusy,
    NodeRefused,
    UnreachableChain,
    events_since,
    open_network,
)
from tests.chain.conftest import GENESIS
from tests.chain.rough import Place, live_token
from tests.rough_node import RoughNode

MODES = [
    *("poa", "poa=600", "aura", "decimals"),
    *("429=9", "429html=5", "429rpc=4", "units=4", "html=5", "html200=5", "503=5", "drop=5", "cut=5"),
    *("truncated=5", "empty=5", "wrongids=5", "stray=4", "textids", "idle=0.01", "slow=0.01"),
    *(
        "dropsend",
        "dropsend=2",
        "alreadyknown",
        "dropreceipt=2",
        "nullreceipt=3",
        "pendingreceipt=3",
        "indexing",
    ),
    *("lagcall", "stalenonce", "stalenonce=3", "legacy", "zerogas", "status500", "nodata"),
    *("lograngeinfura=2", "logrange=3", "lograngelimit=2", "logrange400=2", "logrange413=1", "logrange500=2"),
    *("lograngetimeout=2", "logcount=1"),
    *("besu", "besu3", "erigon", "nethermind", "nethermindnew", "hardhat", "ganache7", "ganache6"),
    *("barehex", "nested", "textonly"),
    *("nobatch", "partial", "wrongbatchids", "shuffled", "twice"),
    *("poa dropsend", "429rpc=4 poa", "dropsend dropreceipt", "logcount=1 html=7", "nethermind 429=9"),
    *("alreadyknown pendingreceipt", "stalenonce dropsend", "legacy besu", "idle=0.1 lograngeinfura=2"),
]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with live_token() as found:
        yield found


@pytest.mark.parametrize("modes", MODES)
def test_the_same_is_sent_once_and_the_same_is_read(place: Place, modes: str) -> None:
    with place.behind(*modes.split()) as (_, network, token):
        sender = place.sender(network)
        functions = token.functions
        assert sender.send(functions.mint(sender.address, 7))["status"] == 1
        last = sender.send(functions.mint(sender.address, 5))
        assert functions.balanceOf(sender.address).call(block=last["blockNumber"]) == 12
        assert (
            network.read_many([functions.balanceOf(sender.address), functions.decimals()] * 3) == [12, 6] * 3
        )
        found = [
            event["args"]["value"] for event in events_since(token.events.Transfer(), 0, to=sender.address)
        ]
        assert found == [7, 5]
        assert network.history.head().number == last["blockNumber"]
        with pytest.raises(ContractReverted) as refused:
            sender.send(functions.transfer(place.token.address, 13))
        assert refused.value.name == "ERC20InsufficientBalance"
        assert refused.value.args_by_name["needed"] == 13
    assert place.network.web3.eth.get_transaction_count(sender.address) == 2


def test_a_refusal_of_a_contract_is_not_asked_again(place: Place) -> None:
    with place.behind() as (rough, _, token):
        with pytest.raises(ContractReverted):
            token.functions.transfer(token.address, 1).call(sender=token.address)
        assert rough.asked["eth_call"] == 1


@pytest.mark.parametrize(
    ("mode", "kind", "said"),
    [
        ("dead", UnreachableChain, "connection refused or lost"),
        ("dead=502", UnreachableChain, "HTTP status 502"),
        ("dead=404", UnreachableChain, "HTTP status 404"),
        ("dead=401", UnreachableChain, "it refuses the key"),
        ("dead=302", UnreachableChain, "it redirects to nowhere"),
        ("dead=200", UnreachableChain, "does not speak JSON-RPC"),
        ("429html=1", NodeBusy, "HTTP status 429"),
        ("429=1", NodeBusy, "asks to wait 1 s"),
        ("429rpc=1", NodeBusy, "request rate limited"),
        ("truncated=1", UnreachableChain, "ends in its middle"),
        ("wrongids=1", UnreachableChain, "the answer to another request"),
    ],
)
def test_what_goes_on_too_long_is_one_line(
    place: Place, mode: str, kind: type[UnreachableChain], said: str
) -> None:
    with RoughNode(place.url, mode) as rough, pytest.raises(kind) as caught:
        open_network(rough.url, answer_seconds=0.4)
    assert str(caught.value).startswith(f"{rough.url}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_block_whose_logs_are_refused_is_read_from_its_receipts(place: Place) -> None:
    with place.behind("logcount=0") as (rough, network, token):
        sender = place.sender(network)
        block = int(sender.send(token.functions.mint(sender.address, 9))["blockNumber"])
        [found] = events_since(token.events.Transfer(), block, to=sender.address)
        assert found["args"]["value"] == 9
        assert rough.asked["eth_getTransactionReceipt"] > 0


def test_a_pruned_state_is_a_typed_error(place: Place) -> None:
    with place.behind("pruned") as (_, network, token):
        place.sender(network).send(token.functions.mint(token.address, 1))
        with pytest.raises(NodeRefused, match="missing trie node"):
            token.functions.decimals().call(block=1)


@pytest.mark.parametrize("modes", ["drop=3", "html=3 poa", "truncated=3"])
def test_a_block_is_sealed_once_though_answers_get_lost(modes: str) -> None:
    with open_network("anvil", genesis_time=GENESIS) as own:
        url = getattr(own, "url")  # noqa: B009 (a chain without a URL has none)
        with RoughNode(url, *modes.split()) as rough, open_network(rough.url, sealed=True) as network:
            for minute in range(1, 6):
                network.advance_to(GENESIS + 60 * minute)
            head = network.history.head()
            assert (head.number, head.time) == (5, GENESIS + 300)
