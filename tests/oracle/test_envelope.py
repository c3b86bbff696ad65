"""A committee publishes only envelopes that a quorum of it computed, and anyone computes the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from peerwatt.grid.errors import FlowError
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.messages import NO_LIMITS, Domain, EnvelopeLimits
from peerwatt.oracle import EnvelopeInputs
from peerwatt.scenario.catalogue import scenario_files
from peerwatt.scenario.forecasts import Neighbourhood
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario
from peerwatt.units import CONNECTION_UNIT_W

HARD = 44  # of the rural zone: full offtake has no flow, and equal shares of injection end in a corner
DOMAIN = Domain(31337, "0x" + "11" * 20)
NOON = 44


@pytest.fixture(scope="module")
def inputs(scenario: Scenario) -> EnvelopeInputs:
    return EnvelopeInputs(
        interval=1_629_056,
        length_s=900,
        connections={
            p.account: EnvelopeLimits(p.import_limit, p.export_limit) for p in scenario.participants
        },
        forecast=Neighbourhood(scenario, scenario.seed).forecast(NOON),
    )


def test_the_same_inputs_give_the_same_envelope_which_only_narrows(
    inputs: EnvelopeInputs, scenario: Scenario
) -> None:
    [first] = inputs.envelopes(PowerFlow(scenario.feeder))
    [again] = inputs.envelopes(PowerFlow(scenario.feeder))
    assert first.digest(DOMAIN) == again.digest(DOMAIN)
    assert (first.page, first.limits[:4]) == (0, (NO_LIMITS,) * 4)
    assert len(first.limits) == 4 + len(scenario.participants)
    narrowed = 0
    for account, connection in inputs.connections.items():
        limits = first.limits[account]
        assert limits.imported <= connection.imported
        assert limits.exported <= connection.exported
        narrowed += limits.exported < connection.exported
    assert narrowed


def test_everything_that_an_envelope_follows_from_is_in_its_inputs_hash(inputs: EnvelopeInputs) -> None:
    account = inputs.accounts[0]
    wider = {**inputs.connections, account: EnvelopeLimits(1, 1)}
    forecast = inputs.forecast
    others = [
        replace(inputs, interval=inputs.interval + 1),
        replace(inputs, length_s=1800),
        replace(inputs, connections=wider),
        replace(inputs, forecast=replace(forecast, export_wh={**forecast.export_wh, account: 1})),
        replace(inputs, forecast=replace(forecast, import_wh={**forecast.import_wh, account: 1})),
        replace(inputs, forecast=replace(forecast, nodes={**forecast.nodes, account: 1})),
        replace(inputs, forecast=replace(forecast, background_w=forecast.background_w + 1)),
        replace(inputs, forecast=replace(forecast, background_var=forecast.background_var + 1)),
    ]
    assert len({inputs.digest(), *(other.digest() for other in others)}) == len(others) + 1


def test_participants_of_a_second_page_have_an_envelope_of_their_own(
    inputs: EnvelopeInputs, solver: PowerFlow
) -> None:
    connections = {**inputs.connections, 97: EnvelopeLimits(50, 0)}
    forecast = replace(inputs.forecast, nodes={**inputs.forecast.nodes, 97: 3})
    first, second = replace(inputs, connections=connections, forecast=forecast).envelopes(solver)
    assert (first.page, len(first.limits), second.page, len(second.limits)) == (0, 96, 1, 2)
    assert second.limits[0] == NO_LIMITS
    assert second.limits[1].imported > 0 == second.limits[1].exported


def test_a_hundred_homes_have_a_feasible_envelope_where_full_use_has_no_power_flow() -> None:
    scenario = load_scenario(
        next(file for file in scenario_files("brooklyn-300") if file.parent.name == "rural")
    )
    solver, forecast = PowerFlow(scenario.feeder), Neighbourhood(scenario, scenario.seed).forecast(HARD)
    connections = {p.account: EnvelopeLimits(p.import_limit, p.export_limit) for p in scenario.participants}
    inputs = EnvelopeInputs(1_629_056, 900, connections, forecast)

    def flow(watts_of: Callable[[int], int]) -> FlowResult:
        used = forecast.background_w.copy()
        for account, node in forecast.nodes.items():
            used[node] += watts_of(account)
        return solver.solve(used, forecast.background_var)

    with pytest.raises(FlowError):
        flow(lambda account: -CONNECTION_UNIT_W * connections[account].imported)

    envelopes = inputs.envelopes(solver)
    limits = dict(enumerate(limits for envelope in envelopes for limits in envelope.limits))
    drawn_w = {account: 4 * energy for account, energy in forecast.import_wh.items()}
    together = (
        flow(lambda account: -CONNECTION_UNIT_W * limits[account].imported),
        flow(lambda account: CONNECTION_UNIT_W * limits[account].exported - drawn_w[account]),
    )
    assert [find_violations(solver.feeder, used) for used in together] == [(), ()]
    assert all(CONNECTION_UNIT_W * limits[account].imported >= watts for account, watts in drawn_w.items())
    assert sum(limits[account].imported for account in connections) * CONNECTION_UNIT_W > 3 * sum(
        drawn_w.values()
    )
    assert envelopes == inputs.envelopes(PowerFlow(scenario.feeder))
