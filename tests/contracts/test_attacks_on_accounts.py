"""Money that is not the taker's, or that must stay."""

import pytest
from onchain import (
    CONFIG,
    FIRST_INTERVAL,
    OnChainMarket,
    participants,
    role,
    wallet,
    with_readings,
)
from refusals import only_skip, opened, refused

from peerwatt.chain import ContractReverted
from peerwatt.messages import (
    Reading,
    ReadingStatus,
    Side,
    SkipReason,
    Verdict,
    encode_readings,
)

INTERVAL = FIRST_INTERVAL


def test_margin_cannot_leave_just_before_gate_closure_nor_after(market: OnChainMarket) -> None:
    owner = market.as_wallet(4)
    margin, free = market.margin(4), market.margin(4)
    opened(market)
    market.client.post(INTERVAL, [market.order(INTERVAL, 4, (Side.BUY, 40, 1000))])
    market.at(CONFIG.gate_closure(INTERVAL) - 2)
    refused("AboveFreeBalance", lambda: owner.withdraw(4, free + 1))
    owner.withdraw(4, free)
    assert market.client.accounts(5)[4][0] == margin
    refused("AboveFreeBalance", lambda: owner.withdraw(4, 1))
    owner.sender.send(owner.market.functions.requestExit(4))
    refused("AboveFreeBalance", lambda: owner.withdraw(4, 1))
    refused("OpenPosition", lambda: market.sender.send(market.client.market.functions.finishExit(4)))


def test_only_the_wallet_moves_an_account(market: OnChainMarket) -> None:
    functions = market.client.market.functions
    for call in (functions.withdraw(4, 1), functions.takeOutEnergy(4, 0), functions.requestExit(4)):
        refused("NotWallet", lambda call=call: market.sender.send(call))
    token = market.client.energy_token.functions
    refused("OnlyMarket", lambda: market.sender.send(token.mint(market.sender.address, 1)))
    for call in (
        market.deployment.contract(market.network, "ParticipantRegistry").functions.setSuspended(4, True),
        market.deployment.contract(market.network, "GridGate").functions.offerRole(
            role("administrator"), wallet(4).address
        ),
    ):
        thief = market.as_wallet(4).sender
        with pytest.raises(ContractReverted, match="NotAllowed"):
            thief.send(call)


def test_insolvent_participant_is_barred_and_blocks_nobody(market: OnChainMarket) -> None:
    """Nobody reads its meter: what it sold and did not deliver costs it more than it earned."""
    owner = market.as_wallet(4)
    owner.withdraw(4, market.margin(4))
    batches = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.readings_deadline(INTERVAL))
    supplier = market.client.accounts(1)[0][0]
    for number, batch in enumerate(batches):
        market.client.settle(INTERVAL, number, batch)
    cash = market.client.accounts(5)[4][0]
    assert cash < market.margin(4)
    assert market.client.accounts(1)[0][0] != supplier
    later = INTERVAL + 5
    market.at(CONFIG.start(later) - 1000)
    assert only_skip(market, market.order(later, 4, (Side.BUY, 40, 1)), later) == SkipReason.BELOW_MARGIN
    assert market.client.post(later, [market.order(later, 5, (Side.BUY, 40, 1))]).batch == 0
    market.client.deposit(4, market.margin(4) - cash)
    assert market.client.post(later, [market.order(later, 4, (Side.BUY, 40, 1))]).batch == 1


def test_account_cannot_be_filled_until_its_batch_does_not_settle(market: OnChainMarket) -> None:
    sender, token = market.sender, market.client.payment_token.functions
    sender.send(token.mint(sender.address, 2**63))
    full = 2**61 - market.client.accounts(5)[4][0]
    market.client.deposit(4, full)
    for more in (1, 2**61, 2**128, 2**255):
        refused("DepositTooLarge", lambda more=more: market.client.deposit(4, more))


def test_a_cover_raises_the_suppliers_margin_at_once(market: OnChainMarket) -> None:
    """No booking is needed for the market to notice that nobody stands for it: no interval opens."""
    free = market.client.market.functions.freeBalance(0).call()
    market.as_wallet(0).withdraw(0, free)
    market.at(CONFIG.start(INTERVAL - 1))
    market.client.post(INTERVAL, [market.order(INTERVAL, 5, (Side.BUY, 40, 1))])
    market.cover(participants(1))
    later = INTERVAL + 1
    refused(
        "SupplierBelowMargin",
        lambda: market.client.post(later, [market.order(later, 4, (Side.BUY, 40, 1))]),
    )
    assert market.client.post(INTERVAL, [market.order(INTERVAL, 4, (Side.BUY, 40, 1))]).batch == 1


def test_debt_of_somebody_who_has_left_blocks_nobody(market: OnChainMarket) -> None:
    """Corrected after its exit: it delivered nothing. The supplier carries the debt; all others are paid."""
    batches = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.end(INTERVAL))
    sold = [Reading(ReadingStatus.ATTESTED, 0, 600), Reading(ReadingStatus.ATTESTED, 500, 0)]
    bought = [Reading(ReadingStatus.ATTESTED, 0, 400), Reading(ReadingStatus.ATTESTED, 500, 0)]
    readings = [encode_readings(sold), encode_readings(bought)]
    market.client.attest(INTERVAL, readings, 1000, market.attestation(INTERVAL, readings, 1000))
    owner, functions = market.as_wallet(4), market.client.market.functions
    owner.sender.send(functions.requestExit(4))
    market.at(CONFIG.readings_deadline(INTERVAL))
    batches = with_readings(batches, readings)
    by = [
        market.client.settlement_terms(market.client.settle(INTERVAL, number, batch))
        for number, batch in enumerate(batches)
    ]
    market.sender.send(functions.finishExit(4))
    owner.withdraw(4, market.client.accounts(5)[4][0])

    lied = encode_readings([Reading(ReadingStatus.ATTESTED, 0, 0), sold[1]])
    market.correct(INTERVAL, 0, batches[0], by[0], 2, lied, 400)
    cash = market.client.accounts(market.client.account_count())
    debt, _, _ = market.client.totals()
    assert cash[4][0] == -300 * 600 == -debt
    assert sum(balance for balance, _ in cash) == market.client.token_balance()
    refused("AboveFreeBalance", lambda: market.as_wallet(0).withdraw(0, cash[0][0] - market.margin(0)))
    for account in (5, 6, 7):
        market.as_wallet(account).withdraw(account, functions.freeBalance(account).call())
