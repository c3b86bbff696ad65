"""A sealed market: nobody sees an order before gate closure, and changing one's mind costs the bond."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from functools import partial

import pytest
from onchain import (
    ETHER,
    TARIFF,
    OnChainMarket,
    participants,
    wallet,
)
from refusals import refused, tried_at
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
    sealed_contract,
    tokens,
    twin_of,
)

from peerwatt.chain import ContractReverted, deploy, open_network
from peerwatt.chain.errors import OutOfGas
from peerwatt.client import BatchData, SealedBatch, SealedPhase, Wallet
from peerwatt.errors import InputError
from peerwatt.market import Posting
from peerwatt.market.errors import BadConfig
from peerwatt.messages import Side, SignedOrder, SkipReason, Verdict, encode_orders

SALT = bytes(range(32))


@pytest.fixture(scope="module")
def deployed_sealed() -> Iterator[OnChainMarket]:
    with open_network() as network:
        yield OnChainMarket(network, 6, config=SEALED)


@pytest.fixture
def market(deployed_sealed: OnChainMarket) -> Iterator[OnChainMarket]:
    """The same for each test, at a time when the interval takes batches."""
    snapshot = deployed_sealed.network.snapshot()
    deployed_sealed.at(COMMITTING)
    yield deployed_sealed
    deployed_sealed.network.revert(snapshot)


def trade(market: OnChainMarket) -> list[list[SignedOrder]]:
    """Two batches: 600 and 400 Wh for sale, and twice 500 Wh wanted."""
    return [
        [market.order(INTERVAL, 4, (Side.SELL, 20, 600)), market.order(INTERVAL, 6, (Side.BUY, 40, 500))],
        [market.order(INTERVAL, 5, (Side.SELL, 20, 400)), market.order(INTERVAL, 7, (Side.BUY, 40, 500))],
    ]


def settle(market: OnChainMarket, batches: Sequence[BatchData]) -> None:
    market.at(SEALED.readings_deadline(INTERVAL))
    for number, batch in enumerate(batches):
        market.client.settle(INTERVAL, number, batch)


def test_revealed_batches_are_cleared_and_settled_as_in_the_twin(market: OnChainMarket) -> None:
    twin, phases = twin_of(market), [phase_of(market, 0), phase_of(market, 1)]
    market.at(COMMITTING + 100)
    sealed = []
    for phase, orders in zip(phases, trade(market), strict=True):
        batch = phase.commit(INTERVAL, orders, SALT)
        sealed.append(batch)
        twin.commit(phase.client.sender.address, INTERVAL, batch.seal, now=COMMITTING + 200)
    conserved(market, bonds=2)
    assert twin.held == 2 * BOND

    revealed = []
    for number, (phase, batch) in enumerate(zip(phases, sealed, strict=True)):
        market.at(CLOSURE + number)
        posted = phase.reveal(batch)
        relayer = phase.client.sender.address
        expected = twin.reveal(relayer, INTERVAL, batch.orders, SALT, now=CLOSURE + number)
        assert isinstance(expected, Posting)
        assert (posted.batch, posted.records) == (number, expected.records)
        assert tokens(phase) == 3 * BOND
        assert phase.owed() == twin.owed[relayer] == BOND
        revealed.append(posted.data)
    conserved(market, 0, *phases)

    market.at(BOOK_CLOSURE)
    cleared = market.client.clear(INTERVAL)
    assert cleared.clearing == twin.market.clear(INTERVAL, now=BOOK_CLOSURE).clearing
    assert cleared.clearing_hash == twin.market.interval(INTERVAL).clearing_hash
    report = market.report_on(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(SEALED.report_deadline(INTERVAL) - 1)
    market.client.report(report, [], *market.quorum_of(report))
    twin.market.report(report, [], now=SEALED.report_deadline(INTERVAL) - 1)
    settle(market, revealed)
    for number in range(2):
        twin.market.settle(INTERVAL, number, now=SEALED.readings_deadline(INTERVAL))
    ledger = twin.market.ledger
    on_chain = market.client.accounts(len(ledger))
    assert on_chain == [(ledger[account].cash, ledger[account].energy) for account in range(len(ledger))]
    for phase in phases:
        phase.collect()
        twin.collect(phase.client.sender.address)
        assert phase.owed() == 0
    assert twin.held == SealedPhase(market.client).held() == 0


def test_chain_holds_nothing_but_a_hash_before_gate_closure(market: OnChainMarket) -> None:
    """Neither the calls nor the events nor the state show an order, a price or who takes part."""
    phase, [orders, _] = phase_of(market, 0), trade(market)
    first = market.network.web3.eth.block_number + 1
    phase.commit(INTERVAL, orders)
    web3, shown = market.network.web3, b""
    for number in range(first, web3.eth.block_number + 1):
        for transaction in web3.eth.get_block(number, full_transactions=True)["transactions"]:
            shown += bytes(transaction.get("input") or transaction["data"])  # type: ignore[union-attr]
            for log in web3.eth.get_transaction_receipt(transaction["hash"])["logs"]:  # type: ignore[index]
                shown += b"".join(map(bytes, log["topics"])) + bytes(log["data"])
    assert len(shown) > 100
    packed = encode_orders(orders)
    assert not any(packed[at : at + 8] in shown for at in range(len(packed) - 8))
    refused("WrongPhase", lambda: market.client.interval(INTERVAL))
    queued = market.client.market.functions.queued
    assert {queued(INTERVAL, Side.SELL, tick).call() for tick in range(256)} == {0}


def test_same_orders_under_another_salt_have_another_seal(market: OnChainMarket) -> None:
    phase, [orders, _] = phase_of(market, 0), trade(market)
    assert phase.commit(INTERVAL, orders).seal != phase.commit(INTERVAL, orders).seal


def test_unrevealed_batch_never_existed_and_its_bond_is_nobodys(market: OnChainMarket) -> None:
    twin, phases, batches = twin_of(market), [phase_of(market, 0), phase_of(market, 1)], trade(market)
    kept, broken = (phase.commit(INTERVAL, orders) for phase, orders in zip(phases, batches, strict=True))
    for phase, batch in zip(phases, (kept, broken), strict=True):
        twin.commit(phase.client.sender.address, INTERVAL, batch.seal, now=COMMITTING)
    market.at(CLOSURE)
    phases[0].reveal(kept)
    twin.reveal(phases[0].client.sender.address, INTERVAL, kept.orders, kept.salt, now=CLOSURE)
    relayer = phases[1].client.sender.address
    market.at(BOOK_CLOSURE - 1)
    refused("RevealNotOver", lambda: phases[0].forfeit(INTERVAL, relayer, broken.seal))

    before = market.client.accounts(4)
    phases[0].forfeit(INTERVAL, relayer, broken.seal)
    twin.forfeit(INTERVAL, relayer, broken.seal, now=BOOK_CLOSURE)
    assert market.client.accounts(4) == before
    assert burnt(market) == twin.burnt == BOND
    assert tokens(phases[1]) == 2 * BOND
    conserved(market, 0, *phases)
    assert twin.held == SealedPhase(market.client).held()
    refused("UnknownSeal", lambda: phases[0].forfeit(INTERVAL, relayer, broken.seal))
    refused("UnknownSeal", lambda: phases[1].reveal(broken))

    market.client.clear(INTERVAL)
    state = market.client.interval(INTERVAL)
    assert (state.batches, state.terms.volume) == (1, 500)


def test_other_orders_than_those_committed_to_are_refused(market: OnChainMarket) -> None:
    phase, [orders, others] = phase_of(market, 0), trade(market)
    batch = phase.commit(INTERVAL, orders)
    market.at(CLOSURE)
    for forged in (
        replace(batch, orders=tuple(others)),
        replace(batch, orders=(orders[1], orders[0])),
        replace(batch, orders=(orders[0],)),
        replace(batch, orders=()),
        replace(batch, salt=bytes(32)),
        replace(batch, interval=INTERVAL + 1),
    ):
        refused("UnknownSeal", lambda forged=forged: phase.reveal(forged))
    assert phase.is_committed(batch)
    assert phase.reveal(batch).batch == 0
    assert not phase.is_committed(batch)


def test_copied_seal_opens_nothing_and_takes_nothing_from_its_owner(market: OnChainMarket) -> None:
    """The copy comes first even; its owner commits and reveals all the same, and the copy costs a bond."""
    owner, copyist, [orders, _] = phase_of(market, 0), phase_of(market, 1), trade(market)
    mine = SealedBatch(INTERVAL, tuple(orders), SALT, b"")
    seal = owner_seal = (
        sealed_contract(market)
        .functions.sealOf(owner.client.sender.address, INTERVAL, encode_orders(orders), SALT)
        .call()
    )
    copyist.client.sender.send(sealed_contract(market).functions.commit(INTERVAL, seal))
    assert owner.commit(INTERVAL, orders, SALT).seal == owner_seal
    market.at(CLOSURE)
    refused("UnknownSeal", lambda: copyist.reveal(mine))
    assert owner.reveal(mine).batch == 0
    refused("UnknownSeal", lambda: copyist.reveal(mine))
    market.at(BOOK_CLOSURE)
    owner.forfeit(INTERVAL, copyist.client.sender.address, seal)
    assert (tokens(owner), tokens(copyist)) == (3 * BOND, 2 * BOND)
    conserved(market, 0, owner, copyist)


def test_order_in_two_revealed_batches_counts_once(market: OnChainMarket) -> None:
    """A second relayer that was given the same orders gains nothing, and loses its bond by them."""
    phases, [orders, _] = [phase_of(market, 0), phase_of(market, 1)], trade(market)
    sealed = [phase.commit(INTERVAL, orders) for phase in phases]
    market.at(CLOSURE)
    assert phases[0].reveal(sealed[0]).batch == 0
    second = phases[1].reveal(sealed[1])
    assert second.batch is None
    assert [skip.reason for skip in second.skipped] == [SkipReason.DUPLICATE_ORDER] * 2
    assert [tokens(phase) for phase in phases] == [3 * BOND, 2 * BOND]


def test_batch_is_committed_revealed_and_forfeited_once(market: OnChainMarket) -> None:
    phase, [orders, _] = phase_of(market, 0), trade(market)
    batch = phase.commit(INTERVAL, orders, SALT)
    refused("AlreadyCommitted", lambda: phase.commit(INTERVAL, orders, SALT))
    market.at(CLOSURE)
    phase.reveal(batch)
    refused("UnknownSeal", lambda: phase.reveal(batch))
    market.at(BOOK_CLOSURE)
    refused("UnknownSeal", lambda: phase.forfeit(INTERVAL, phase.client.sender.address, batch.seal))
    conserved(market, 0, phase)


def test_direct_post_is_refused_at_any_time(market: OnChainMarket) -> None:
    orders = trade(market)[0]
    twin = twin_of(market).market
    for second in (COMMITTING + 100, CLOSURE - 1, CLOSURE, BOOK_CLOSURE - 1, BOOK_CLOSURE):
        market.at(second)
        refused("SealedOnly", lambda: market.client.post(INTERVAL, orders))
        with pytest.raises(Exception, match="sealed batches only"):
            twin.post(INTERVAL, orders, now=second)


def test_each_window_at_its_boundary_seconds(market: OnChainMarket) -> None:
    phase, [orders, others] = phase_of(market, 0), trade(market)
    client, relayer = market.client, phase.client.sender.address

    at = partial(tried_at, market)

    batch, left = phase.commit(INTERVAL, orders), phase.commit(INTERVAL, others)
    ahead = SEALED.last_open(COMMITTING) + 1
    refused("NotYetOpen", lambda: phase.commit(ahead, orders))
    refused("GateClosed", lambda: phase.commit(0, orders))
    at(CLOSURE - 1, None, lambda: phase.commit(INTERVAL, orders))
    at(CLOSURE, "GateClosed", lambda: phase.commit(INTERVAL, orders))
    at(CLOSURE - 1, "TooEarly", lambda: phase.reveal(batch))
    at(CLOSURE, None, lambda: phase.reveal(batch))
    at(BOOK_CLOSURE - 1, None, lambda: phase.reveal(batch))
    at(BOOK_CLOSURE, "BookClosed", lambda: phase.reveal(batch))
    at(BOOK_CLOSURE - 1, "RevealNotOver", lambda: phase.forfeit(INTERVAL, relayer, left.seal))
    at(BOOK_CLOSURE, None, lambda: phase.forfeit(INTERVAL, relayer, left.seal))
    market.at(CLOSURE)
    phase.reveal(batch)
    at(BOOK_CLOSURE - 1, "TooEarly", lambda: client.clear(INTERVAL))
    market.at(BOOK_CLOSURE)
    client.clear(INTERVAL)
    report = market.report_on(INTERVAL, Verdict.ACCEPT, 500)
    signed = market.quorum_of(report)
    deadline = BOOK_CLOSURE + SEALED.report_window
    at(deadline - 1, None, lambda: client.report(report, [], *signed))
    at(deadline, "TooLate", lambda: client.report(report, [], *signed))
    at(deadline - 1, "TooEarly", lambda: client.expire(INTERVAL))
    at(deadline, None, lambda: client.expire(INTERVAL))


def test_participant_commits_and_reveals_for_itself(market: OnChainMarket) -> None:
    """Forced inclusion: no relayer is needed, and none can keep the order out."""
    market.network.fund({wallet(4).address: ETHER})
    owner = Wallet(market.network, market.deployment, wallet(4), 4)
    market.sender.send(market.client.payment_token.functions.mint(wallet(4).address, BOND))
    sealed = owner.commit_order(market.order(INTERVAL, 4, (Side.SELL, 20, 600)))
    assert tokens(SealedPhase(owner.client)) == 0
    market.at(CLOSURE)
    posted = owner.reveal_order(sealed)
    assert [record.participant for record in posted.records] == [4]
    assert tokens(SealedPhase(owner.client)) == BOND
    owner.collect_bonds()
    assert owner.client.payment_token.functions.balanceOf(wallet(4).address).call() == BOND


def test_bad_order_in_a_sealed_batch_is_skipped_at_its_reveal(market: OnChainMarket) -> None:
    """What counts is the time when it is shown: who has left meanwhile is skipped, and its share is burnt."""
    phase, [orders, _] = phase_of(market, 0), trade(market)
    forged = replace(orders[1], signature=bytes(64))
    batch = phase.commit(INTERVAL, [orders[0], forged])
    owner = market.as_wallet(4)
    owner.sender.send(owner.market.functions.requestExit(4))
    market.at(CLOSURE)
    posted = phase.reveal(batch)
    assert [skip.reason for skip in posted.skipped] == [SkipReason.SUSPENDED, SkipReason.BAD_SIGNATURE]
    assert (tokens(phase), burnt(market)) == (2 * BOND, BOND)


def test_pause_stops_commits_and_not_reveals(market: OnChainMarket) -> None:
    """Else an operator with a relayer of its own would choose after a look at the others' orders."""
    phase, [orders, others] = phase_of(market, 0), trade(market)
    batch = phase.commit(INTERVAL, orders)
    registry = market.client.registry.functions
    market.sender.send(registry.setPostingPaused(True))
    refused("PostingIsPaused", lambda: phase.commit(INTERVAL, others))
    market.at(CLOSURE - 1)
    refused("TooEarly", lambda: phase.reveal(batch))
    posted = phase.reveal(batch)
    assert (posted.batch, posted.skipped) == (0, ())
    assert tokens(phase) == 3 * BOND
    conserved(market, 0, phase)


