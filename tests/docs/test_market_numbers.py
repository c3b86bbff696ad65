"""The worked numbers of docs/market.md are what the twin computes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from peerwatt.market import (
    EnergyLimits,
    Entries,
    MarketConfig,
    MarketTwin,
    Participant,
    Pricing,
    SystemAccount,
    Tariff,
    Terms,
    TickBook,
    accepted_quantity,
    clear,
    fill,
    settle_batch,
)
from peerwatt.market.accepted import accepted_of
from peerwatt.market.errors import AboveEnergyCredit, BadTariff
from peerwatt.messages import (
    MISSING,
    Clearing,
    Decision,
    Domain,
    MarginalTick,
    PlacedStep,
    Reading,
    ReadingStatus,
    Record,
    Side,
    Step,
    Verdict,
    encode_decisions,
    encode_readings,
)
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario

PAGE = Path(__file__).parents[2] / "docs" / "market.md"
WORKED = re.compile(r"<!-- worked: ([\w-]+) -->\n```json\n(.*?)```", re.DOTALL)
FAR = EnergyLimits(1 << 31, 1 << 31)
"""A connection that bounds nothing."""


def examples() -> dict[str, Any]:
    """The page's worked examples by name."""
    found = WORKED.findall(PAGE.read_text())
    named = {name: json.loads(block) for name, block in found}
    assert len(named) == len(found), "Two worked examples have one name."
    return named


@pytest.fixture(scope="module")
def worked() -> dict[str, Any]:
    return examples()


@pytest.fixture(scope="module")
def brooklyn() -> Scenario:
    return load_scenario("brooklyn-10")


def test_every_worked_example_has_its_test() -> None:
    assert set(examples()) == {
        "deadlines",
        "pricing",
        "pro-rata",
        "cap",
        "loss-room",
        "settlement",
        "variants",
        "at-limits",
        "correction",
        "margin",
        "tokens",
        "envelope",
    }


def test_deadlines_are_those_of_the_shipped_scenario(worked: dict[str, Any], brooklyn: Scenario) -> None:
    example, market = worked["deadlines"], brooklyn.market
    number = example["interval"]
    windows = ("start", "gate_closure", "book_closure", "report_deadline", "end")
    deadlines = ("attest_deadline", "readings_deadline", "correction_deadline")
    for name in (*windows, *deadlines):
        assert utc(getattr(market, name)(number)) == example[name], name
    opens = int(datetime.fromisoformat(example["opens"]).replace(tzinfo=UTC).timestamp())
    assert market.last_open(opens) == number
    assert market.last_open(opens - 1) == number - 1


def test_the_batch_ring_is_as_long_as_the_page_says(brooklyn: Scenario) -> None:
    assert f"= {brooklyn.market.batch_ring:,} intervals" in PAGE.read_text()


@pytest.mark.parametrize("pricing", list(Pricing))
def test_one_book_clears_under_every_rule_as_worked(
    worked: dict[str, Any], brooklyn: Scenario, pricing: Pricing
) -> None:
    example = worked["pricing"]
    config = replace(
        brooklyn.market, pricing=pricing, fixed_price=example["fixed"] if pricing == Pricing.FIXED else 0
    )
    book = TickBook()
    for side, name in ((Side.BUY, "buy"), (Side.SELL, "sell")):
        for price, quantity in example[name]:
            book.post([Step(side, tick_of(config, price), quantity)])
    clearing, volume = clear(
        book, config, Tariff(example["retail"], example["feed_in"], example["network_fee"])
    )
    assert example["outcome"][pricing.name] == {
        "volume": volume,
        "buyers_pay": clearing.buy_price,
        "sellers_get": clearing.sell_price,
    }
    assert clearing.at_limits == (pricing == Pricing.PAY_AS_BID)


def test_a_marginal_lane_is_shared_as_worked(worked: dict[str, Any]) -> None:
    for example in worked["pro-rata"]:
        lane, clearing = marginal_lane(example["queue"], example["filled"], example["filled"])
        assert [fill(placed, clearing) for placed in lane] == example["fills"]
        assert sum(example["fills"]) == example["filled"]


def test_a_cap_shares_the_fills_as_worked(worked: dict[str, Any]) -> None:
    for example in worked["cap"]:
        lane, clearing = marginal_lane(example["queue"], example["filled"], example["accepted"])
        stands = [accepted_quantity(placed, clearing) for placed in lane]
        assert stands == example["stands"]
        assert sum(stands) == example["accepted"]
        assert all(stood <= fill(placed, clearing) for stood, placed in zip(stands, lane, strict=True))


