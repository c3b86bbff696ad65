"""Runs any set of designs on the same days of a scenario."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from peerwatt.compare.grid_effect import FeederUnderTest
from peerwatt.compare.result import Comparison, Objection, Row
from peerwatt.compare.settled import SETTLED, SettledDesigns
from peerwatt.designs.battery import STANDARD
from peerwatt.designs.coalition import MOST_EXACT, SharingGame, largest_objection
from peerwatt.designs.design import PerInterval
from peerwatt.designs.measures import measure
from peerwatt.designs.neighbourhood import Neighbourhood
from peerwatt.designs.registry import FAMILIES, NEGOTIATED, design
from peerwatt.designs.truthfulness import temptation
from peerwatt.errors import InputError
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario
from peerwatt.units import W_PER_KW, WH_PER_KWH

FAMILY_OF = {each.name: family for family, members in FAMILIES.items() for each in members}


def compare(
    scenario: Scenario | str | Path,
    names: Sequence[str],
    days: int = 1,
    seed: int | None = None,
    with_grid: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Run designs on the first days of a scenario.

    Args:
        scenario: A checked scenario, or what `load_scenario` takes.
        names: Of the designs, from the registry; the tariff alone is always added.
        days: How many of the scenario's days.
        seed: Of every draw; the scenario's where None.
        with_grid: Also solve the feeder for the flows of each.
        progress: Called with each design's name before it runs.

    Raises:
        InputError: A name is unknown, or the scenario has fewer days.
    """
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario)
    if not 1 <= days <= scenario.calendar.days:
        raise InputError(
            f"--days {days}: scenario {scenario.name} has {scenario.calendar.days}; ask for fewer"
        )
    chosen = {each.name: each for each in map(design, ("tariff-only", *names))}
    seed = scenario.seed if seed is None else seed
    designs = SettledDesigns(scenario, days, seed)
    neighbourhood = designs.neighbourhood
    feeder = FeederUnderTest(scenario, neighbourhood.intervals) if with_grid else None
    rows = []
    for name, each in chosen.items():
        if progress is not None:
            progress(name)
        began = perf_counter()
        run, settled = designs.run(each)
        seconds = perf_counter() - began
        grid = feeder.effect(run.imported, run.exported) if feeder is not None else None
        measures = measure(neighbourhood, run)
        lie = None
        if isinstance(each, PerInterval) and not each.metered and name not in NEGOTIATED:
            lie = temptation(each.mechanism)
        family = FAMILY_OF[name]
        rows.append(
            Row(
                *(name, each.title, each.source, each.runs, family, settled, measures, run, grid, lie),
                seconds=seconds,
            )
        )
    return Comparison(
        scenario=scenario.name,
        description=scenario.description,
        provenance=scenario.provenance,
        start=scenario.calendar.time(0).isoformat(),
        days=days,
        interval_s=scenario.calendar.length_s,
        seed=seed,
        currency=scenario.currency,
        retail=scenario.tariff.retail,
        feed_in=scenario.tariff.feed_in,
        network_fee=scenario.tariff.network_fee,
        participants=neighbourhood.names,
        assumptions=assumptions(neighbourhood),
        rows=tuple(rows),
        objections=objections(neighbourhood, rows),
    )


def objections(neighbourhood: Neighbourhood, rows: Sequence[Row]) -> tuple[Objection, ...]:
    """Who would leave each design that shares everything; nothing above 12 participants."""
    game = SharingGame.of(neighbourhood)
    if game.players > MOST_EXACT:
        return ()
    table, found = game.table(), []
    for row in rows:
        if int(table[-1]) == int(row.measures.savings.sum()) > 0:
            excess, coalition = largest_objection(table, row.measures.savings)
            members = tuple(name for i, name in enumerate(neighbourhood.names) if coalition >> i & 1)
            rounding = game.players  # base units: shares are whole
            found.append(Objection(row.name, members, int(excess) if excess > rounding else 0))
    return tuple(found)


def assumptions(neighbourhood: Neighbourhood) -> tuple[str, ...]:
    """What was made up for designs that need more than the scenario says, in sentences."""
    made_up = [
        "Auctions, posted pools and peer-to-peer markets clear the orders that the scenario's strategy posts "
        "on its forecasts. Sharing rules and coalitions split what the meters counted. The learning and "
        "behavioural bidders choose their own prices, so compare them with one another.",
        "Community and hybrid markets split the participants in two halves along the feeder.",
        "The feeder is the same for all: exports are limited to what the network operator allows without a "
        "market, and a saving is against that. "
        + " ".join(f"Settled '{word}': {sentence}." for word, sentence in SETTLED.items()),
    ]
    if not neighbourhood.batteries:
        made_up.append(
            "The scenario has no batteries: storage designs give every home with panels one of "
            f"{STANDARD.capacity / WH_PER_KWH:g} kWh and {STANDARD.power / W_PER_KW:g} kW for free, and plan "
            "with hindsight."
        )
    return tuple(made_up)