def test_bond_returns_while_the_supplier_stands_for_nobody(market: OnChainMarket) -> None:
    twin, phase, [orders, _] = twin_of(market), phase_of(market, 0), trade(market)
    batch, relayer = phase.commit(INTERVAL, orders), phase.client.sender.address
    twin.commit(relayer, INTERVAL, batch.seal, now=COMMITTING)
    free = market.client.market.functions.freeBalance(0).call()
    market.as_wallet(0).withdraw(0, free)
    market.register(participants(1))
    twin.market.withdraw(0, free)
    twin.market.register(participants(1))
    assert market.client.market.functions.freeBalance(0).call() == twin.market.free_balance(0)
    market.at(CLOSURE)
    assert phase.reveal(batch).batch is None
    assert twin.reveal(relayer, INTERVAL, batch.orders, batch.salt, now=CLOSURE) is None
    assert tokens(phase) == 3 * BOND


def test_batch_is_posted_into_an_interval_that_its_supplier_opened_before_it_fell_short(
    market: OnChainMarket,
) -> None:
    """Else a relayer that has seen the others could choose between its batch and its bond."""
    twin, phase, (first, second) = twin_of(market), phase_of(market, 0), trade(market)
    batches = [phase.commit(INTERVAL, orders) for orders in (first, second)]
    relayer = phase.client.sender.address
    for batch in batches:
        twin.commit(relayer, INTERVAL, batch.seal, now=COMMITTING)
    free = market.client.market.functions.freeBalance(0).call()
    market.as_wallet(0).withdraw(0, free)
    twin.market.withdraw(0, free)
    market.at(CLOSURE)
    assert phase.reveal(batches[0]).batch == 0
    twin.reveal(relayer, INTERVAL, batches[0].orders, batches[0].salt, now=CLOSURE)
    market.register(participants(1))
    twin.market.register(participants(1))
    assert market.client.market.functions.freeBalance(0).call() < 0
    posted = phase.reveal(batches[1])
    expected = twin.reveal(relayer, INTERVAL, batches[1].orders, batches[1].salt, now=CLOSURE + 2)
    assert expected is not None
    assert (posted.batch, posted.skipped, len(posted.records)) == (1, (), 2)
    assert posted.records == expected.records


