"""Whatever happens to an interval, cash and energy are neither made nor lost."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from peerwatt.market import SystemAccount, fill
from peerwatt.messages import (
    Decision,
    Order,
    Reading,
    ReadingStatus,
    Side,
    SignedOrder,
    SignedReading,
    Step,
    Verdict,
    encode_decisions,
    encode_readings,
)

ACCOUNTS = range(4, 8)
quantities = st.dictionaries(st.integers(20, 26), st.integers(1, 250), min_size=1, max_size=4)
sides = st.sampled_from([20, 20, 23, 27, 27])
"""From which tick on an order asks: below it, it bids."""
readings = st.builds(
    Reading,
    st.sampled_from([ReadingStatus.MISSING, ReadingStatus.ATTESTED]),
    st.integers(0, 1500),
    st.one_of(st.just(0), st.integers(0, 1500)),
)


def balanced_decisions(data: st.DataObject, twin: Any, interval: int) -> tuple[list[bytes], int]:
    """Decisions that take the same energy from sells and from buys, and name some losses."""
    state = twin.interval(interval)
    fills = {
        side: [
            sum(fill(each, state.cleared) for each in record.steps if each.step.side == side)
            for batch in state.batches
            for record in batch.records
        ]
        for side in Side
    }
    volume = data.draw(st.integers(0, state.volume))
    allowed = {side: [] for side in Side}
    for side in Side:
        left = volume
        for filled in fills[side]:
            allowed[side].append(min(left, filled))
            left -= min(left, filled)
    each = iter(zip(allowed[Side.SELL], allowed[Side.BUY], strict=True))
    return [
        encode_decisions(Decision(*next(each), data.draw(st.integers(0, 30))) for _ in batch.records)
        for batch in state.batches
    ], volume


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_life_of_an_interval_conserves_cash_and_energy(
    neighbourhood_type: Any, data: st.DataObject
) -> None:
    neighbourhood = neighbourhood_type()
    twin, interval = neighbourhood.twin, neighbourhood.interval
    twin.check_signatures = False

    def check() -> None:
        assert (twin.ledger.cash_error, twin.ledger.energy_error) == (0, 0)

    for group in (ACCOUNTS[:2], ACCOUNTS[2:]):
        orders = []
        for account in group:
            offer, asks = sorted(data.draw(quantities).items()), data.draw(sides)
            steps = tuple(Step(Side.SELL if tick >= asks else Side.BUY, tick, wh) for tick, wh in offer)
            orders.append(SignedOrder(Order(interval, account, steps), bytes(64)))
        twin.post(interval, orders)
    matched = twin.clear(interval).volume
    state = twin.interval(interval)

    verdict = data.draw(st.sampled_from(list(Verdict)[1:]))
    loss_rate = data.draw(st.integers(0, 50_000))
    if verdict == Verdict.EXPIRED:
        twin.expire(interval)
    elif verdict == Verdict.CURTAIL:
        decisions, volume = balanced_decisions(data, twin, interval)
        twin.report(neighbourhood.network_report(verdict, volume, decisions, loss_rate), decisions)
    else:
        volume = {Verdict.ACCEPT: matched, Verdict.VOID: 0}.get(verdict)
        volume = data.draw(st.integers(0, matched)) if volume is None else volume
        twin.report(neighbourhood.network_report(verdict, volume, loss_rate=loss_rate))

    def drawn_readings() -> list[bytes]:
        return [
            encode_readings(data.draw(readings) for _ in batch.records)[
                : data.draw(st.sampled_from([99, 99, 7]))
            ]
            for batch in state.batches
        ]

    if data.draw(st.booleans()):
        twin.attest(interval, drawn_readings(), data.draw(st.integers(0, state.volume)))
    if data.draw(st.booleans()):
        twin.overrule(interval, 1, [SignedReading(0, 300, 300, 0, 0, bytes(64))])
    for batch in data.draw(st.permutations([0, 1])):
        twin.settle(interval, batch)
        check()
    assert twin.ledger[SystemAccount.COMMUNITY].cash == 0, "the pool is back where it began"

    credits = sum(twin.ledger[account].energy for account in ACCOUNTS)
    assert credits <= min(state.delivered, state.volume)
    for account in ACCOUNTS:
        margin = twin.margin(account)
        assert twin.ledger[account].cash >= margin - margin // twin.config.ring_size, (
            "lost more than one margin"
        )
