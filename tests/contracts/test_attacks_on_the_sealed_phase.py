"""The last look has a price: who decides after the others pays for every order that does not count."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from onchain import (
    ETHER,
    OnChainMarket,
    meter_key,
    order_key,
    signed_order,
    wallet,
)
from refusals import refused
from sealed_market import (
    BOND,
    BOOK_CLOSURE,
    CLOSURE,
    COMMITTING,
    INTERVAL,
    SEALED,
    burnt,
    conserved,
    phase_of,
    tokens,
    twin_of,
)
from test_attacks_by_the_token import HOSTILE_TOKEN

from peerwatt.chain import ContractReverted, Sender, demo_account, deploy, open_network
from peerwatt.client import MarketClient, SealedBatch, SealedPhase
from peerwatt.market import Participant, SealedBatches, SystemAccount
from peerwatt.messages import Side, SignedOrder, SkipReason, address_of


@pytest.fixture(scope="module")
def deployed_sealed() -> Iterator[OnChainMarket]:
    with open_network() as network:
        yield OnChainMarket(network, 6, config=SEALED, envelopes=True)


@pytest.fixture
def market(deployed_sealed: OnChainMarket) -> Iterator[OnChainMarket]:
    """The same for each test, at a time when the interval takes batches."""
    snapshot = deployed_sealed.network.snapshot()
    deployed_sealed.at(COMMITTING)
    yield deployed_sealed
    deployed_sealed.network.revert(snapshot)


class Pair:
    """A relayer of the market and of its twin: both burn and owe the same."""

    def __init__(self, market: OnChainMarket, number: int, twin: SealedBatches) -> None:
        self.market, self.phase, self.twin = market, phase_of(market, number), twin
        self.address = self.phase.client.sender.address

    def commit(self, *orders: SignedOrder) -> SealedBatch:
        batch = self.phase.commit(INTERVAL, orders)
        self.twin.commit(self.address, INTERVAL, batch.seal, now=COMMITTING)
        return batch

    def reveal(self, batch: SealedBatch) -> list[SkipReason]:
        posted = self.phase.reveal(batch)
        self.twin.reveal(self.address, INTERVAL, batch.orders, batch.salt, now=CLOSURE)
        assert self.phase.owed() == self.twin.owed[self.address]
        assert burnt(self.market) == self.twin.burnt
        return [skip.reason for skip in posted.skipped]


def test_alternatives_of_one_participant_cost_a_share_each(market: OnChainMarket) -> None:
    """Four orders of one seller in four batches, the best revealed first: three bonds are burnt, not none."""
    seller = Pair(market, 0, twin_of(market))
    market.sender.send(market.client.payment_token.functions.mint(seller.address, BOND))
    asks = [seller.commit(market.order(INTERVAL, 4, (Side.SELL, tick, 600))) for tick in (20, 30, 40, 50)]
    market.at(CLOSURE)
    assert seller.reveal(asks[2]) == []
    for other in (asks[0], asks[1], asks[3]):
        assert seller.reveal(other) == [SkipReason.DUPLICATE_ORDER]
    assert (burnt(market), tokens(seller.phase)) == (3 * BOND, BOND)
    conserved(market, 0, seller.phase)


def test_alternative_among_others_orders_costs_a_share_of_the_bond_rounded_up(market: OnChainMarket) -> None:
    """Hidden in a batch of three orders it costs a third: a look costs bond / orders of the batch."""
    relayer = Pair(market, 0, twin_of(market))
    first = relayer.commit(market.order(INTERVAL, 4, (Side.SELL, 20, 600)))
    among = relayer.commit(*(market.order(INTERVAL, account, (Side.SELL, 30, 100)) for account in (4, 5, 6)))
    market.at(CLOSURE)
    assert relayer.reveal(first) == []
    assert relayer.reveal(among) == [SkipReason.DUPLICATE_ORDER]
    assert burnt(market) == -(-BOND // 3)
    conserved(market, 0, relayer.phase)


def test_an_account_kept_one_unit_below_its_margin_costs_a_share(market: OnChainMarket) -> None:
    """A unit is deposited after a look at the others, or not: not depositing is no longer free."""
    account, twin = market.client.account_count(), twin_of(market)
    joins = [Participant(address_of(order_key(account)), address_of(meter_key(account)), 40, 40)]
    market.register(joins)
    twin.market.register(joins)
    for each, amount in ((0, market.margin(account)), (account, market.margin(account) - 1)):
        market.client.deposit(each, amount)
        twin.market.deposit(each, amount)
    relayer = Pair(market, 0, twin)
    batch = relayer.commit(market.order(INTERVAL, account, (Side.SELL, 20, 600)))
    mark = market.network.snapshot()
    market.client.deposit(account, 1)
    market.at(CLOSURE)
    assert relayer.phase.reveal(batch).skipped == ()
    assert burnt(market) == 0
    market.network.revert(mark)
    market.at(CLOSURE)
    assert relayer.reveal(batch) == [SkipReason.BELOW_MARGIN]
    assert burnt(market) == BOND


def test_every_reason_that_a_side_controls_costs_a_share(market: OnChainMarket) -> None:
    """Forged, too large, malformed, of nobody: each is skipped, and none of them is free."""
    relayer = Pair(market, 0, twin_of(market))
    good = market.order(INTERVAL, 4, (Side.SELL, 20, 600))
    bad = [
        replace(market.order(INTERVAL, 5, (Side.SELL, 20, 1)), signature=bytes(64)),
        market.order(INTERVAL, 6, (Side.SELL, 20, 1001)),
        market.order(INTERVAL, 7, (Side.SELL, 20, 1), (Side.BUY, 40, 1)),
        signed_order(market.domain, INTERVAL, 700, [(Side.SELL, 20, 1)]),
        good,
    ]
    batch = relayer.commit(good, *bad)
    market.at(CLOSURE)
    assert relayer.reveal(batch) == [
        SkipReason.BAD_SIGNATURE,
        SkipReason.OVER_CONNECTION_LIMIT,
        SkipReason.MALFORMED_STEPS,
        SkipReason.UNKNOWN_PARTICIPANT,
        SkipReason.DUPLICATE_ORDER,
    ]
    assert burnt(market) == -(-5 * BOND // 6)


def test_an_envelope_that_comes_after_the_commitment_costs_nothing(market: OnChainMarket) -> None:
    """Its relayer could not know it; the order beside it, which nobody narrowed, is judged as ever."""
    twin = twin_of(market)
    relayer = Pair(market, 0, twin)
    batch = relayer.commit(
        market.order(INTERVAL, 4, (Side.SELL, 20, 600)),
        market.order(INTERVAL, 5, (Side.SELL, 20, 1001)),
        market.order(INTERVAL, 6, (Side.BUY, 40, 500)),
    )
    envelope = market.envelope(INTERVAL, {4: (40, 23)})
    market.publish(envelope)
    twin.market.publish_envelope(envelope, now=COMMITTING)
    market.at(CLOSURE)
    assert relayer.reveal(batch) == [SkipReason.OVER_ENVELOPE, SkipReason.OVER_CONNECTION_LIMIT]
    assert burnt(market) == -(-BOND // 2)


def test_orders_above_an_envelope_make_nobodys_share_smaller(market: OnChainMarket) -> None:
    """An alternative padded with them would cost next to nothing; alone in its batch it costs the bond."""
    twin = twin_of(market)
    envelope = market.envelope(INTERVAL, {5: (40, 23)})
    market.publish(envelope)
    twin.market.publish_envelope(envelope, now=COMMITTING)
    relayer = Pair(market, 0, twin)
    ask, padding = (
        market.order(INTERVAL, 4, (Side.SELL, 20, 600)),
        market.order(INTERVAL, 5, (Side.SELL, 20, 600)),
    )
    forged = replace(padding, signature=bytes(64))
    first = relayer.commit(ask)
    padded = relayer.commit(market.order(INTERVAL, 4, (Side.SELL, 30, 600)), padding, forged, forged)
    market.at(CLOSURE)
    assert relayer.reveal(first) == []
    assert relayer.reveal(padded) == [SkipReason.DUPLICATE_ORDER] + 3 * [SkipReason.OVER_ENVELOPE]
    assert burnt(market) == BOND


def test_community_wallet_gains_nothing_by_a_forfeit(market: OnChainMarket) -> None:
    """It forfeited to itself, and was paid for everybody else's lost bond."""
    key = wallet(SystemAccount.COMMUNITY)
    market.network.fund({key.address: ETHER})
    own = SealedPhase(MarketClient(market.network, market.deployment, Sender(market.network, key)))
    market.sender.send(market.client.payment_token.functions.mint(key.address, BOND))
    batch = own.commit(INTERVAL, [market.order(INTERVAL, 4, (Side.SELL, 20, 600))])
    before = market.client.accounts(4)
    market.at(BOOK_CLOSURE)
    own.forfeit(INTERVAL, key.address, batch.seal)
    assert market.client.accounts(4) == before
    assert (tokens(own), burnt(market)) == (0, BOND)
    refused("UnknownSeal", lambda: own.forfeit(INTERVAL, key.address, batch.seal))
    own.collect()
    assert (tokens(own), own.held()) == (0, BOND)


