"""From what a replay left behind to the results that the report is made of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from peerwatt import __version__
from peerwatt.agents.home import Flow
from peerwatt.grid.errors import FlowError
from peerwatt.grid.feeder import BRANCHES, Feeder
from peerwatt.grid.flow.limits import find_violations, highest_u_pu
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.gate.decision import GridDecision
from peerwatt.market.ledger import SystemAccount
from peerwatt.messages import Side, SkipReason
from peerwatt.oracle import metered_flow_of
from peerwatt.record.bill_check import check_bills
from peerwatt.record.bills import interval_terms, participant_result
from peerwatt.record.fills_and_cuts import average_prices, curtailment_reasons, order_steps
from peerwatt.record.household_results import SettlementResult
from peerwatt.record.interval_log import IntervalLog
from peerwatt.record.replayed import Replayed
from peerwatt.record.results import (
    AccountResult,
    BranchState,
    CurtailmentReason,
    FeederPicture,
    IntervalResult,
    Limits,
    NodeState,
    OrderStepResult,
    ReplayResult,
    Summary,
)
from peerwatt.scenario.counterfactual import Counterfactual
from peerwatt.scenario.forecasts import Neighbourhood
from peerwatt.scenario.scenario import Scenario
from peerwatt.verdict import DECIDED

SYSTEM_NAMES = {
    SystemAccount.SUPPLIER: "supplier",
    SystemAccount.GRID_OPERATOR: "grid operator",
    SystemAccount.METERING_OPERATOR: "metering operator",
    SystemAccount.COMMUNITY: "community",
}


def results(replayed: Replayed) -> ReplayResult:
    """Everything the report needs, from a replay that left its logs."""
    derivation = Derivation(replayed.scenario, replayed.seed)
    for log in replayed.logs:
        derivation.take(log)
    return derivation.results(replayed)


class Derivation:
    """Derives the results interval by interval, and keeps no more of each than its rows."""

    def __init__(self, scenario: Scenario, seed: int, without_market: Counterfactual | None = None) -> None:
        """
        Args:
            scenario: what is replayed.
            seed: of its forecasts.
            without_market: of both, where it is known already.
        """
        self._scenario = scenario
        self._solver = PowerFlow(scenario.feeder)
        self._neighbourhood = Neighbourhood(scenario, seed)
        self._without_market = without_market or Counterfactual(scenario, seed, self._solver)
        self._names = {participant.account: participant.name for participant in scenario.participants}
        self._intervals: list[IntervalResult] = []
        self._orders: list[OrderStepResult] = []
        self._settlements: list[SettlementResult] = []
        self._curtailments: list[CurtailmentReason] = []
        self._counted: Counter[str] = Counter()
        self._strained: tuple[float, int, GridDecision] | None = None

    def take(self, log: IntervalLog) -> None:
        """Take the next interval in, once it is settled."""
        scenario, names = self._scenario, self._names
        without = {home.account: self._without_market.flow(log.index, home) for home in scenario.participants}
        settlements = [
            _settlement(log, home.account, home.name, without[home.account]) for home in scenario.participants
        ]
        self._intervals.append(_interval(scenario, log, settlements, without, self._metered(log)))
        self._orders.extend(order_steps(scenario.market, log, names))
        self._settlements.extend(settlements)
        self._curtailments.extend(curtailment_reasons(scenario.feeder, log, names))
        self._counted["envelopes"] += bool(log.limits)
        self._counted["envelope_shrunk"] += len(log.shrunk)
        self._counted["envelope_skipped"] += sum(
            skip.reason == SkipReason.OVER_ENVELOPE for skip in log.skipped
        )
        self._counted["sealed_batches"] += len(log.posted) if scenario.market.is_sealed else 0
        assert log.judgement is not None
        highest = _highest(log.judgement.grid.before)
        if self._strained is None or highest > self._strained[0]:
            self._strained = highest, log.scenario_interval, log.judgement.grid

    def _metered(self, log: IntervalLog) -> FlowResult | None:
        """The feeder as the meters counted, solved again; None where that has no power flow."""
        try:
            return metered_flow_of(
                self._neighbourhood.forecast(log.index),
                {account: reading.imported for account, reading in log.readings.items()},
                {account: reading.exported for account, reading in log.readings.items()},
                self._scenario.calendar.length_s,
                self._solver,
                self._scenario.rules,
            )
        except FlowError:
            return None

    def results(self, replayed: Replayed) -> ReplayResult:
        """Everything the report needs.

        Args:
            replayed: what else the replay left; its logs are not looked at.
        """
        scenario = self._scenario
        of_home: dict[str, list[SettlementResult]] = defaultdict(list)
        for settlement in self._settlements:
            of_home[settlement.participant].append(settlement)
        terms = interval_terms(self._intervals, self._orders)
        participants = tuple(
            participant_result(
                participant.name,
                participant.kind,
                participant.node,
                of_home[participant.name],
                terms,
                scenario.tariff,
                replayed.paid_back.get(participant.account, 0),
            )
            for participant in scenario.participants
        )
        accounts = tuple(_accounts(replayed, self._names))
        return ReplayResult(
            summary=_summary(replayed, self._intervals, self._counted),
            intervals=tuple(self._intervals),
            participants=participants,
            settlements=tuple(self._settlements),
            orders=tuple(self._orders),
            curtailments=tuple(self._curtailments),
            accounts=accounts,
            bill_check=check_bills(
                scenario.tariff,
                intervals=self._intervals,
                participants=participants,
                settlements=self._settlements,
                orders=self._orders,
                accounts=accounts,
            ),
            feeder=None if self._strained is None else _feeder_picture(scenario, *self._strained[1:]),
        )


def _interval(
    scenario: Scenario,
    log: IntervalLog,
    settlements: Sequence[SettlementResult],
    without_market: Mapping[int, Flow],
    metered: FlowResult | None,
) -> IntervalResult:
    assert log.judgement is not None
    grid = log.judgement.grid
    price, sell_price = average_prices(scenario.market, log)
    bought = {account: of.buy for account, of in log.accepted.items()}
    neighbours = sum(min(bought.get(account, 0), flow.imported) for account, flow in log.flows.items())
    sold = {account: of.sell for account, of in log.accepted.items()}
    return IntervalResult(
        interval=log.scenario_interval,
        start=scenario.calendar.iso(log.index),
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
        unpaid_wh=sum(settlement.unpaid_surplus_wh for settlement in settlements),
        curtailed_wh=sum(flow.curtailed for flow in log.flows.values()),
        without_market_curtailed_wh=sum(flow.curtailed for flow in without_market.values()),
        losses_wh=sum(of.loss for of in log.accepted.values()),
        voltage_max_pu_before=_highest(grid.before),
        voltage_max_pu_after=_highest(grid.after),
        voltage_min_pu_before=float(np.min(grid.before.u_pu)),
        voltage_min_pu_after=float(np.min(grid.after.u_pu)),
        loading_max_percent_before=float(np.max(grid.before.loading_percent)),
        loading_max_percent_after=float(np.max(grid.after.loading_percent)),
        voltage_max_pu_metered=None if metered is None else _highest(metered),
        voltage_min_pu_metered=None if metered is None else float(np.min(metered.u_pu)),
        loading_max_percent_metered=None if metered is None else float(np.max(metered.loading_percent)),
        beyond_limits_after=len(grid.violations_after),
        # what has no power flow breaks at least one limit
        beyond_limits_metered=1 if metered is None else len(find_violations(scenario.feeder, metered)),
        gas=log.gas,
    )


def _highest(flow: FlowResult) -> float:
    return float(np.max(flow.u_pu))


def _settlement(log: IntervalLog, account: int, name: str, without_market: Flow) -> SettlementResult:
    assert log.judgement is not None
    flow = log.flows[account]
    accepted = log.accepted.get(account)
    allowed = log.judgement.allowed_export()
    limit = None if allowed is None else allowed[account]
    surplus = flow.exported - min(accepted.sell, flow.exported) if accepted else flow.exported
    return SettlementResult(
        interval=log.scenario_interval,
        participant=name,
        accepted_sell_wh=accepted.sell if accepted else 0,
        accepted_buy_wh=accepted.buy if accepted else 0,
        imported_wh=flow.imported,
        exported_wh=flow.exported,
        own_wh=flow.own,
        curtailed_wh=flow.curtailed,
        loss_wh=accepted.loss if accepted else 0,
        network_charge=accepted.charge if accepted else 0,
        loss_cost=accepted.loss_cost if accepted else 0,
        paid_surplus_wh=min(surplus, accepted.surplus if accepted else surplus if limit is None else limit),
        export_limit_wh=limit,
        without_market_wh=without_market.exported,
        cash=log.cash[account] if log.cash else 0,
        on_market=accepted is not None,
    )


def _accounts(replayed: Replayed, names: dict[int, str]) -> Iterator[AccountResult]:
    for account, ((cash, energy), initial) in enumerate(zip(replayed.final, replayed.initial, strict=True)):
        name = names[account] if account in names else SYSTEM_NAMES[SystemAccount(account)]
        yield AccountResult(name, cash - initial, energy)


def _summary(replayed: Replayed, intervals: Sequence[IntervalResult], counted: Counter[str]) -> Summary:
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
        counterfactual=scenario.counterfactual,
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
        voltage_max_pu_metered=max(
            (i.voltage_max_pu_metered for i in intervals if i.voltage_max_pu_metered is not None),
            default=None,
        ),
        intervals_beyond_limits=sum(i.beyond_limits_metered > i.beyond_limits_after for i in intervals),
        unpaid_wh=sum(interval.unpaid_wh for interval in intervals),
        curtailed_wh=sum(interval.curtailed_wh for interval in intervals),
        without_market_curtailed_wh=sum(interval.without_market_curtailed_wh for interval in intervals),
        losses_wh=sum(interval.losses_wh for interval in intervals),
        limits=Limits(limits.v_min_pu, limits.v_max_pu, limits.loading_max_percent),
        provenance=scenario.provenance,
        wall_seconds=replayed.wall_seconds,
        pricing=scenario.switches.price,
        envelopes=counted["envelopes"],
        envelope_shrunk=counted["envelope_shrunk"],
        envelope_skipped=counted["envelope_skipped"],
        sealed_batches=counted["sealed_batches"],
        bond=scenario.market.bond,
        reveal_window_s=scenario.market.reveal_window,
        first_difference=replayed.first_difference,
        time_zone=scenario.time_zone,
    )


def _feeder_picture(scenario: Scenario, scenario_interval: int, grid: GridDecision) -> FeederPicture | None:
    """The picture of the interval with the highest voltage before the gate; None without coordinates."""
    feeder = scenario.feeder
    if not feeder.coordinates:
        return None
    homes: dict[str, list[str]] = defaultdict(list)
    for participant in scenario.participants:
        homes[participant.node].append(participant.name)
    before, after = (
        highest_u_pu(grid.before, feeder.three_phase),
        highest_u_pu(grid.after, feeder.three_phase),
    )
    nodes = tuple(
        NodeState(name, *feeder.coordinates[name], float(before[k]), float(after[k]), tuple(homes[name]))
        for k, name in enumerate(feeder.node_names)
        if name in feeder.coordinates
    )
    branches = tuple(
        BranchState(name, *ends, float(grid.before.loading_percent[k]), float(grid.after.loading_percent[k]))
        for k, (name, ends) in enumerate(zip(feeder.branch_names, _ends(feeder), strict=True))
        if all(end in feeder.coordinates for end in ends)
    )
    return FeederPicture(scenario_interval, nodes, branches)


def _ends(feeder: Feeder) -> list[tuple[str, str]]:
    """The two nodes of every branch, in the order of `branch_names`."""
    return [
        (feeder.names[int(row["from_node"])], feeder.names[int(row["to_node"])])
        if "from_node" in (feeder.data[kind].dtype.names or ())
        else (feeder.names[int(row["node_1"])], feeder.names[int(row["node_2"])])
        for kind in BRANCHES
        if kind in feeder.data
        for row in feeder.data[kind]
    ]
