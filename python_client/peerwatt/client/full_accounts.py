"""Accounts without room for what a batch books to them: anybody may make room, so whoever settles does."""

from __future__ import annotations

from collections.abc import Iterable

from web3.types import TxReceipt

from peerwatt.chain import ContractReverted
from peerwatt.client.market import MarketClient
from peerwatt.client.state import BatchData
from peerwatt.market.ledger import CASH_HALF, ENERGY_HALF
from peerwatt.messages import decode_records


def settle_making_room(client: MarketClient, interval: int, batch: int, data: BatchData) -> TxReceipt:
    """Settle one batch; where an account in it has no room for what it earns, have that paid out first.

    Raises:
        ContractReverted: the market refuses the batch for another reason, or nobody can make room: a balance
            below zero is full too.
    """
    try:
        return client.settle(interval, batch, data)
    except ContractReverted as refused:
        if refused.name != "BalanceOverflow":
            raise
    make_room(client, {record.participant for record in decode_records(data.records)})
    return client.settle(interval, batch, data)


def make_room(client: MarketClient, participants: Iterable[int]) -> None:
    """Have what fills more than half of participants' accounts paid out to their own wallets.

    Cash goes down to half or to the margin, whichever is more. Energy credit becomes tokens as far as meters
    recorded it as delivered; what then is still above half is cancelled if nothing backs any credit.
    """
    call = client.market.functions
    for account in sorted(participants):
        cash, energy = call.account(account).call()
        if cash > CASH_HALF:
            client.withdraw(account, min(cash - CASH_HALF, call.freeBalance(account).call()))
        if energy > ENERGY_HALF:
            _, delivered, taken_out = client.totals()
            backed = max(0, delivered - taken_out)
            paid = min(energy - ENERGY_HALF, backed)
            if paid:
                client.sender.send(call.takeOutEnergy(account, paid))
            if paid == backed and energy - paid > ENERGY_HALF:
                client.sender.send(call.cancelEnergy(account, energy - paid - ENERGY_HALF))
