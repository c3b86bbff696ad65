"""The comparison as data: a row per design, written as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from peerwatt import __version__
from peerwatt.compare.grid_effect import GridEffect
from peerwatt.designs.design import Run
from peerwatt.designs.measures import Measures
from peerwatt.report.columns import scaled
from peerwatt.units import BASE_UNITS_PER_CURRENCY, PERCENT, W_PER_KW, WH_PER_KWH

FORMAT = "peerwatt-comparison-1"


@dataclass(frozen=True)
class Row:
    """One design.

    Attributes:
        name, title, source, runs, family: Which it is, where it is from, where it can run.
        settled: How far it is settled as on chain, a key of `peerwatt.compare.settled.SETTLED`.
        measures: What it did.
        run: The flows and payments behind it.
        grid: What the feeder would have seen, or None if that was not asked.
        lie: The largest gain from one lie on small random books, as a share of the gains from trade, for
            designs that ask for limit prices.
        seconds: Time it took.
    """

    name: str
    title: str
    source: str
    runs: str
    family: str
    settled: str
    measures: Measures
    run: Run
    grid: GridEffect | None
    lie: float | None
    seconds: float

    @property
    def mean_price(self) -> float | None:
        """Average price of peer energy, base units per Wh; None without trade or where it is paid ahead."""
        if self.run.paid_ahead:
            return None
        bought = int(self.run.bought.sum())
        paid = int(np.where(self.run.bought > 0, self.run.payment, 0).sum())
        return paid / bought if bought else None


@dataclass(frozen=True)
class Objection:
    """The coalition with most reason to leave a design, and what it would gain, base units."""

    design: str
    members: tuple[str, ...]
    gain: int


@dataclass(frozen=True)
class Comparison:
    """Several designs on the same days of a scenario.

    Attributes:
        objections: For designs that share everything, where the coalitions can be listed.
    """

    scenario: str
    description: str
    provenance: str
    start: str
    days: int
    interval_s: int
    seed: int
    currency: str
    retail: int
    feed_in: int
    network_fee: int
    participants: tuple[str, ...]
    assumptions: tuple[str, ...]
    rows: tuple[Row, ...]
    objections: tuple[Objection, ...] = ()

    def table(self) -> list[dict[str, str]]:
        """Every row as column name (with its unit) to text; empty where a measure is not defined."""
        return [_cells(row, self.currency.lower()) for row in self.rows]

    def csv(self) -> str:
        """The table as CSV; `seconds` is the one column that another run need not repeat."""
        text, table = io.StringIO(), self.table()
        writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
        return text.getvalue()

    def document(self) -> dict[str, Any]:
        """Everything, for programs: integers in Wh and base units, shares as fractions."""
        fields = (
            "scenario",
            "start",
            "days",
            "interval_s",
            "seed",
            "currency",
            "retail",
            "feed_in",
            "network_fee",
        )
        return {
            "format": FORMAT,
            "version": __version__,
            **{name: getattr(self, name) for name in fields},
            "assumptions": list(self.assumptions),
            "objections": [vars(each) for each in self.objections],
            "designs": [_document(row, self.participants) for row in self.rows],
        }

    def json(self) -> str:
        """`document` as text."""
        return json.dumps(self.document(), indent=2, ensure_ascii=False) + "\n"


def _cells(row: Row, currency: str) -> dict[str, str]:
    m, grid = row.measures, row.grid

    def money(amount: int) -> str:
        return scaled(amount, BASE_UNITS_PER_CURRENCY)

    cells = {
        "mechanism": row.name,
        "family": row.family,
        "runs": row.runs,
        "settled": row.settled,
        f"bills_{currency}": money(int(m.bills.sum())),
        f"saving_{currency}": money(int(m.savings.sum())),
        "better_off_percent": f"{m.better_off * PERCENT:.0f}",
        f"least_saving_{currency}": money(int(m.savings.min())),
        "gini": _decimal(m.gini, 3),
        "jain": _decimal(m.jain, 3),
        f"market_surplus_{currency}": money(m.surplus),
        f"gain_{currency}": money(m.gain),
        "gain_share_percent": _percent(m.gain_share),
        "order_efficiency_percent": _percent(m.order_efficiency, 2),
        "largest_gain_from_a_lie_percent": _percent(row.lie),
        "traded_kwh": scaled(m.traded, WH_PER_KWH),
        "mean_price_ct_per_kwh": _decimal(None if row.mean_price is None else row.mean_price / 10, 2),
        "self_sufficiency_percent": _percent(m.self_sufficiency),
        "self_consumption_percent": _percent(m.self_consumption),
        "peak_kw": f"{m.peak / W_PER_KW:.3f}",
        "peak_reduction_percent": _percent(m.peak_reduction),
    }
    if grid is not None:
        cells |= {
            "losses_kwh": scaled(grid.losses, WH_PER_KWH),
            "voltage_max_pu": f"{grid.highest:.5f}",
            "voltage_min_pu": f"{grid.lowest:.5f}",
            "loading_max_percent": f"{grid.loading:.1f}",
            "violated_intervals": str(grid.violated),
            "curtailment_needed_kwh": scaled(grid.curtailment, WH_PER_KWH),
        }
    return cells | {"messages": str(m.messages), "seconds": f"{row.seconds:.3f}", "note": row.run.note}


def _document(row: Row, participants: tuple[str, ...]) -> dict[str, Any]:
    m, grid = row.measures, row.grid
    return {
        "mechanism": row.name,
        "title": row.title,
        "source": row.source,
        "runs": row.runs,
        "family": row.family,
        "settled": row.settled,
        "bills": dict(zip(participants, m.bills.tolist(), strict=True)),
        "savings": dict(zip(participants, m.savings.tolist(), strict=True)),
        "better_off": m.better_off,
        "gini": m.gini,
        "jain": m.jain,
        "market_surplus": m.surplus,
        "gain": m.gain,
        "gain_share": m.gain_share,
        "order_efficiency": m.order_efficiency,
        "largest_gain_from_a_lie": row.lie,
        "traded_wh": m.traded,
        "self_sufficiency": m.self_sufficiency,
        "self_consumption": m.self_consumption,
        "peak_w": m.peak,
        "peak_reduction": m.peak_reduction,
        "grid": None if grid is None else vars(grid),
        "messages": m.messages,
        "seconds": round(row.seconds, 3),
        "note": row.run.note,
    }


def _decimal(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _percent(share: float | None, digits: int = 1) -> str:
    return "" if share is None else f"{share * PERCENT:.{digits}f}"
