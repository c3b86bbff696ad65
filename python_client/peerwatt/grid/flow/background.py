"""What flows on a feeder without trading: the background files of a scenario as nodal injections."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import InjectionError
from peerwatt.grid.feeder import Feeder


@dataclass(frozen=True)
class Background:
    """Injections of everything that does not trade.

    Attributes:
        times: Starts of the half-open slots, `(slots,)`.
        p_w: Active injections, W, generation positive, `(slots, nodes)`.
        q_var: Reactive injections, var, `(slots, nodes)`.
    """

    times: tuple[datetime, ...]
    p_w: Floats
    q_var: Floats


def read_background(folder: str | Path, feeder: Feeder) -> Background:
    """Read `background_active.csv` and `background_reactive.csv` of a scenario's folder.

    Args:
        folder: The folder.
        feeder: The scenario's feeder; a node without a column draws nothing.

    Returns:
        The background, its sign turned from "+ import" in the files to "generation positive" of injections.

    Raises:
        InjectionError: A file is missing, names a node that the feeder lacks, holds a value that is no
            number, or has a gap; located.
    """
    times, active = _read(Path(folder) / "background_active.csv", feeder)
    again, reactive = _read(Path(folder) / "background_reactive.csv", feeder)
    if times != again:
        raise InjectionError(
            f"{folder}: background_active.csv and background_reactive.csv cover different times"
        )
    return Background(times, -active, -reactive)


def _read(path: Path, feeder: Feeder) -> tuple[tuple[datetime, ...], Floats]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = list(csv.reader(file))
    except FileNotFoundError:
        raise InjectionError(f"{path}: no such file") from None
    if not table or table[0][:1] != ["TIME"]:
        raise InjectionError(f"{path}: the header must start with TIME")
    columns = []
    for name in table[0][1:]:
        if name not in feeder.node_index:
            raise InjectionError(f"{path}: column {name!r} is no node of feeder {feeder.name}")
        columns.append(feeder.node_index[name])
    if len(set(columns)) != len(columns):
        raise InjectionError(f"{path}: a node has two columns")
    times: list[datetime] = []
    values = np.zeros((len(table) - 1, len(feeder.node_names)))
    for k, row in enumerate(table[1:]):
        try:
            times.append(datetime.fromisoformat(row[0]))
            values[k, columns] = [float(x) for x in row[1:]]
        except (ValueError, IndexError) as error:
            raise InjectionError(f"{path}, row {k + 2}: {error}") from None
        if times[-1].tzinfo is None:
            raise InjectionError(f"{path}, row {k + 2}: TIME {row[0]!r} has no UTC offset")
        if (k > 1 and times[-1] - times[-2] != times[1] - times[0]) or (
            k and times[-1] - times[-2] <= timedelta()
        ):
            raise InjectionError(f"{path}, row {k + 2}: a gap or a repeat before {row[0]}")
    if not np.isfinite(values).all():
        raise InjectionError(
            f"{path}: row {int(np.argwhere(~np.isfinite(values))[0][0]) + 2} holds no finite number"
        )
    return tuple(times), values
