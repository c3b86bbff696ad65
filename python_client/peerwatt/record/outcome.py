"""From what a replay left behind to the results that the report is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from peerwatt import __version__
from peerwatt.grid.flow.power_flow import FlowResult
from peerwatt.market.ledger import SystemAccount
from peerwatt.messages import Side, SkipReason
from peerwatt.record.bills import IntervalTerms, participant_result
from peerwatt.record.curtailment_reasons import curtailment_reasons
from peerwatt.record.feeder_picture import Limits
from peerwatt.record.feeder_view import feeder_picture
from peerwatt.record.household_results import ParticipantResult, SettlementResult
from peerwatt.record.order_outcome import average_prices, order_steps, taken_steps
from peerwatt.record.results import (
    AccountResult,
    IntervalResult,
    ReplayResult,
    Summary,
)
from peerwatt.replay.interval_log import IntervalLog
from peerwatt.replay.replayed import Replayed
from peerwatt.verdict import DECIDED

SYSTEM_NAMES = {
    SystemAccount.SUPPLIER: "supplier",
    SystemAccount.GRID_OPERATOR: "grid operator",
    SystemAccount.METERING_OPERATOR: "metering operator",
    SystemAccount.COMMUNITY: "community",
}


def results(replayed: Replayed) -> ReplayResult:
    """Everything the report needs, derived from the logs once."""
    names = {home.account: home.name for home in replayed.scenario.participants}
    intervals = tuple(_interval(replayed, log) for log in replayed.logs)
    settlements = tuple(
        _settlement(log, home.account, home.name)
        for log in replayed.logs
        for home in replayed.scenario.participants
    )
    terms = {log.slot: _terms(replayed, log, names) for log in replayed.logs}
    participants = tuple(
        participant_result(
            home.name,
            home.kind,
            home.node,
            [settlement for settlement in settlements if settlement.participant == home.name],
            terms,
            replayed.scenario.tariff,
        )
        for home in replayed.scenario.participants
    )
    return ReplayResult(
        summary=_summary(replayed, intervals),
        intervals=intervals,
        participants=participants,
        settlements=settlements,
        orders=tuple(
            step for log in replayed.logs for step in order_steps(replayed.scenario.market, log, names)
        ),
        curtailments=tuple(
            reason
            for log in replayed.logs
            for reason in curtailment_reasons(replayed.scenario.feeder, log, names)
        ),
        accounts=tuple(_accounts(replayed, names)),
        feeder=feeder_picture(replayed),
    )


def bill_error(replayed: Replayed, participants: tuple[ParticipantResult, ...]) -> int:
    """Base units by which bills and accounts on chain differ, over all participants; 0 when all is right.

    A home without an order in an interval is billed outside the contract for it, so only homes that always
    had one are compared.
    """
    error = 0
    for home, result in zip(replayed.scenario.participants, participants, strict=True):
        if all(home.account in log.positions for log in replayed.logs):
            on_chain = replayed.final[home.account][0] - replayed.initial[home.account]
            error += abs(on_chain - result.lines.total)
    return error


def _terms(replayed: Replayed, log: IntervalLog, names: dict[int, str]) -> IntervalTerms:
    price, sell_price = average_prices(replayed.scenario.market, log)
    if not log.clearing.at_limits:
        return IntervalTerms(price, log.verdict, sell_price)
    cash = dict.fromkeys(names.values(), (0, 0))
    for step in taken_steps(replayed.scenario.market, log):
        income, cost = cash[names[step.participant]]
        amount = step.paid * step.accepted
        sells = step.placed.step.side == Side.SELL
        cash[names[step.participant]] = (income + amount, cost) if sells else (income, cost + amount)
    return IntervalTerms(price, log.verdict, sell_price, cash)


def _interval(replayed: Replayed, log: IntervalLog) -> IntervalResult:
    assert log.judgement is not None
    grid = log.judgement.grid
    price, sell_price = average_prices(replayed.scenario.market, log)
    bought = {account: position.buy for account, position in log.positions.items()}
    neighbours = sum(min(bought.get(account, 0), flow.imported) for account, flow in log.flows.items())
    sold = {account: position.sell for account, position in log.positions.items()}
    return IntervalResult(
        interval=log.slot,
        start=replayed.scenario.calendar.iso(log.position),
        price=price,
        sell_price=sell_price,
        orders=len(log.records),
        skipped=len(log.orders) - len(log.records),
        bid_wh=sum(record.total(Side.BUY) for record in log.records),
        offered_wh=sum(record.total(Side.SELL) for record in log.records),
        traded_wh=log.traded,
        accepted_wh=grid.volume_wh if log.records else 0,
        verdict=log.verdict,
        own_wh=sum(flow.own for flow in log.flows.values()),
        neighbours_wh=neighbours,
        grid_wh=sum(flow.imported for flow in log.flows.values()) - neighbours,
        surplus_wh=sum(max(0, flow.exported - sold.get(account, 0)) for account, flow in log.flows.items()),
        curtailed_wh=sum(flow.curtailed for flow in log.flows.values()),
        losses_wh=sum(position.loss for position in log.positions.values()),
        voltage_max_pu_before=_highest(grid.before),
        voltage_max_pu_after=_highest(grid.after),
        voltage_min_pu_before=float(np.min(grid.before.u_pu)),
        voltage_min_pu_after=float(np.min(grid.after.u_pu)),
        loading_max_percent_before=float(np.max(grid.before.loading_percent)),
        loading_max_percent_after=float(np.max(grid.after.loading_percent)),
        gas=log.gas,
    )


def _highest(flow: FlowResult) -> float:
    return float(np.max(flow.u_pu))


def _settlement(log: IntervalLog, account: int, name: str) -> SettlementResult:
    flow = log.flows[account]
    position = log.positions.get(account)
    return SettlementResult(
        interval=log.slot,
        participant=name,
        accepted_sell_wh=position.sell if position else 0,
        accepted_buy_wh=position.buy if position else 0,
        imported_wh=flow.imported,
        exported_wh=flow.exported,
        own_wh=flow.own,
        curtailed_wh=flow.curtailed,
        loss_wh=position.loss if position else 0,
        network_charge=position.charge if position else 0,
        cash=log.cash[account] if position else 0,
        on_market=position is not None,
    )


def _accounts(replayed: Replayed, names: dict[int, str]) -> Iterator[AccountResult]:
    for account, ((cash, energy), initial) in enumerate(zip(replayed.final, replayed.initial, strict=True)):
        name = names[account] if account in names else SYSTEM_NAMES[SystemAccount(account)]
        yield AccountResult(name, cash - initial, energy)


def _summary(replayed: Replayed, intervals: tuple[IntervalResult, ...]) -> Summary:
    scenario, tariff = replayed.scenario, replayed.scenario.tariff
    verdicts = Counter(interval.verdict for interval in intervals)
    gas = sum(interval.gas for interval in intervals)
    orders = sum(interval.orders for interval in intervals)
    limits = scenario.feeder.limits
    return Summary(
        scenario=scenario.name,
        description=scenario.description,
        version=__version__,
        chain=replayed.chain,
        seed=replayed.seed,
        start=scenario.calendar.iso(0),
        interval_length_s=scenario.calendar.length_s,
        intervals=len(intervals),
        participants=len(scenario.participants),
        currency=scenario.currency,
        retail=tariff.retail,
        feed_in=tariff.feed_in,
        network_fee=tariff.network_fee,
        grid_rules=str(scenario.rules),
        orders=orders,
        skipped=sum(interval.skipped for interval in intervals),
        traded_wh=sum(interval.traded_wh for interval in intervals),
        accepted_wh=sum(interval.accepted_wh for interval in intervals),
        verdicts={str(verdict): verdicts[verdict] for verdict in DECIDED},
        reference_mismatches=replayed.mismatches,
        conservation_error=replayed.conservation_error,
        gas_total=gas,
        gas_per_participant_interval=gas // max(1, orders),
        voltage_max_pu_before=max(interval.voltage_max_pu_before for interval in intervals),
        voltage_max_pu_after=max(interval.voltage_max_pu_after for interval in intervals),
        loading_max_percent_after=max(interval.loading_max_percent_after for interval in intervals),
        losses_wh=sum(interval.losses_wh for interval in intervals),
        limits=Limits(limits.v_min_pu, limits.v_max_pu, limits.loading_max_percent),
        provenance=scenario.provenance,
        wall_seconds=replayed.wall_seconds,
        pricing=scenario.switches.price,
        envelopes=sum(bool(log.limits) for log in replayed.logs),
        envelope_shrunk=sum(len(log.shrunk) for log in replayed.logs),
        envelope_skipped=sum(
            skip.reason == SkipReason.OVER_ENVELOPE
            for log in replayed.logs
            if log.posted is not None
            for skip in log.posted.skipped
        ),
        sealed_batches=sum(log.posted is not None for log in replayed.logs)
        if scenario.market.is_sealed
        else 0,
        bond=scenario.market.bond,
        reveal_window_s=scenario.market.reveal_window,
    )
