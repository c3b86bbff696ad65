"""When the rows of a meter's file are: moments, and whether they begin or end their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from peerwatt.scenario.meter.clock import (
    TimeCellError,
    in_zone,
    is_midnight_24,
    offset_in,
    order_of_dates,
    read_time,
    zone_named,
)
from peerwatt.scenario.meter.columns import (
    Columns,
    When,
)
from peerwatt.scenario.meter.energies import only_grow
from peerwatt.scenario.meter.series import step_of
from peerwatt.scenario.meter.understood import END, START, MeterFile, RefusedError, Stated
from peerwatt.tables.problems import quoted


def moments_of(file: MeterFile, stated: Stated) -> list[datetime]:
    """When each row is, UTC, as its file stamps it."""
    table = file.table
    cells = _when_cells(file)
    order = order_of_dates(cells, stated.dates)
    times: list[datetime] = []
    for row, cell in zip(table.rows, cells, strict=True):
        try:
            times.append(read_time(cell, order))
        except TimeCellError as error:
            table.problem(row.line, file.columns.when[0].name, str(error), "time")
    if table.problems:
        return []
    aware = [time.tzinfo is not None for time in times]
    offset = next(filter(None, (offset_in(each.name) for each in file.columns.when)), None)
    if offset is not None and not any(aware):
        if stated.tz is not None and any(
            time.replace(tzinfo=zone_named(stated.tz)).utcoffset() != offset.utcoffset(None) for time in times
        ):
            raise RefusedError(
                f"says {offset}, and --tz says {stated.tz}: leave --tz out, or correct the header",
                table.header_line,
                file.columns.when[0].name,
            )
        file.times = f"of {offset}, as the header says"
        local, moments = times, [time.replace(tzinfo=offset).astimezone(UTC) for time in times]
    elif all(aware):
        file.times = "with their offsets from UTC"
        local, moments = times, [time.astimezone(UTC) for time in times]
    elif any(aware):
        line = table.rows[aware.index(False)].line
        raise RefusedError("has no offset, and others have", line, file.columns.when[0].name)
    elif stated.tz is None:
        raise RefusedError(
            f"times such as {quoted(cells[0])} have no offset: state their time zone with --tz, such as --tz "
            "Europe/Berlin or --tz UTC",
            table.rows[0].line,
            file.columns.when[0].name,
        )
    else:
        file.times = f"local times of {stated.tz}"
        backwards = len(times) > 1 and times[0] > times[-1]
        local = times
        moments = in_zone(times[::-1] if backwards else times, zone_named(stated.tz))
        moments = moments[::-1] if backwards else moments
    file.stamps = _stamps(file, stated, cells, local)
    return moments


def _when_cells(file: MeterFile) -> list[str]:
    """The text of each row's time: of its start, where it has both."""
    when = file.columns.when
    starts = [each for each in when if each.end is False]
    plain = [each for each in when if each.end is None]
    ends = [each for each in when if each.end]
    used = starts or ends or plain
    says = {each.says for each in used}
    if When.MOMENT not in says and says != {When.DATE, When.CLOCK}:
        used = [*used, *(each for each in plain if each.says not in says)]
    moment = [each for each in used if each.says is When.MOMENT][:1]
    parts = moment or [
        each for says in (When.DATE, When.CLOCK) for each in [k for k in used if k.says is says][:1]
    ]
    names = [each.name for each in parts]
    used_names = set(names)
    file.columns = Columns(
        tuple(each for each in when if each.name in used_names),
        file.columns.values,
        file.columns.units,
        (*file.columns.others, *(each.name for each in when if each.name not in used_names)),
    )
    return [" ".join(row.cells[name] for name in names).strip() for row in file.table.rows]


def _stamps(file: MeterFile, stated: Stated, cells: Sequence[str], local: Sequence[datetime]) -> str:
    """Whether times are of the start or the end of an interval: as stated, as shown, or refused."""
    if stated.stamps is not None:
        return stated.stamps
    if any(each.end is not None for each in file.columns.when):
        return END if all(each.end for each in file.columns.when if each.end is not None) else START
    if any(is_midnight_24(cell) for cell in cells):
        file.notes.append("24:00 is the end of a day, so times are taken for the ends of the intervals")
        return END
    if only_grow(file) and stated.register is not False:
        return START  # of a register, whose readings are moments
    first, last = min(local), max(local)
    step = timedelta(seconds=step_of(sorted(set(local), key=lambda time: time.replace(tzinfo=None))))
    midnight = timedelta()
    begins, ends = (timedelta(hours=time.hour, minutes=time.minute) for time in (first, last))
    if begins == midnight and (ends + step) % timedelta(days=1) == midnight:
        return START
    if begins == step and ends == midnight:
        file.notes.append("whole days if times are the ends of the intervals, so they are taken for that")
        return END
    raise RefusedError(
        f"from {first} to {last}, times may be the starts or the ends of the intervals: say which with "
        "--stamps "
        "start or --stamps end",
        None,
        file.columns.when[0].name,
    )
