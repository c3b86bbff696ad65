"""What the columns of a meter's file counted, as energies of its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from itertools import pairwise

from peerwatt.scenario.meter.columns import ValueColumn, counted_by_code, is_code
from peerwatt.scenario.meter.series import Energies, differences
from peerwatt.scenario.meter.understood import END, MISSING, MeterFile, RefusedError, Stated
from peerwatt.scenario.participants import MAX_POWER_W
from peerwatt.scenario.profiles import REGISTER_ROWS, STANDBY_W
from peerwatt.scenario.quantity_columns import LAYOUTS, SIGNED, Counted, Quantity, Unit, unit_of
from peerwatt.tables.csv_table import Row
from peerwatt.tables.numbers import CellError, plain_decimal
from peerwatt.tables.problems import quoted
from peerwatt.units import HOUR_S, PERMILLE, W_PER_KW


def values_of(file: MeterFile, stated: Stated) -> tuple[Quantity, ...]:
    """The columns that are used, each with its unit."""
    candidates = _by_codes(file)
    if any(each.counted not in (None, *SIGNED) for each in candidates):
        candidates = [each for each in candidates if each.counted not in (None, *SIGNED)]
    counts: dict[Counted, list[ValueColumn]] = {}
    for each in candidates:
        counts.setdefault(each.counted or Counted.ENERGY, []).append(each)
    # beside what the photovoltaics generate, what is consumed is the load, and what is imported is not
    consumed = all(each.consumed for each in counts.get(Counted.IMPORT, ()))
    if Counted.IMPORT in counts and Counted.PV in counts and Counted.EXPORT not in counts and consumed:
        counts[Counted.LOAD] = counts.pop(Counted.IMPORT)
    for counted, several in counts.items():
        if len(several) > 1:
            names = ", ".join(quoted(each.name) for each in several)
            raise RefusedError(
                f"{names} may all be {counted.value.lower()}: say which with --columns",
                file.table.header_line,
            )
    if frozenset(counts) not in LAYOUTS:
        names = ", ".join(quoted(each.name) for each in candidates)
        raise RefusedError(
            f"{names}: a profile is import and export, load and pv, or one signed power or energy; say which "
            "columns with --columns",
            file.table.header_line,
        )
    found = []
    units = _units_of_rows(file)
    for counted, [column] in counts.items():
        unit = column.unit or units.get(column.name) or unit_of(stated.unit or "")
        if unit is None:
            raise RefusedError(
                "has no unit: state it with --unit kWh, Wh, kW or W", file.table.header_line, column.name
            )
        found.append(Quantity(column.name, _by_unit(counted, unit), unit))
    used = {each.column for each in found}
    unused = tuple(each.name for each in file.columns.values if each.name not in used)
    file.columns = replace(file.columns, others=(*file.columns.others, *unused))
    return tuple(found)


def _by_codes(file: MeterFile) -> list[ValueColumn]:
    """The columns of values, their direction by the OBIS codes that another column has in each row."""
    values = list(file.columns.values)
    if len(values) != 1 or values[0].counted not in (None, *SIGNED):
        return values
    for name in file.columns.others:
        codes = sorted({row.cells[name] for row in file.table.rows})
        if not all(is_code(code) for code in codes):
            continue
        if len(codes) > 1:
            raise RefusedError(
                f"has several OBIS codes ({', '.join(codes[:4])}): split the file by it", None, name
            )
        code = counted_by_code(codes[0])
        if code is None:
            raise RefusedError(f"{codes[0]} is no code of energy that is imported or exported", None, name)
        return [replace(values[0], counted=code[0], register=code[1])]
    return values


def _by_unit(counted: Counted, unit: Unit) -> Counted:
    if counted in SIGNED:
        return Counted.ENERGY if unit.energy else Counted.POWER
    return counted


def _units_of_rows(file: MeterFile) -> dict[str, Unit]:
    """The units in a column of units, or in a row of them under the header; that row is no data."""
    table = file.table
    names = [each.name for each in file.columns.values]
    if file.columns.units is not None:
        stated = {row.cells[file.columns.units] for row in table.rows}
        if len(stated) > 1:
            listed = ", ".join(sorted(stated)[:4])
            raise RefusedError(
                f"has several units ({listed}): split the file by it", None, file.columns.units
            )
        unit = unit_of(stated.pop())
        return {} if unit is None else dict.fromkeys(names, unit)
    under = {name: unit_of(table.rows[0].cells[name].strip("[]() ")) for name in names}
    units = {name: unit for name, unit in under.items() if unit is not None}
    if units and len(table.rows) > 1:
        table.rows = table.rows[1:]
    return units


def energies_of(
    file: MeterFile, stated: Stated, moments: Sequence[datetime], rows: Sequence[Row], step: int
) -> dict[Counted, Energies]:
    """What each column counted, Ws by the start of the interval."""
    found: dict[Counted, Energies] = {}
    for each in file.values:
        readings: list[tuple[datetime, Fraction]] = []
        for moment, row in zip(moments, rows, strict=True):
            if row.cells[each.column] in MISSING:
                continue
            value = file.table.number(row, each.column, partial(plain_decimal, unit=each.unit.name))
            if value is None:
                continue
            energy = each.watt_seconds(value, step)
            if energy < 0 and each.counted not in SIGNED:
                _refuse_negative(file, each, row)
            readings.append((moment, energy))
        if _is_register(file, stated, each, readings, step):
            energies, falls = differences(readings)
            if falls:
                file.notes.append(
                    f"the register in {quoted(each.column)} falls at {falls[0].isoformat()}: what was "
                    "used until then "
                    "is not known"
                )
            found[each.counted] = energies
        else:
            _refuse_absurd(file, each, readings, step)
            shift = timedelta(seconds=step if file.stamps == END else 0)
            found[each.counted] = {moment - shift: energy for moment, energy in readings}
    return found


def _refuse_absurd(
    file: MeterFile, each: Quantity, readings: Sequence[tuple[datetime, Fraction]], step: int
) -> None:
    """Refuse energies that no connection carries: a register's readings, or another unit."""
    for moment, energy in readings:
        if abs(energy) > MAX_POWER_W * step:
            mean_kw = float(energy) / step / W_PER_KW
            raise RefusedError(
                f"would be {mean_kw:.0f} kW on average at {moment.isoformat()}, more than a connection "
                "carries: readings "
                "of a register (--register), or another unit",
                None,
                each.column,
            )


