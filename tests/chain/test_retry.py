"""What may be asked again, for how long, and what a node's own wish to wait does to it."""

from __future__ import annotations

import pytest

from peerwatt.chain import NodeBusy, TransactionRefused, UnreachableChain, open_network
from peerwatt.chain.nodes import LocalNode
from peerwatt.chain.retry import Patience, Trouble, is_repeatable, wait_asked_for
from tests.chain.conftest import ETHER, GENESIS
from tests.rough_node import RoughNode

NOW = 1_466_380_800.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *((None, 0), ("", 0), ("0", 0), ("7", 7), ("1.5", 1.5), ("-3", 0), ("soon", 0), ("nan", 0)),
        ("Mon, 20 Jun 2016 00:00:30 GMT", 30),
        ("Mon, 20 Jun 2016 02:00:30 +0200", 30),
        ("Sun, 19 Jun 2016 00:00:00 GMT", 0),
        ("Mon, 99 Jun 2016 00:00:30 GMT", 0),
        ("inf", float("inf")),
    ],
)
def test_a_wish_to_wait_is_a_number_of_seconds_or_a_date(header: str | None, seconds: float) -> None:
    assert wait_asked_for(header, NOW) == seconds


@pytest.mark.parametrize(
    "method", ["evm_mine", "evm_revert", "evm_increaseTime", "eth_sendTransaction", "x_y"]
)
def test_what_changes_a_chain_is_not_sent_again(method: str) -> None:
    assert not is_repeatable(method)


@pytest.mark.parametrize(
    "method", ["eth_call", "eth_getLogs", "eth_getBlockByNumber", "eth_sendRawTransaction", "net_version"]
)
def test_reads_and_signed_bytes_are_sent_again(method: str) -> None:
    assert is_repeatable(method)


def test_a_longer_wait_than_there_is_patience_for_ends_at_once() -> None:
    attempts = []

    def attempt() -> None:
        attempts.append(1)
        raise Trouble("HTTP status 429", wait_seconds=3600, busy=True)

    with pytest.raises(NodeBusy, match=r"^node: .* \(HTTP status 429, asks to wait 3600 s\): wait, or use"):
        Patience("node").ask(attempt, repeatable=True)
    assert len(attempts) == 1


def test_a_lost_answer_is_asked_for_again_only_where_that_is_harmless() -> None:
    node = LocalNode("anvil", GENESIS)
    try:
        with RoughNode(node.url) as rough, open_network(rough.url, answer_seconds=0.5) as network:
            rough.modes = ["drop=1"]
            for method, again in (("evm_increaseTime", False), ("eth_blockNumber", True)):
                with pytest.raises(UnreachableChain):
                    network.ask(method, [])  # type: ignore[attr-defined]
                assert (rough.asked[method] > 1) == again
    finally:
        node.close()


def test_an_endpoint_without_accounts_cannot_fund_and_says_what_to_do() -> None:
    node = LocalNode("anvil", GENESIS)
    try:
        with RoughNode(node.url, "noaccounts") as rough, open_network(rough.url) as network:
            to = network.web3.to_checksum_address("0x" + "11" * 20)
            with pytest.raises(TransactionRefused, match="no development account to give it: send it ether"):
                network.fund({to: ETHER})
    finally:
        node.close()