def test_relayer_does_not_get_its_bond_back_by_starving_the_post_of_gas(market: OnChainMarket) -> None:
    """Else it could reveal without posting, after having seen the others: the last look again, for free."""
    phase, [orders, _] = phase_of(market, 0), trade(market)
    batch = phase.commit(INTERVAL, orders)
    call = sealed_contract(market).functions.reveal(INTERVAL, encode_orders(orders), batch.salt)
    for gas in range(60_000, 200_000, 10_000):
        snapshot = market.network.snapshot()
        market.at(CLOSURE)
        try:
            receipt = phase.client.sender.send(call, gas_limit=gas)
        except (OutOfGas, ContractReverted):
            assert tokens(phase) == 2 * BOND
        else:
            assert phase.client.posted(receipt).batch == 0
        market.network.revert(snapshot)
    market.at(CLOSURE)
    assert phase.reveal(batch).batch == 0


def test_batch_that_ends_within_an_order_stays_sealed(market: OnChainMarket) -> None:
    phase, contract = phase_of(market, 0), sealed_contract(market).functions
    packed, relayer = encode_orders(trade(market)[0])[:-1], phase.client.sender.address
    seal = contract.sealOf(relayer, INTERVAL, packed, SALT).call()
    phase.client.sender.send(contract.commit(INTERVAL, seal))
    market.at(CLOSURE)
    refused("TruncatedBatch", lambda: phase.client.sender.send(contract.reveal(INTERVAL, packed, SALT)))
    market.at(BOOK_CLOSURE)
    phase.forfeit(INTERVAL, relayer, seal)
    assert tokens(phase) == 2 * BOND