def test_operator_gets_no_bond_back_by_a_pause(market: OnChainMarket) -> None:
    """A pause of one block in the reveal window returned a bond without a post."""
    relayer = Pair(market, 0, twin_of(market))
    batch = relayer.commit(market.order(INTERVAL, 4, (Side.SELL, 20, 600)))
    market.at(CLOSURE)
    market.sender.send(market.client.registry.functions.setPostingPaused(True))
    assert relayer.phase.reveal(batch).batch == 0
    assert market.client.interval(INTERVAL).batches == 1


def test_operator_and_supplier_cost_a_relayer_a_share_at_most_by_suspending(market: OnChainMarket) -> None:
    relayer = Pair(market, 0, twin_of(market))
    orders = [market.order(INTERVAL, account, (Side.SELL, 20, 100)) for account in range(4, 9)]
    batch = relayer.commit(*orders)
    market.sender.send(market.client.registry.functions.setSuspended(4, True))
    market.at(CLOSURE)
    assert [skip.participant for skip in relayer.phase.reveal(batch).skipped] == [4]
    assert (burnt(market), relayer.phase.owed()) == (BOND // 5, BOND - BOND // 5)


def test_bonds_that_are_back_pay_for_the_next_commitments(market: OnChainMarket) -> None:
    """No token moves for them: a relayer goes on while its token is paused."""
    relayer = Pair(market, 0, twin_of(market))
    first = relayer.commit(market.order(INTERVAL, 4, (Side.SELL, 20, 600)))
    again = relayer.commit(
        market.order(INTERVAL, 4, (Side.SELL, 30, 600)), market.order(INTERVAL, 5, (Side.SELL, 30, 6))
    )
    market.at(CLOSURE)
    assert relayer.reveal(first) == []
    assert relayer.reveal(again) == [SkipReason.DUPLICATE_ORDER]
    owed, purse = relayer.phase.owed(), tokens(relayer.phase)
    assert owed == 2 * BOND - BOND // 2
    token = relayer.phase.client.payment_token.functions
    for later, left in ((INTERVAL + 1, BOND // 2), (INTERVAL + 2, 0)):
        market.at(SEALED.start(later) - 1000)
        relayer.phase.commit(later, [])
        assert relayer.phase.owed() == left
        assert relayer.twin.commit(
            relayer.address, later, bytes([left % 251]) * 32, now=SEALED.start(later) - 1000
        ) in (
            0,
            BOND // 2,
        )
    assert token.balanceOf(relayer.address).call() == BOND - BOND // 2
    assert tokens(relayer.phase) == purse - 2 * BOND
    conserved(market, 2, relayer.phase)


def test_token_paused_in_the_reveal_window_stops_no_order_and_loses_no_bond() -> None:
    """Every reveal moved the bond: a token that refused to move stopped the book and lost honest bonds."""
    with open_network() as network:
        sender = Sender(network, demo_account("contracts", "relayer"))
        network.fund({sender.address: 1000 * ETHER})
        token = deploy(sender, HOSTILE_TOKEN).contract
        market = OnChainMarket(network, 1, config=SEALED, payment_token=token.address)
        phase = SealedPhase(market.client)
        market.at(SEALED.start(INTERVAL) - 1000)
        batch = phase.commit(INTERVAL, [market.order(INTERVAL, 4, (Side.SELL, 20, 600))])
        market.sender.send(token.functions.refuse(True))
        market.at(CLOSURE)
        assert phase.reveal(batch).batch == 0
        market.at(BOOK_CLOSURE)
        refused("UnknownSeal", lambda: phase.forfeit(INTERVAL, market.sender.address, batch.seal))
        with pytest.raises(ContractReverted, match="no transfer today"):
            phase.collect()
        assert phase.owed() == BOND
        market.sender.send(token.functions.refuse(False))
        before = token.functions.balanceOf(market.sender.address).call()
        phase.collect()
        assert token.functions.balanceOf(market.sender.address).call() == before + BOND
        assert (phase.owed(), phase.held()) == (0, 0)
