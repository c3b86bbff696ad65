"""How fast the market designs are: `make bench-market` writes benchmarks/market.json.

Every figure is the best of a few runs on this machine, in seconds, beside the budget it must keep.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from peerwatt.compare import compare
from peerwatt.designs import Terms, mechanism
from peerwatt.designs.admm import ConsensusAdmm
from peerwatt.designs.ieee14 import DESIGNS, run, totals
from peerwatt.designs.registry import FAMILIES
from peerwatt.designs.synthetic import random_book, random_peers
from peerwatt.designs.trade_network import full_p2p
from peerwatt.scenario.loading import load_scenario

OUT = Path(__file__).parent / "market.json"
CLEARING = {10_000: 0.010, 1_000_000: 1.0}  # orders: budget, s
FAST = ("uniform", "pay-as-bid", "mcafee", "huang", "muda")


def best(work: Callable[[], object], times: int) -> float:
    """Seconds of the fastest of `times` runs."""
    spent = []
    for _ in range(times):
        began = perf_counter()
        work()
        spent.append(perf_counter() - began)
    return min(spent)


def clearing() -> list[dict[str, object]]:
    """One interval with many orders."""
    rows: list[dict[str, object]] = []
    for orders, budget in CLEARING.items():
        book = random_book(0, orders // 2, orders // 2, most=2_000)
        for name in FAST:
            rule = mechanism(name)
            seconds = best(lambda rule=rule, book=book: rule.clear(book, Terms()), 7 if orders < 10**5 else 3)
            rows.append({"what": f"{name}, {orders} orders", "seconds": round(seconds, 5), "budget": budget})
    return rows


def negotiation() -> dict[str, object]:
    """Consensus ADMM between a hundred peers, 2,500 trades."""
    network = full_p2p(random_peers(0, 100), 0.01)
    seconds = best(lambda: ConsensusAdmm(penalty=3.0).solve(network), 1)
    return {"what": "consensus ADMM, 100 peers", "seconds": round(seconds, 3), "budget": 10.0}


def week() -> dict[str, object]:
    """A week of brooklyn-10 under every auction and sharing rule."""
    scenario = load_scenario("brooklyn-10")
    names = [each.name for family in ("auctions", "sharing rules") for each in FAMILIES[family]]
    seconds = best(lambda: compare(scenario, names, days=7, with_grid=False), 1)
    return {
        "what": f"brooklyn-10, 7 days, {len(names)} designs",
        "seconds": round(seconds, 2),
        "budget": 60.0,
    }


def test_case() -> dict[str, float]:
    """Welfare of the three designs on a day of the IEEE 14-bus case, $."""
    return {design: round(totals(run(design, days=1)).welfare, 2) for design in DESIGNS}


def main() -> int:
    """Measure, print, write; exit code 1 where a budget is missed."""
    rows = [*clearing(), negotiation(), week()]
    for row in rows:
        print(f"{row['what']:<40} {row['seconds']:>9} s   budget {row['budget']} s")
    welfare = test_case()
    print("IEEE 14-bus, one day, welfare in $: " + ", ".join(f"{k} {v}" for k, v in welfare.items()))
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    OUT.write_text(
        json.dumps({"machine": machine, "rows": rows, "ieee14_welfare_usd": welfare}, indent=2) + "\n"
    )
    return int(any(float(str(row["seconds"])) > float(str(row["budget"])) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