def test_losses_end_at_an_orders_limits_as_worked(worked: dict[str, Any], brooklyn: Scenario) -> None:
    config, tariff, price = brooklyn.market, Tariff(320, 82, 15), 160
    for example in worked["loss-room"]:
        side, filled, kept = Side[example["side"]], example["filled"], example["kept"]
        placed = PlacedStep(Step(side, tick_of(config, example["limit"]), filled), 0)
        marginal = MarginalTick(placed.step.tick, filled, filled, filled)
        terms = Terms(
            Clearing(price, price, False, marginal, marginal), Verdict.CURTAIL, 0, filled, 0, tariff
        )
        decision = Decision(kept, kept, example["loss"])
        assert accepted_of(Record(4, (placed,)), terms, decision, config).loss_cost == example["pays"]


def test_a_batch_settles_as_worked(worked: dict[str, Any], brooklyn: Scenario) -> None:
    example = worked["settlement"]
    entries = settled(example, brooklyn.market)
    for order, booked in zip(example["orders"], entries, strict=True):
        assert (booked.participant_cash, booked.participant_energy) == (order["cash"], order["credit"])
    assert sum(e.grid_operator_cash for e in entries) == example["grid_operator"]
    assert sum(e.community_cash for e in entries) == example["community"]
    assert sum(e.supplier_cash for e in entries) == example["supplier"]
    assert sum(e.metering_operator_energy for e in entries) == example["metering_operator_wh"]
    assert sum(e.delivered for e in entries) == example["delivered"]


def test_one_thing_different_settles_as_worked(worked: dict[str, Any], brooklyn: Scenario) -> None:
    for variant in worked["variants"]:
        changed = {"reading", "charge", "surplus"} & variant["change"].keys()
        example = worked["settlement"] | variant["change"]
        example["orders"] = [
            order
            | ({key: variant["change"][key] for key in changed} if order["who"] == variant["who"] else {})
            for order in example["orders"]
        ]
        names = [order["who"] for order in example["orders"]]
        entries = settled(example, brooklyn.market)
        assert entries[names.index(variant["who"])].participant_cash == variant["cash"], variant["why"]


def test_a_cut_order_keeps_its_best_steps_at_their_limits(worked: dict[str, Any], brooklyn: Scenario) -> None:
    config = replace(brooklyn.market, pricing=Pricing.PAY_AS_BID)
    tariff = Tariff(320, 82, 0)
    for example in worked["at-limits"]:
        side, other = Side[example["side"]], Side(1 - Side[example["side"]])
        steps = [Step(side, tick_of(config, price), quantity) for price, quantity in example["steps"]]
        book = TickBook()
        record = Record(4, book.post(steps))
        book.post([Step(other, 255 if other == Side.BUY else 0, sum(step.quantity for step in steps))])
        clearing, volume = clear(book, config, tariff)
        accepted = example["accepted"]
        sell, buy = (accepted, 0) if side == Side.SELL else (0, accepted)
        terms = Terms(clearing, Verdict.CURTAIL, 0, volume, accepted, tariff)
        [entries] = settle_batch(
            [record],
            encode_decisions([Decision(sell, buy, 0, 0)]),
            encode_readings([Reading(ReadingStatus.ATTESTED, buy, sell)]),
            [FAR],
            terms,
            config,
        )
        assert entries.participant_cash == example["cash"]
        assert entries.community_cash == -example["cash"]


def test_a_correction_books_the_difference_as_worked(worked: dict[str, Any], brooklyn: Scenario) -> None:
    correction, first = worked["correction"], worked["settlement"]
    corrected = first | {"delivered": correction["delivered"]}
    corrected["orders"] = [
        order | ({"exported": correction["exported"]} if order["who"] == correction["who"] else {})
        for order in first["orders"]
    ]
    before, after = settled(first, brooklyn.market), settled(corrected, brooklyn.market)
    booked = [late - early for early, late in zip(before, after, strict=True)]
    by_name = dict(zip((order["who"] for order in first["orders"]), booked, strict=True))
    assert {name: e.participant_cash for name, e in by_name.items()} == correction["cash"]
    credit = {name: e.participant_energy for name, e in by_name.items() if e.participant_energy}
    assert credit == correction["credit"]
    assert sum(e.supplier_cash for e in booked) == correction["supplier"]
    assert sum(e.metering_operator_energy for e in booked) == correction["metering_operator_wh"]


