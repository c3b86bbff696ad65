"""What a prosumer does with its wallet: from the margin to the energy token and the way out."""

from __future__ import annotations

import pytest

from peerwatt.chain import ContractReverted, demo_account
from peerwatt.client import Wallet
from peerwatt.errors import InputError
from peerwatt.messages import Order, Side, Step
from tests.client.conftest import BUYER, CONFIG, FIRST, LENGTH, SELLER, TARIFF, SmallMarket

PRICE = CONFIG.price(20)


def test_a_trade_moves_cash_and_energy_and_nothing_else(small_market: SmallMarket) -> None:
    seller, buyer = small_market.wallet(SELLER), small_market.wallet(BUYER)
    before = seller.balance().cash, buyer.balance().cash
    small_market.trade(FIRST, quantity=1000, exported=1000, imported=1000)
    assert seller.balance().cash - before[0] == 1000 * PRICE
    assert before[1] - buyer.balance().cash == 1000 * (PRICE + TARIFF.network_fee)
    assert buyer.balance().energy == 1000


def test_energy_credit_becomes_tokens_that_are_retired_as_consumed(small_market: SmallMarket) -> None:
    small_market.trade(FIRST, quantity=1000, exported=900, imported=1000)
    buyer = small_market.wallet(BUYER)
    token = small_market.client.energy_token.functions
    assert buyer.balance().energy == 900
    with pytest.raises(ContractReverted, match="AboveEnergyCredit"):
        buyer.take_out_energy(901)
    buyer.take_out_energy(900)
    assert buyer.balance().energy == 0
    assert token.balanceOf(buyer.client.sender.address).call() == token.totalSupply().call() == 900
    buyer.retire_energy(400)
    assert token.totalSupply().call() == 500


def test_only_what_is_above_the_margin_can_be_withdrawn(small_market: SmallMarket) -> None:
    wallet = small_market.wallet(SELLER)
    free = wallet.balance().free
    with pytest.raises(ContractReverted, match="AboveFreeBalance"):
        wallet.withdraw(free + 1)
    wallet.withdraw(free)
    assert wallet.balance().free == 0
    tokens = small_market.client.payment_token.functions.balanceOf(wallet.client.sender.address).call()
    assert tokens == free


def test_whoever_exits_takes_everything_once_its_intervals_are_settled(small_market: SmallMarket) -> None:
    wallet, network = small_market.wallet(SELLER), small_market.network
    network.set_next_timestamp(FIRST * LENGTH - 500)
    order = Order(FIRST, SELLER, (Step(Side.SELL, 20, 100),))
    key = bytes(small_market.keys.order_key(SELLER).key)
    posted = small_market.client.post(FIRST, [order.signed(small_market.client.domain, key)])
    wallet.request_exit()
    with pytest.raises(ContractReverted, match="OpenPosition"):
        wallet.finish_exit()

    # Everybody else is silent: the deadlines and calls open to anyone bring the exit about.
    network.set_next_timestamp(FIRST * LENGTH - 60)
    small_market.client.clear(FIRST)
    small_market.client.expire(FIRST)
    network.set_next_timestamp((FIRST + 1) * LENGTH + 600)
    small_market.client.settle(FIRST, 0, posted.data)
    wallet.finish_exit()
    balance = wallet.balance()
    assert (balance.margin, balance.free) == (0, balance.cash)
    wallet.withdraw(balance.cash)
    assert wallet.balance().cash == 0


def test_a_leaving_participant_posts_no_more(small_market: SmallMarket) -> None:
    small_market.wallet(SELLER).request_exit()
    order = Order(FIRST, SELLER, (Step(Side.SELL, 20, 100),))
    key = bytes(small_market.keys.order_key(SELLER).key)
    small_market.network.set_next_timestamp(FIRST * LENGTH - 500)
    posted = small_market.client.post(FIRST, [order.signed(small_market.client.domain, key)])
    assert posted.batch is None
    assert [skipped.reason.name for skipped in posted.skipped] == ["SUSPENDED"]


def test_a_key_that_is_not_registered_is_refused_by_name(small_market: SmallMarket) -> None:
    stranger = demo_account("tests", "stranger")
    with pytest.raises(InputError, match=f"account {SELLER} is not registered for {stranger.address}"):
        Wallet(small_market.network, small_market.deployment, stranger, SELLER)
