"""What a participant consumes and generates: its profile, in whole Wh per interval.

A profile says when in a column TIME or INTERVAL, and how much in one of these ways, each in W, kW, MW, Wh,
kWh or MWh: consumption and generation apart (`LOAD(W)` and `PV(W)`); what a meter between home and grid
exports as one signed column, mean power (`POWER(W)`) or energy (`ENERGY(kWh)`), + import, - export; or what
both of its registers counted (`IMPORT(kWh)` and `EXPORT(kWh)`). Only the first tells what was used behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from peerwatt.scenario.calendar import Calendar
from peerwatt.scenario.participants import MAX_POWER_W, Participant
from peerwatt.scenario.quantity_columns import SIGNED, Counted, Quantity, quantities
from peerwatt.scenario.timeline import IMPORTER, Timeline, timeline, when_column
from peerwatt.tables.csv_table import NO_ROWS, WIDTH, CsvTable, Row, read_table
from peerwatt.tables.numbers import CellError, plain_decimal
from peerwatt.tables.problems import Problem, quoted
from peerwatt.units import CONNECTION_UNIT_W, DAY_S, HOUR_S

HEADERS = (
    "give TIME,LOAD(W),PV(W), INTERVAL,POWER(W), INTERVAL,ENERGY(kWh) or INTERVAL,IMPORT(kWh),EXPORT(kWh), "
    f"each with TIME or INTERVAL, in W, kW, Wh or kWh; {IMPORTER} reads what meters and utilities export"
)
STANDBY_W = 20
"""Mean power that a home with a meter does not fall below for a day."""
REGISTER_ROWS = 24
"""How many rows in a row tell a register from a load that happens to grow."""


class Profile(NamedTuple):
    """What a participant's meter will count.

    Attributes:
        demand_wh: per interval.
        generation_wh: per interval.
        metered: whether these are what the meter counts in either direction, so that nothing more is used
            behind it.
    """

    demand_wh: tuple[int, ...]
    generation_wh: tuple[int, ...]
    metered: bool = False


class Powers(NamedTuple):
    """Mean consumption and generation of an interval, W."""

    demand: Fraction
    generation: Fraction


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
    path: Path,
    participant: Participant,
    calendar: Calendar,
    problems: list[Problem],
    remarks: list[Problem] | None = None,
) -> Profile | None:
    """Read one participant's profile.

    Args:
        path: the file.
        participant: whose connection must carry it.
        calendar: the intervals that it must cover.
        problems: mistakes are appended here.
        remarks: what was found out about the file and could be wrong is appended here.

    Returns:
        None if there are mistakes.
    """
    table = read_table(path, lambda cells: _columns(cells) is not None)
    found = _profile(table, participant, calendar)
    problems.extend(table.problems)
    if table.problems:
        return None
    if remarks is not None:
        remarks.extend(table.remarks)
    return found


def _columns(header: tuple[str, ...]) -> tuple[str, tuple[Quantity, ...]] | None:
    """The column that says when, and the others, where the header is a profile's."""
    when = when_column(header)
    found = quantities(name for name in header if name != when)
    return None if when is None or found is None else (when, found)


def _profile(table: CsvTable, participant: Participant, calendar: Calendar) -> Profile | None:
    if not table.header:
        if not table.problems:
            table.problem(1, "", f"is empty; {HEADERS}")
        return None
    columns = _columns(table.header)
    if columns is None:
        shown = quoted(table.separator.join(table.header))
        table.problem(table.header_line, "", f"unknown header {shown}; {HEADERS}")
        return None
    if not table.rows:
        if not table.problems:
            table.problem(table.header_line, "", NO_ROWS)
        return None
    when, counted = columns
    if not table.read_numbers(tuple(each.column for each in counted)):
        return None
    if unusual := table.unusual():
        table.remark(f"read as {unusual}")
    values = _values(table, counted)
    if any(problem.kind == WIDTH for problem in table.problems):
        return None  # a row that could not be read would be told as a gap
    found = timeline(calendar, table, when, finer=True)
    if found is None or table.problems:
        return None
    return _energies(table, found, counted, values, participant, calendar)


def _values(table: CsvTable, counted: Sequence[Quantity]) -> dict[int, dict[Counted, Decimal]]:
    """The numbers by row; mistakes are noted, and a register is recognised."""
    values: dict[int, dict[Counted, Decimal]] = {row.line: {} for row in table.rows}
    for each in counted:
        for row in table.rows:
            value = table.number(row, each.column, _reader(each))
            if value is not None:
                values[row.line][each.counted] = value
    return values


def _reader(each: Quantity) -> Callable[[str], Decimal]:
    most = Decimal(MAX_POWER_W) / each.unit.factor
    signed = each.counted in SIGNED

    def read(cell: str) -> Decimal:
        unit = each.unit.name
        value = plain_decimal(cell, unit)
        if value < 0 and not signed:
            cause = "; an inverter's own use at night belongs to LOAD" if each.counted is Counted.PV else ""
            raise CellError(f"{cell} {unit} is negative; give 0 or more{cause}", "negative")
        if abs(value) > most:
            least = -most if signed else 0
            raise CellError(f"{cell} {unit} is out of range; {least} to {most} {unit} can be true", "range")
        return value

    return read


