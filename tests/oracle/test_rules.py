"""The rules of a scenario reach the report: what it decides, what it shares, and the inputs that it names."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.rules import ChargeRules, GridRules
from peerwatt.grid.shares.loss_rules import LOSS_RULES
from peerwatt.grid.shares.network_charges import CHARGE_RULES
from peerwatt.market.auction import clear
from peerwatt.market.tick_book import TickBook
from peerwatt.messages import Record, Verdict, decode_decisions
from peerwatt.oracle import ClearedInterval, GridForecast, judge
from peerwatt.scenario.bidding import order_of
from peerwatt.scenario.forecasts import Neighbourhood
from peerwatt.scenario.scenario import Scenario

NOON = 44


@pytest.fixture(scope="module")
def forecast(scenario: Scenario) -> GridForecast:
    return Neighbourhood(scenario, scenario.seed).forecast(NOON)


@pytest.fixture(scope="module")
def cleared(scenario: Scenario) -> ClearedInterval:
    """What the homes really bid at noon, in one batch."""
    book = TickBook()
    orders = [order_of(scenario, home, NOON, scenario.seed) for home in scenario.participants]
    records = tuple(Record(o.participant, book.post(o.steps)) for o in orders if o is not None)
    return ClearedInterval(
        7, 900, clear(book, scenario.market, scenario.tariff).clearing, b"\x07" * 32, (records,)
    )


def test_the_loss_rule_decides_what_each_trade_is_charged(
    cleared: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    shares = {}
    for name in LOSS_RULES:
        judgement = judge(cleared, forecast, solver, GridRules(losses=name))
        [packed] = judgement.decisions
        shares[name] = [decision.loss for decision in decode_decisions(packed)]
        assert sum(shares[name]) == judgement.grid.losses.trade_wh
    # at noon most trades relieve the feeder, which costs their parties nothing by the first
    assert sum(shares["aumann_shapley"]) < min(sum(shares["pro_rata"]), sum(shares["tracing"]))
    assert shares["pro_rata"] != shares["tracing"]


def test_other_rules_are_other_inputs(
    cleared: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    rules = [GridRules(losses=loss, curtailment=cut) for loss in LOSS_RULES for cut in ("least", "fair")]
    rules.append(GridRules(volt_var=True))
    assert len({judge(cleared, forecast, solver, r).report.inputs_hash for r in rules}) == len(rules)
    again = judge(cleared, forecast, PowerFlow(solver.feeder), GridRules(curtailment="fair"))
    assert again.report == judge(cleared, forecast, solver, GridRules(curtailment="fair")).report


def test_fair_curtailment_spreads_what_least_takes_from_few(
    cleared: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    shares = {}
    for policy in ("least", "fair"):
        judgement = judge(cleared, forecast, solver, GridRules(curtailment=policy))
        assert judgement.report.verdict == Verdict.CURTAIL
        assert judgement.grid.violations_after == ()
        allowed = judgement.allowed_export()
        assert allowed is not None
        kept = {a: allowed[a] / e for a, e in forecast.export_wh.items() if e}
        shares[policy] = np.ptp(list(kept.values()))
    assert shares["fair"] < shares["least"]


def test_volt_var_support_leaves_more_of_the_sun(
    cleared: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    def kept(rules: GridRules, known: GridForecast) -> int:
        grid = judge(cleared, known, solver, rules).grid
        assert grid.violations_after == ()
        return int((grid.sell_wh + grid.surplus_wh).sum())

    plain, helped = (kept(GridRules(volt_var=on), forecast) for on in (False, True))
    assert helped > plain
    assert kept(GridRules(volt_var=True), replace(forecast, inverter_va={})) == plain


@pytest.mark.parametrize("rule", sorted(CHARGE_RULES | {"zone": None}))
def test_network_charges_recover_the_fee_of_what_was_bought(
    rule: str, cleared: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    names = [solver.feeder.node_names[node] for node in forecast.nodes.values()]
    zones = {name: "ab"[k % 2] for k, name in enumerate(names)}
    charges = ChargeRules(rule, fee=15, most=12, zones=zones, weights={"a": 3})
    judgement = judge(cleared, forecast, solver, GridRules(charges=charges))
    [packed] = judgement.decisions
    decided = decode_decisions(packed)
    assert sum(d.charge for d in decided) == 15 * judgement.report.volume > 0
    assert all(d.charge <= 12 * (d.sell + d.buy) for d in decided)
    assert judgement.report != judge(cleared, forecast, solver).report


def test_the_uniform_fee_needs_no_charge_in_the_report(
    cleared: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    [packed] = judge(cleared, forecast, solver).decisions
    assert not any(d.charge for d in decode_decisions(packed))


def test_the_phase_of_a_home_is_an_input_of_the_judgement(
    cleared: ClearedInterval, forecast: GridForecast, scenario: Scenario
) -> None:
    document: dict[str, Any] = copy.deepcopy(dict(scenario.feeder.document))
    document["phases"] = 3
    for line in document["power_grid_model"]["data"]["line"]:
        line |= {"r0": 3 * line["r1"], "x0": 3 * line["x1"], "c0": line["c1"], "tan0": 0.0}
    street = PowerFlow(feeder_from_document(document))
    all_on_a = replace(forecast, phases=dict.fromkeys(forecast.nodes, 1))
    spread, gathered = judge(cleared, forecast, street), judge(cleared, all_on_a, street)
    assert spread.report.inputs_hash != gathered.report.inputs_hash
    assert gathered.grid.before.u_pu.max() > spread.grid.before.u_pu.max()
    assert gathered.grid.violations_after == ()
    assert gathered.grid.surplus_wh.sum() < spread.grid.surplus_wh.sum()
