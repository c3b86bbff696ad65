"""What a participant consumes and generates: its profile, in whole Wh per interval.

A profile says when in a column TIME or INTERVAL, and how much in one of three ways: consumption and
generation apart (`LOAD(W)` and `PV(W)`), or what a meter between home and grid exports as one signed column,
mean power (`POWER(W)`) or energy (`ENERGY(kWh)`), + import, - export. The last two do not tell what was used
behind the meter.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from peerwatt.scenario.calendar import INTERVAL_COLUMN, TIME_COLUMN, Calendar
from peerwatt.scenario.csv_table import CsvTable, Row, decimal, read_csv_as
from peerwatt.scenario.participants import MAX_POWER_W, Participant
from peerwatt.scenario.problems import Problem
from peerwatt.units import CONNECTION_UNIT_W, HOUR_S, W_PER_KW

LOAD, PV, POWER, ENERGY = "LOAD(W)", "PV(W)", "POWER(W)", "ENERGY(kWh)"
LAYOUTS = tuple(
    (when, *how) for how in ((LOAD, PV), (POWER,), (ENERGY,)) for when in (TIME_COLUMN, INTERVAL_COLUMN)
)
MAX_ENERGY_KWH = MAX_POWER_W // W_PER_KW
"""Of an interval, which is an hour at most."""
WS_PER_KWH = 3_600_000

Powers = tuple[Fraction, Fraction]
"""Mean consumption and generation of an interval, W."""


def interval_energy(powers_w: Sequence[Decimal | Fraction], length_s: int) -> tuple[int, ...]:
    """Mean powers as whole Wh per interval, the way a meter counts them.

    A register shows whole Wh: register(t) = floor(energy up to t), and an interval's energy is the difference
    of two registers. So each interval is within 1 Wh of the exact value, and so is any sum of them.

    Args:
        powers_w: mean power of each interval, W, not negative.
        length_s: of an interval.
    """
    exact = Fraction(0)
    register = 0
    energy = []
    for power in powers_w:
        exact += Fraction(power) * length_s / HOUR_S
        energy.append(int(exact) - register)
        register = int(exact)
    return tuple(energy)


def read_profile(
    path: Path, participant: Participant, calendar: Calendar, problems: list[Problem]
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Read one participant's profile.

    Args:
        path: the file; its header is one of `LAYOUTS`.
        participant: whose connection must carry it.
        calendar: the intervals that it must cover, no more and no less.
        problems: mistakes are appended here.

    Returns:
        Demand and generation per interval, Wh; None if there are mistakes.
    """
    table = read_csv_as(path, LAYOUTS)
    powers: dict[int, Powers] = {}
    for row in table.rows:
        found = _powers(table, row, calendar.length_s)
        if found is not None:
            _check_connection(table, row, participant, found[0] - found[1])
            powers[row.line] = found
    rows = calendar.in_order(table) if table.rows else None
    problems.extend(table.problems)
    if table.problems or rows is None:
        return None
    loads, generations = zip(*(powers[row.line] for row in rows), strict=True)
    return interval_energy(loads, calendar.length_s), interval_energy(generations, calendar.length_s)


def _powers(table: CsvTable, row: Row, length_s: int) -> Powers | None:
    """What one row says; a mistake is noted and gives None."""
    if LOAD in table.header:
        read = decimal("W", 0, MAX_POWER_W)
        load, pv = table.cell(row, LOAD, read), table.cell(row, PV, read)
        return None if load is None or pv is None else (Fraction(load), Fraction(pv))
    if POWER in table.header:
        power = table.cell(row, POWER, decimal("W", -MAX_POWER_W, MAX_POWER_W))
        net = None if power is None else Fraction(power)
    else:
        energy = table.cell(row, ENERGY, decimal("kWh", -MAX_ENERGY_KWH, MAX_ENERGY_KWH))
        net = None if energy is None else Fraction(energy) * WS_PER_KWH / length_s
    return None if net is None else (max(net, Fraction(0)), max(-net, Fraction(0)))


def _check_connection(table: CsvTable, row: Row, participant: Participant, net_w: Fraction) -> None:
    if net_w > participant.import_limit * CONNECTION_UNIT_W:
        column, limit = LOAD, participant.import_limit
        what = f"a net import of {_watts(net_w)} W exceeds import_limit_kw"
    elif -net_w > participant.export_limit * CONNECTION_UNIT_W:
        column, limit = PV, participant.export_limit
        what = f"a net export of {_watts(-net_w)} W exceeds export_limit_kw"
    else:
        return
    if column not in table.header:
        column = POWER if POWER in table.header else ENERGY
    message = f"{what} {Decimal(limit) / 10} of {participant.name}; correct the profile or the limit"
    table.problem(row.line, column, message)


def _watts(power: Fraction) -> str:
    return f"{float(power):.10g}"