def _energies(
    table: CsvTable,
    found: Timeline,
    counted: Sequence[Quantity],
    values: dict[int, dict[Counted, Decimal]],
    participant: Participant,
    calendar: Calendar,
) -> Profile | None:
    metered = any(each.counted is Counted.IMPORT for each in counted)
    for each in counted:
        rows = [row for rows in found.rows for row in rows]
        _refuse_register(table, each, [(row, values[row.line][each.counted]) for row in rows], found.step_s)
    if table.problems:
        return None
    powers = []
    for rows in found.rows:
        demand = generation = Fraction(0)
        for row in rows:
            for each in counted:
                energy = each.watt_seconds(values[row.line][each.counted], found.step_s)
                if each.counted in (Counted.PV, Counted.EXPORT):
                    generation += energy
                elif each.counted in SIGNED and energy < 0:
                    generation -= energy
                else:
                    demand += energy
        length = calendar.length_s
        powers.append(Powers(demand / length, generation / length))
        _check_connection(table, rows[0], counted, participant, powers[-1], metered)
    if table.problems:
        return None
    demands, generations = zip(*powers, strict=True)
    found_energies = Profile(
        interval_energy(demands, calendar.length_s), interval_energy(generations, calendar.length_s), metered
    )
    _check_whole_wh(table, found, counted, participant, found_energies, calendar)
    return None if table.problems else found_energies


def _refuse_register(
    table: CsvTable, each: Quantity, readings: Sequence[tuple[Row, Decimal]], step_s: int
) -> None:
    """Energies of a day rise and fall; readings of a register only grow, or begin anew once a day."""
    if not each.unit.energy or len(readings) < REGISTER_ROWS:
        return
    steps = [later - earlier for (_, earlier), (_, later) in pairwise(readings)]
    grows = sum(step > 0 for step in steps)
    falls = sum(step < 0 for step in steps)
    days = -(-len(readings) * step_s // DAY_S)
    if falls > days or 2 * grows < len(steps):
        return
    first, last = readings[0][1], readings[-1][1]
    risen = sum((step for step in steps if step > 0), Decimal(0))
    if each.watt_seconds(risen, step_s) / (step_s * len(steps)) < STANDBY_W:
        return
    line = readings[1][0].line
    if falls:
        message = (
            "the values grow and fall no more than once a day: these look like readings of a counter that "
            f"begins anew, or was replaced, and not like {each.unit.name} per interval; export these"
        )
    else:
        message = (
            f"the values only grow, from {first} to {last} {each.unit.name}: these look like a register's "
            f"readings, not energy per interval; `peerwatt import meter FILE --register` subtracts them"
        )
    table.problem(line, each.column, message)


def _check_connection(
    table: CsvTable,
    row: Row,
    counted: Sequence[Quantity],
    participant: Participant,
    powers: Powers,
    metered: bool,
) -> None:
    net = powers.demand - powers.generation
    imported = powers.demand if metered else net
    exported = powers.generation if metered else -net
    article = "an" if metered else "a net"
    for column, way, power, limit in (
        (counted[0].column, "import", imported, participant.import_limit),
        (counted[-1].column, "export", exported, participant.export_limit),
    ):
        if power > limit * CONNECTION_UNIT_W:
            message = (
                f"{article} {way} of {_watts(power)} W exceeds {way}_limit_kw {Decimal(limit) / 10} of "
                f"{participant.name}; correct the profile or the limit"
            )
            table.problem(row.line, column, message, way)


def _check_whole_wh(
    table: CsvTable,
    found: Timeline,
    counted: Sequence[Quantity],
    participant: Participant,
    profile: Profile,
    calendar: Calendar,
) -> None:
    """A market's limit of an interval is whole Wh, rounded down; a mean power at its limit can exceed it."""
    length = calendar.length_s
    imported, exported = (
        limit * CONNECTION_UNIT_W * length // HOUR_S
        for limit in (participant.import_limit, participant.export_limit)
    )
    for rows, demand, generation in zip(found.rows, profile.demand_wh, profile.generation_wh, strict=True):
        own = 0 if profile.metered else min(demand, generation)
        for column, way, energy, limit in (
            (counted[0].column, "import", demand - own, imported),
            (counted[-1].column, "export", generation - own, exported),
        ):
            if energy > limit:
                message = (
                    f"an {way} of {energy} Wh exceeds the {limit} Wh that {way}_limit_kw of "
                    f"{participant.name} "
                    f"carries in {length} s; raise the limit"
                )
                table.problem(rows[0].line, column, message, f"{way} Wh")


def _watts(power: Fraction) -> str:
    return f"{float(power):.10g}"
