"""The export's tables as Parquet, typed: numbers to plot under the CSV's names, and exact ones beside them.

An energy such as `own_kwh` is a float, and `own_wh` the exact integer; money and prices such as `cash_eur`
are floats, and `cash_eur_exact` the exact decimal. `start` is a timestamp in UTC.

Every file has the whole summary in its metadata (key `peerwatt`), so the seed and the version with it. Needs
the `parquet` extra (pyarrow).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from peerwatt.errors import InputError, missing
from peerwatt.record.results import ReplayResult
from peerwatt.report.columns import ENERGY_DECIMALS, Column, value_of
from peerwatt.report.files import summary_document
from peerwatt.report.frames import START
from peerwatt.report.layout import layouts

DIGITS = 38
"""Of a decimal, as many as it may have in 128 bits."""


def write_parquet(result: ReplayResult, directory: Path) -> list[Path]:
    """Write one file per table of an export.

    Args:
        result: what a replay found out.
        directory: where to; made if need be. Files of these names in it are replaced.

    Returns:
        The files.

    Raises:
        InputError: pyarrow is missing, or the directory cannot be written to.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        raise InputError(f"Parquet: {missing('pyarrow', 'parquet')}") from None
    metadata = {"peerwatt": json.dumps(summary_document(result), ensure_ascii=False)}
    written = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, (_, columns) in layouts(result.summary.currency).items():
            path, fresh = directory / f"{name}.parquet", directory / f".{name}.parquet.new"
            parquet.write_table(_table(columns, getattr(result, name), metadata), fresh)
            fresh.replace(path)
            written.append(path)
    except OSError as error:
        raise InputError(f"{directory}: cannot be written: {error.strerror or error}") from None
    return written


def _table(columns: Sequence[Column], records: Sequence[Any], metadata: dict[str, str]) -> Any:
    import pyarrow

    cells: dict[str, list[Any]] = {}
    types: list[tuple[str, Any]] = []
    for column in columns:
        values = [value_of(record, column.field) for record in records]
        for name, kind, found in _series(column, values):
            cells[name] = found
            types.append((name, kind))
    return pyarrow.table(cells, schema=pyarrow.schema(types, metadata=metadata))


def _series(column: Column, values: Sequence[Any]) -> Iterator[tuple[str, Any, list[Any]]]:
    """A column's name, type and cells as the CSV says them; an exact number is followed by its exact self."""
    import pyarrow

    if column.name == START:
        moments = [datetime.fromisoformat(value) for value in values]
        yield column.name, pyarrow.timestamp("ms", tz="UTC"), moments
        return
    if column.decimals is None:
        kinds = {int: pyarrow.int64(), float: pyarrow.float64(), str: pyarrow.string(), bool: pyarrow.bool_()}
        yield column.name, kinds[column.kind], [_cell(column, value) for value in values]
        return
    exact = [None if value is None else Decimal(column.write(value)) for value in values]
    yield column.name, pyarrow.float64(), [None if cell is None else float(cell) for cell in exact]
    if column.decimals == ENERGY_DECIMALS:
        whole = [None if cell is None else int(cell.scaleb(column.decimals)) for cell in exact]
        yield column.field.rpartition(".")[2], pyarrow.int64(), whole
    else:
        yield f"{column.name}_exact", pyarrow.decimal128(DIGITS, column.decimals), exact


def _cell(column: Column, value: Any) -> Any:
    """A value as its cell in the CSV says it; a float is rounded alike, a verdict is its name."""
    if value is None:
        return None
    return column.kind(column.write(value)) if column.kind in (float, str) else value
