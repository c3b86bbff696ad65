"""The export's tables as Parquet, typed: decimals as exact as in the CSV, under the same names.

Every file has the whole summary in its metadata (key `peerwatt`), so the seed and the version with it. Needs
the `parquet` extra (pyarrow).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from peerwatt.errors import InputError, missing
from peerwatt.record.results import ReplayResult
from peerwatt.report.columns import Column, value_of
from peerwatt.report.files import summary_document
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

    cells = {
        column.name: [_cell(column, value_of(record, column.field)) for record in records]
        for column in columns
    }
    types = [(column.name, _type(column)) for column in columns]
    return pyarrow.table(cells, schema=pyarrow.schema(types, metadata=metadata))


def _type(column: Column) -> Any:
    import pyarrow

    if column.decimals is not None:
        return pyarrow.decimal128(DIGITS, column.decimals)
    return {
        int: pyarrow.int64(),
        float: pyarrow.float64(),
        str: pyarrow.string(),
        bool: pyarrow.bool_(),
    }[column.kind]


def _cell(column: Column, value: Any) -> Any:
    """A value as its cell in the CSV says it; a float is rounded alike, a verdict is its name."""
    if value is None:
        return None
    if column.decimals is not None:
        return Decimal(column.write(value))
    if column.kind is str:
        return str(value)
    return float(column.write(value)) if column.kind is float else value