def test_margins_are_those_of_the_shipped_scenario(worked: dict[str, Any], brooklyn: Scenario) -> None:
    example, market = worked["margin"], brooklyn.market
    assert (market.ring_size, market.margin_price) == (example["ring_size"], example["margin_price"])
    accounts = twin_of(brooklyn)
    first = accounts.register(
        Participant("", "", home.import_limit, home.export_limit) for home in brooklyn.participants
    )
    place = [home.name for home in brooklyn.participants].index(example["participant"])
    limits = accounts.energy_limits(first + place)
    assert (limits.imported, limits.exported) == (example["import_limit_wh"], example["export_limit_wh"])
    assert accounts.margin(first + place) == example["margin"]
    assert accounts.margin(SystemAccount.SUPPLIER) == example["supplier_margin"]


def test_a_margin_price_below_the_worst_wh_is_refused(worked: dict[str, Any], brooklyn: Scenario) -> None:
    least = worked["margin"]["least_margin_price"]
    replace(brooklyn.market, margin_price=least).check_tariff(brooklyn.tariff)
    with pytest.raises(BadTariff):
        replace(brooklyn.market, margin_price=least - 1).check_tariff(brooklyn.tariff)


def test_tokens_are_taken_out_as_worked(worked: dict[str, Any], brooklyn: Scenario) -> None:
    example, accounts = worked["tokens"], twin_of(brooklyn)
    account = accounts.register([Participant("", "", 1, 1)])
    accounts.ledger.add(account, energy=example["credit"])
    accounts.ledger.delivered, accounts.ledger.taken_out = example["delivered"], example["taken_out"]
    with pytest.raises(AboveEnergyCredit):
        accounts.take_out_energy(account, example["at_most"] + 1)
    accounts.take_out_energy(account, example["at_most"])


def test_an_envelopes_limit_is_energy_as_worked(worked: dict[str, Any], brooklyn: Scenario) -> None:
    example = worked["envelope"]
    assert brooklyn.market.energy_limit(example["limit"]) == example["limit_wh"]


def twin_of(scenario: Scenario) -> MarketTwin:
    nobody = "0x" + 40 * "0"
    return MarketTwin(scenario.market, scenario.tariff, Domain(31337, nobody), nobody)


def utc(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat()


def tick_of(config: MarketConfig, price: int) -> int:
    tick, rest = divmod(price - config.base_price, config.tick_size)
    assert rest == 0, f"{price} is no tick's price."
    return tick


def marginal_lane(queue: list[int], filled: int, accepted: int) -> tuple[list[PlacedStep], Clearing]:
    """Steps that queue at one tick, and a clearing whose marginal tick that is."""
    offsets = [0, *accumulate(queue)]
    lane = [
        PlacedStep(Step(Side.SELL, 0, quantity), offset)
        for quantity, offset in zip(queue, offsets, strict=False)
    ]
    marginal = MarginalTick(0, sum(queue), filled, accepted)
    return lane, Clearing(1, 1, False, marginal, marginal)


def settled(example: dict[str, Any], config: MarketConfig) -> tuple[Entries, ...]:
    """A worked batch from posting to settlement.

    With a `loss_rate` the report carries no decisions.
    """
    config = replace(config, max_network_fee=example.get("max_network_fee", 0))
    book, records, decisions, readings = TickBook(), [], [], []
    for account, order in enumerate(example["orders"], 4):
        side = Side.SELL if order["sell"] else Side.BUY
        step = Step(side, tick_of(config, order["limit"]), order["sell"] + order["buy"])
        records.append(Record(account, book.post([step])))
        costs = order["loss"], order.get("charge", 0)
        decisions.append(Decision(order["sell"], order["buy"], *costs, order.get("surplus", 0)))
        present = Reading(ReadingStatus.ATTESTED, order["imported"], order["exported"])
        readings.append(MISSING if order.get("reading") == "missing" else present)
    tariff = Tariff(example["retail"], example["feed_in"], example["network_fee"])
    clearing, volume = clear(book, config, tariff)
    assert (clearing.buy_price, volume) == (example["price"], example["volume"])
    loss_rate = example.get("loss_rate", 0)
    terms = Terms(clearing, Verdict[example["verdict"]], loss_rate, volume, example["delivered"], tariff)
    return settle_batch(
        records,
        b"" if loss_rate else encode_decisions(decisions),
        encode_readings(readings),
        (FAR,) * len(records),
        terms,
        config,
    )
