"""What one home, or two together, would gain by ordering otherwise than their strategy does.

    python scripts/search_deviations.py                      the default day, uniform price, seeds 1 to 3
    python scripts/search_deviations.py --mechanism sdr --day 3 --seeds 5
    python scripts/search_deviations.py --pairs              every two homes
    python scripts/search_deviations.py --pairs --homes works,dario,bakery

Every deviation of `peerwatt.replay.deviations` is rehearsed for every home, or for every two, against all
others as they are. Gains are over one day, the mean of the seeds; the table is Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Final

from peerwatt.cli.progress import shown_progress
from peerwatt.replay.deviations import (
    DEVIATIONS,
    Day,
    Deviation,
    asks,
    bids,
    scaled,
    sham_bid,
    stays_out,
)
from peerwatt.replay.solved_feeder import SolvedFeeder
from peerwatt.scenario.excerpt import from_interval
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario
from peerwatt.scenario.variants import under
from peerwatt.units import BASE_UNITS_PER_CURRENCY

PAIRS: Final[Mapping[str, tuple[Deviation, Deviation]]] = {
    "both stay out": (stays_out, stays_out),
    "both ask and bid 12 ct/kWh": (asks(120), bids(120)),
    "both ask 16 ct/kWh": (asks(160), asks(160)),
    "both ask 24 ct/kWh": (asks(240), asks(240)),
    "one asks 24 ct/kWh, the other withholds half": (asks(240), scaled(50)),
    "one asks 24 ct/kWh, the other bids the ceiling": (asks(240), bids(10_000)),
    "one doubles what it sells, the other buys it at the ceiling": (scaled(200), sham_bid(10_000, 5_000)),
    "one doubles what it sells, the other buys it at 12 ct/kWh": (scaled(200), sham_bid(120, 5_000)),
    "both bid for 5 kWh more than they need, at 12 ct/kWh": (sham_bid(120, 5_000), sham_bid(120, 5_000)),
}
"""What two homes try together; which of them is the one is tried both ways."""


def tries(names: Sequence[str], pairs: bool) -> Iterator[tuple[str, dict[str, Deviation]]]:
    """Every deviation of these homes, by its name, with who deviates how."""
    if not pairs:
        yield from ((name, {who: each}) for name, each in DEVIATIONS.items() for who in names)
        return
    for name, (one, other) in PAIRS.items():
        for first, second in permutations(names, 2):
            if one is not other or first < second:
                yield name, {first: one, second: other}


def gains(
    scenario: Scenario, names: Sequence[str], pairs: bool, seeds: Sequence[int]
) -> dict[str, dict[tuple[str, ...], list[int]]]:
    """What each deviation gains those who deviate, base units, a number per seed."""
    found: dict[str, dict[tuple[str, ...], list[int]]] = {}
    chosen = list(tries(names, pairs))
    with shown_progress([(f"seed {seed}", len(chosen)) for seed in seeds], "deviations") as advance:
        for number, seed in enumerate(seeds):
            day = Day(scenario, SolvedFeeder(scenario, seed))
            for done, (name, who) in enumerate(chosen, 1):
                found.setdefault(name, {}).setdefault(tuple(who), []).append(day.gain(who))
                advance(number, done, len(chosen))
    return found


def _table(found: Mapping[str, Mapping[tuple[str, ...], Sequence[int]]], currency: str) -> Iterator[str]:
    yield f"| deviation | who gains most | mean gain, {currency} | of all who try, gain on average |"
    yield "|---|---|---|---|"
    for name, by_who in found.items():
        means = {who: sum(each) / len(each) for who, each in by_who.items()}
        best = max(means, key=lambda who: means[who])
        gaining = sum(mean > 0 for mean in means.values())
        shown = means[best] / BASE_UNITS_PER_CURRENCY
        yield f"| {name} | {' and '.join(best)} | {shown:.3f} | {gaining} of {len(means)} |"


def main() -> None:
    """Search, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("scenario", nargs="?", default="brooklyn-10")
    parser.add_argument("--mechanism", default="uniform")
    parser.add_argument("--day", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--homes", help="names of those who deviate, separated by commas; all by default")
    chosen = parser.parse_args()
    scenario = load_scenario(chosen.scenario)
    scenario = from_interval(scenario, chosen.day * scenario.calendar.per_day)
    scenario = under(scenario, chosen.mechanism)
    names = [home.name for home in scenario.participants]
    names = chosen.homes.split(",") if chosen.homes else names
    found = gains(scenario, names, chosen.pairs, range(1, chosen.seeds + 1))
    print(*_table(found, scenario.currency), sep="\n")


if __name__ == "__main__":
    main()