def test_interval_of_which_nothing_was_revealed_never_opens(market: OnChainMarket) -> None:
    phase_of(market, 0).commit(INTERVAL, trade(market)[0])
    market.at(BOOK_CLOSURE)
    refused("WrongPhase", lambda: market.client.clear(INTERVAL))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"bond": 0}, "bond"),
        ({"reveal_window": 0}, "bond"),
        ({"reveal_window": 300}, "revealWindow"),
    ],
)
def test_half_sealed_market_is_refused(market: OnChainMarket, change: dict[str, int], field: str) -> None:
    values = {**dict(zip(SEALED.__slots__, astuple(SEALED), strict=True)), **change}
    with pytest.raises(BadConfig, match=field.replace("W", "_w")):
        replace(SEALED, **change)
    roles = [market.sender.address, market.sender.address, [market.sender.address] * 4]
    error = refused(
        "BadConfig",
        lambda: deploy(market.sender, "ParticipantRegistry", tuple(values.values()), astuple(TARIFF), *roles),
    )
    assert error.args_by_name == {"field": field}


def test_open_market_has_no_sealed_phase() -> None:
    with open_network() as network:
        market = OnChainMarket(network, 1)
        assert int(market.client.market.functions.sealedBatches().call(), 16) == 0
        with pytest.raises(InputError, match="no sealed phase"):
            SealedPhase(market.client)
