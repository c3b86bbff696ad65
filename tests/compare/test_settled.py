"""A comparison tells a replay's story: the same gate, losses and bills, and says where it cannot."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import numpy as np
import pytest

from peerwatt.compare import compare
from peerwatt.compare.page import render_page
from peerwatt.compare.settled import GATED, REHEARSED, SETTLED, SHARED, SettledDesigns
from peerwatt.designs.measures import bills_of, measure, tariff_bills
from peerwatt.designs.registry import design
from peerwatt.replay.rehearsal import rehearse_scenario
from peerwatt.scenario.counterfactual import counterfactual
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import PER_TRADED_KWH, Scenario
from peerwatt.scenario.variants import under


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("brooklyn-10")


@pytest.fixture(scope="module")
def settled(scenario: Scenario) -> SettledDesigns:
    return SettledDesigns(scenario, 1, 1)


@pytest.mark.parametrize("name", ["uniform", "pay-as-bid", "sdr"])
def test_what_runs_on_chain_has_a_replays_bills(
    scenario: Scenario, settled: SettledDesigns, name: str
) -> None:
    run, how = settled.run(design(name))
    replayed = rehearse_scenario(under(scenario, name), 1, 96)
    assert how == REHEARSED
    bills = bills_of(run, settled.neighbourhood.terms)
    assert bills.tolist() == [home.bill_market for home in replayed.participants]
    savings = measure(settled.neighbourhood, run).savings
    assert savings.tolist() == [home.saving for home in replayed.participants]
    assert run.surplus == replayed.accounts[3].cash


def test_what_the_community_pays_back_is_on_the_bills(scenario: Scenario) -> None:
    shared = replace(scenario, community=PER_TRADED_KWH)
    designs = SettledDesigns(shared, 1, 1)
    run, _ = designs.run(design("pay-as-bid"))
    replayed = rehearse_scenario(under(shared, "pay-as-bid"), 1, 96)
    bills = bills_of(run, designs.neighbourhood.terms)
    assert bills.tolist() == [home.bill_market for home in replayed.participants]
    assert run.surplus == 0
    assert run.dues.sum() < 0


def test_the_tariff_alone_is_the_counterfactual_of_every_bill(
    scenario: Scenario, settled: SettledDesigns
) -> None:
    homes = settled.neighbourhood
    without_market = counterfactual(scenario, 1)
    assert tariff_bills(homes.imported, homes.exported, homes.terms).tolist() == [
        sum(without_market.payment(t, home) for t in range(96)) for home in scenario.participants
    ]


def test_orders_that_run_off_chain_pass_the_same_gate_with_the_same_losses(settled: SettledDesigns) -> None:
    """The uniform price, taken for a design that runs off chain, is settled to the replay's bills."""
    uniform = design("uniform")
    found = uniform.run(settled.neighbourhood)
    on_chain, _ = settled.run(uniform)
    gated = settled._gated(found)
    assert (gated.sold == on_chain.sold).all()
    assert (gated.bought == on_chain.bought).all()
    assert (gated.payment == on_chain.payment).all()
    assert (gated.losses == on_chain.losses).all()
    terms = settled.neighbourhood.terms
    assert bills_of(gated, terms).tolist() == bills_of(on_chain, terms).tolist()


@pytest.mark.parametrize("name", ["vickrey", "cda-zi", "full-p2p"])
def test_nothing_is_traded_that_the_feeder_cannot_carry(
    scenario: Scenario, settled: SettledDesigns, name: str
) -> None:
    run, how = settled.run(design(name))
    assert how == GATED
    without_market, cut = counterfactual(scenario, 1), 0
    for t in range(96):
        allowed = without_market.allowed(t)
        if allowed is not None:
            cut += 1
            most = np.array([allowed[home.account] for home in scenario.participants])
            assert (run.sold[t] <= most).all()
    assert cut > 20
    assert run.losses is not None
    assert run.losses.sum() > 0
    assert (run.sold.sum(axis=1) == run.bought.sum(axis=1)).all()


def test_two_registers_are_never_netted(scenario: Scenario) -> None:
    metered = replace(
        scenario,
        participants=tuple(replace(home, metered=True) for home in scenario.participants),
    )
    designs = SettledDesigns(metered, 1, 1)
    works = next(k for k, home in enumerate(scenario.participants) if home.name == "works")
    assert designs.neighbourhood.imported[:, works].tolist() == list(
        scenario.participants[works].demand_wh[:96]
    )
    run, _ = designs.run(design("uniform"))
    replayed = rehearse_scenario(metered, 1, 96)
    bills = bills_of(run, designs.neighbourhood.terms)
    assert bills.tolist() == [home.bill_market for home in replayed.participants]


def test_what_is_not_the_same_is_said_beside_the_figure() -> None:
    found = compare("brooklyn-10", ["uniform", "vickrey", "shapley"], with_grid=False)
    assert [row.settled for row in found.rows] == [SHARED, REHEARSED, GATED, SHARED]
    page = render_page(found)
    card = page[page.index("Who gains</h2>") if "Who gains</h2>" in page else page.index("Who gains") :]
    card = card[: card.index("What each household saves")]
    for word, sentence in SETTLED.items():
        assert escape(word) in card
        assert escape(sentence) in card
