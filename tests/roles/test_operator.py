"""What the operator is asked for is done with its next step; what is refused keeps nothing else back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peerwatt.client import Wallet
from peerwatt.client.market import Registration
from peerwatt.client.supplier import CoverMissing, Supplier
from peerwatt.market.market_rules import Tariff
from peerwatt.market.participant_registry import Participant
from peerwatt.messages import SkipReason
from peerwatt.replay.founding import cover_all
from peerwatt.roles.operator import Operator
from tests.client.conftest import CONFIG, FIRST, SELLER, SmallMarket, open_small_market


@pytest.fixture
def market() -> Iterator[SmallMarket]:
    with open_small_market() as small:
        yield small


def test_a_newcomer_gets_the_next_account(market: SmallMarket) -> None:
    operator, keys, newcomer = Operator(market.client), market.keys, market.client.account_count()
    joins = Participant(keys.order_key(newcomer).address, keys.meter_key(newcomer).address, 100, 100)
    newcomers = [Registration(keys.wallet(newcomer).address, joins, node=3)]
    operator.accept(newcomers[0])
    with pytest.raises(CoverMissing) as missing:
        operator.step(0)
    assert str(missing.value) == (
        "the supplier covers connections of 10000 Wh, and with these there are 15000 Wh: its wallet deposits "
        "15280000 base units and covers them by `peerwatt supplier cover 15000`"
    )
    assert market.client.account_count() == newcomer
    cover_all(market.network, market.deployment, keys.system_wallet(0), missing.value.needed)
    operator.step(0)
    operator.step(0)
    assert market.client.account_count() == newcomer + 1
    assert market.wallet(newcomer).balance().cash == 0


def test_who_is_suspended_is_left_out_of_a_batch_until_readmitted(market: SmallMarket) -> None:
    operator = Operator(market.client)
    operator.suspend(SELLER)
    operator.step(0)
    market.network.advance_to(CONFIG.gate_closure(FIRST) - 100)
    posted = market.client.post(FIRST, market.orders(FIRST, 500))
    assert [(skip.participant, skip.reason) for skip in posted.skipped] == [(SELLER, SkipReason.SUSPENDED)]
    operator.suspend(SELLER, suspended=False)
    operator.step(0)
    assert not market.client.post(FIRST + 1, market.orders(FIRST + 1, 500)).skipped


def test_a_change_that_comes_too_soon_is_told_and_the_others_are_made(
    market: SmallMarket, caplog: pytest.LogCaptureFixture
) -> None:
    operator, later = Operator(market.client), FIRST + 1000
    operator.propose_tariff(1, Tariff(300, 80, 15))
    operator.propose_tariff(later, Tariff(300, 80, 15))
    members = [market.keys.committee_member(index).address for index in (3, 2, 1, 0)]
    operator.schedule_committee(later, members, 3)
    operator.step(0)
    assert "tariff from interval 1 on: refused: " in caplog.text
    assert market.client.registry.functions.tariffAt(later).call() == (320, 82, 15)
    Supplier(Wallet(market.network, market.deployment, market.keys.system_wallet(0), 0)).accept_tariff(
        later, Tariff(300, 80, 15)
    )
    assert market.client.registry.functions.tariffAt(later).call() == (300, 80, 15)
    assert market.client.committee(later) == (members, 3)