def _refuse_negative(file: MeterFile, each: Quantity, row: Row) -> None:
    cause = (
        "an inverter's own use at night belongs to the load"
        if each.counted is Counted.PV
        else "signs are + only"
    )
    file.table.problem(
        row.line,
        each.column,
        f"{quoted(row.cells[each.column])} is negative: {cause}",
        "negative",
    )


def _is_register(
    file: MeterFile, stated: Stated, each: Quantity, readings: Sequence[tuple[datetime, Fraction]], step: int
) -> bool:
    """Whether values are a register's readings: as stated, or as the column's code and the values agree."""
    if not each.unit.energy or stated.register is False or len(readings) < 2:
        return False
    if stated.register:
        return True
    steps = [later - earlier for (_, earlier), (_, later) in pairwise(readings)]
    grows = sum(change > 0 for change in steps)
    risen = sum((change for change in steps if change > 0), Fraction(0))
    coded = any(column.register and column.name == each.column for column in file.columns.values)
    only_grows = _grows([reading for _, reading in readings])
    looks_like_one = only_grows and 2 * grows >= len(steps) and risen >= STANDBY_W * step * len(steps)
    if coded and only_grows and readings[-1][1] > 0:
        file.notes.append(
            f"{quoted(each.column)} is a register that only grows; its readings were subtracted"
        )
        return True
    if looks_like_one:
        first, last = readings[0][1] / HOUR_S, readings[-1][1] / HOUR_S
        raise RefusedError(
            f"the values only grow, from {float(first):g} to {float(last):g} Wh, as a register's readings "
            "do: say "
            "--register if they are, --no-register if each is the energy of its interval",
            None,
            each.column,
        )
    falls = sum(change < 0 for change in steps)
    days = (readings[-1][0] - readings[0][0]) / timedelta(days=1)
    if 2 <= falls <= days + 1 and 4 * grows >= len(steps):
        raise RefusedError(
            "the values grow and fall once a day, as a counter does that begins every day anew: export the "
            "energy of each interval, or say --no-register if each is that",
            None,
            each.column,
        )
    return False


def _grows(values: Sequence[Fraction]) -> bool:
    """Whether values never fall but where a meter was replaced or its register turned over."""
    falls = sum(later < earlier for earlier, later in pairwise(values))
    return len(values) >= REGISTER_ROWS and falls <= max(1, len(values) // PERMILLE)


def only_grow(file: MeterFile) -> bool:
    """Whether all values of a file could be a register's readings, before their times are known."""
    for each in file.values:
        if not each.unit.energy:
            return False
        cells = [
            file.table.numbers.plain(row.cells[each.column])
            for row in file.table.rows
            if _is_number(file, row, each)
        ]
        values = [Fraction(cell) for cell in cells]
        if not _grows(values) or len(set(values)) < len(values) // 4:
            return False
    return True


def _is_number(file: MeterFile, row: Row, each: Quantity) -> bool:
    try:
        plain_decimal(file.table.numbers.plain(row.cells[each.column]), "")
    except CellError:
        return False
    return True
