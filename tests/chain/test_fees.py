"""What is offered, what is offered instead of what is stuck, and when a receipt counts: on a real Anvil."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peerwatt.chain import FeePolicy, Finality, NonceTaken, NotMined, TransactionRefused, open_network
from peerwatt.chain.fees import GWEI, Offer
from peerwatt.chain.nodes import LocalNode
from peerwatt.errors import InputError
from tests.chain.conftest import GENESIS
from tests.chain.rough import Place, live_token


@pytest.fixture
def place() -> Iterator[Place]:
    with live_token() as found:
        yield found


def test_a_base_fee_is_offered_twice_with_a_tip_and_the_receipt_says_what_was_paid(place: Place) -> None:
    with place.behind() as (_, network, token):
        sender = place.sender(network)
        receipt = sender.send(token.functions.mint(sender.address, 1))
        sent = network.web3.eth.get_transaction(receipt["transactionHash"])
        assert sent["type"] == 2
        assert sent["maxPriorityFeePerGas"] <= sent["maxFeePerGas"] <= 500 * GWEI


@pytest.mark.parametrize("modes", ["legacy", "legacy zerogas"])
def test_a_chain_without_a_base_fee_is_offered_its_gas_price_and_a_quarter(place: Place, modes: str) -> None:
    with place.behind(*modes.split()) as (_, network, token):
        sender = place.sender(network)
        advised = 0 if "zerogas" in modes else int(place.ask("eth_gasPrice"), 16)
        receipt = sender.send(token.functions.mint(sender.address, 1))
        sent = network.web3.eth.get_transaction(receipt["transactionHash"])
        assert sent["type"] == 0
        assert advised <= sent["gasPrice"] <= max(advised, 2 * GWEI) * 5 // 4


def test_sealed_chains_are_offered_what_they_always_were() -> None:
    with open_network("anvil", genesis_time=GENESIS) as network:
        assert network.outbox is None
        assert network.gas_price() == 2 * GWEI


def test_what_is_stuck_is_offered_again_under_its_nonce_and_mined_once(place: Place) -> None:
    with place.behind() as (_, network, token):
        sender, outbox = place.sender(network), network.outbox
        assert outbox is not None
        place.ask("evm_setAutomine", False)
        first = outbox.send(sender.account, {"to": token.address, **_mint(place, sender.address, 1)})
        offered = first.offer
        place.ask("anvil_setNextBlockBaseFeePerGas", hex(2 * offered.most))
        place.ask("evm_mine")
        place.ask("evm_setIntervalMining", 1)
        [receipt] = outbox.receipts([first], 30)
        assert receipt["transactionHash"] == first.transactions[-1] != first.transactions[0]
        assert first.offer.most >= offered.most * 110 // 100
        assert token.functions.balanceOf(sender.address).call() == 1
        assert network.web3.eth.get_transaction_count(sender.address) == 1


def test_what_others_wait_behind_is_offered_again_with_the_next_call(place: Place) -> None:
    with place.behind() as (_, network, token):
        sender, outbox = place.sender(network), network.outbox
        assert outbox is not None
        place.ask("evm_setAutomine", False)
        first = outbox.send(sender.account, {"to": token.address, **_mint(place, sender.address, 1)})
        first.since -= 60
        sender.submit(token.functions.mint(sender.address, 2))
        assert len(first.transactions) == 2
        place.ask("evm_mine")
        assert outbox.receipts([first], 5)[0]["transactionHash"] == first.transactions[1]
        assert token.functions.balanceOf(sender.address).call() == 3
        assert network.web3.eth.get_transaction_count(sender.address) == 2


def test_above_the_cap_nothing_is_offered_and_the_line_says_what_to_set(place: Place) -> None:
    with place.behind(fees=FeePolicy(GWEI // 10)) as (_, network, token):
        sender = place.sender(network)
        place.ask("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        place.ask("evm_mine")
        with pytest.raises(TransactionRefused, match=r"gwei, at most 0\.1 are offered: wait, or allow more"):
            sender.send(token.functions.mint(sender.address, 1))
        assert network.web3.eth.get_transaction_count(sender.address) == 0


def test_not_mined_names_every_hash_and_why(place: Place) -> None:
    with place.behind() as (_, network, token):
        sender = place.sender(network)
        place.ask("evm_setAutomine", False)
        sender.submit(token.functions.mint(sender.address, 1))
        with pytest.raises(NotMined) as caught:
            sender.send(token.functions.mint(sender.address, 1), wait_seconds=0.2)
        assert f"it waits for nonce 0 of {sender.address}" in str(caught.value)
        assert caught.value.transactions == (caught.value.transaction,)


def test_what_is_mined_and_not_deep_enough_is_told(place: Place) -> None:
    with place.behind(finality=Finality(50)) as (_, network, token):
        sender = place.sender(network)
        with pytest.raises(
            NotMined, match=r"\(it is in block \d+, which does not count yet\): look it up later"
        ):
            sender.send(token.functions.mint(sender.address, 1), wait_seconds=0.2)


def test_a_nonce_that_another_program_used_is_told(place: Place) -> None:
    with place.behind() as (_, network, token):
        sender, outbox = place.sender(network), network.outbox
        assert outbox is not None
        place.ask("evm_setAutomine", False)
        sending = outbox.send(sender.account, {"to": token.address, **_mint(place, sender.address, 1)})
        place.ask("anvil_dropTransaction", sending.transactions[0].to_0x_hex())
        place.ask("evm_setAutomine", True)
        with place.behind() as (_, other, same):
            type(sender)(other, sender.account).send(same.functions.mint(sender.address, 5))
        with pytest.raises(NonceTaken, match="nonce 0 was used by another transaction"):
            outbox.receipts([sending], 30)


def test_a_transaction_that_was_dropped_leaves_its_nonce_to_the_next(place: Place) -> None:
    with place.behind() as (_, network, token):
        sender = place.sender(network)
        place.ask("evm_setAutomine", False)
        dropped = sender.submit(token.functions.mint(sender.address, 1))
        place.ask("anvil_dropTransaction", dropped.to_0x_hex())
        place.ask("evm_setAutomine", True)
        sender.send(token.functions.mint(sender.address, 2))
        assert network.web3.eth.get_transaction_count(sender.address) == 1


def test_a_receipt_counts_when_it_is_deep_enough_and_still_on_the_chain(place: Place) -> None:
    with place.behind() as (_, network, token):
        sender, node = place.sender(network), network
        mark = place.ask("evm_snapshot")
        transaction = sender.send(token.functions.mint(sender.address, 1))["transactionHash"]
        said = place.ask("eth_getTransactionReceipt", transaction.to_0x_hex())
        assert Finality().holds(node, said)  # type: ignore[arg-type]
        assert not Finality(3).holds(node, said)  # type: ignore[arg-type]
        assert not Finality(tag="finalized").holds(node, said)  # type: ignore[arg-type]
        place.ask("anvil_mine", hex(2))
        assert Finality(3).holds(node, said)  # type: ignore[arg-type]
        assert not Finality(4).holds(node, said)  # type: ignore[arg-type]
        place.ask("anvil_mine", hex(100))
        assert Finality(tag="finalized").holds(node, said)  # type: ignore[arg-type]
        assert not Finality().holds(node, {**said, "blockNumber": None, "blockHash": None})  # type: ignore[arg-type]
        place.ask("evm_revert", mark)
        place.ask("evm_increaseTime", 7)
        place.ask("anvil_mine", hex(4))
        assert not Finality().holds(node, said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "now", "expected"),
    [
        (Offer(100, 8), Offer(90, 2), Offer(125, 10)),
        (Offer(100, 8), Offer(400, 20), Offer(400, 20)),
        (Offer(100, 0), None, Offer(125, 1)),
        (Offer(100), Offer(10), Offer(125)),
        (Offer(900, 900), None, None),
        (Offer(880, 10), None, Offer(1000, 13)),
        (Offer(0, 0), None, Offer(1, 1)),
    ],
)
def test_a_raised_offer_passes_what_nodes_ask_for_and_never_the_cap(
    old: Offer, now: Offer | None, expected: Offer | None
) -> None:
    assert FeePolicy(1000).raised(old, now) == expected


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(("PEERWATT_MAX_FEE_GWEI", value) for value in ("x", "0", "-1", "nan", "inf", "1e-12")),
        *(("PEERWATT_FINALITY", value) for value in ("0", "latest", "-2", "2.5", "٣")),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=f"^{variable}: "):
        open_network("http://127.0.0.1:1")


def test_the_environment_caps_the_fee_and_says_what_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    node = LocalNode("anvil", GENESIS)
    monkeypatch.setenv("PEERWATT_MAX_FEE_GWEI", "12.5")
    monkeypatch.setenv("PEERWATT_FINALITY", "finalized")
    try:
        with open_network(node.url) as network:
            assert network.outbox is not None
            assert network.outbox.fees.cap_wei == 12_500_000_000
            assert network.outbox.finality == Finality(tag="finalized")
    finally:
        node.close()


def _mint(place: Place, to: str, amount: int) -> dict[str, object]:
    return {"data": place.token.functions.mint(to, amount).data, "value": 0, "gas": 100_000}
