"""The tables of a result as pandas DataFrames: the export's columns, and the exact integers behind them.

Needs the `pandas` extra.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from peerwatt.errors import InputError, missing
from peerwatt.record.results import ReplayResult
from peerwatt.report.columns import Column, value_of
from peerwatt.report.layout import layouts

if TYPE_CHECKING:
    import pandas

INTERVAL = "interval"
START = "start"


def frames(result: ReplayResult) -> dict[str, pandas.DataFrame]:
    """The tables of a result, by the names of the export's files.

    They are `intervals`, `participants`, `settlements`, `orders`, `curtailments` and `accounts`.

    A quantity has two columns. One has the name and the unit of the CSV file and is a float, to read and to
    plot: `own_kwh`, `cash_eur`, `price_ct_per_kwh`. The other has the name of the record's field and is the
    exact integer: `own_wh` (Wh), `cash` (base units, 1e-6 of the currency), `price` (base units per Wh). Sum
    and compare the integers. Signs are those of the file. A cell with nothing in it is missing to pandas. A
    table with the column `interval` also has `start`, the interval's first second as a UTC datetime.

    Args:
        result: what a replay found out, or what `read_results` read.

    Raises:
        InputError: pandas is missing.
    """
    try:
        import pandas
    except ImportError:
        raise InputError(f"DataFrames: {missing('pandas', 'pandas')}") from None
    length = result.summary.interval_length_s
    tables = {}
    for name, (_, columns) in layouts(result.summary.currency).items():
        data: dict[str, Any] = {}
        for column in columns:
            if column.name != START:
                data |= _series(column, getattr(result, name))
            if column.name == INTERVAL:
                seconds = [getattr(record, INTERVAL) * length for record in getattr(result, name)]
                data[START] = pandas.to_datetime(pandas.Series(seconds, dtype="int64"), unit="s", utc=True)
        tables[name] = pandas.DataFrame(data)
    return tables


def _series(column: Column, records: Sequence[Any]) -> dict[str, Any]:
    """One column or two: an exact decimal is followed by its integer."""
    import pandas

    values = [value_of(record, column.field) for record in records]
    if column.decimals is None:
        kind = {int: "int64", float: "float64", str: "str", bool: "bool"}[column.kind]
        return {column.name: pandas.Series(values, dtype=kind)}
    cells = [None if value is None else Decimal(column.write(value)) for value in values]
    exact = [None if cell is None else int(cell.scaleb(column.decimals)) for cell in cells]
    return {
        column.name: pandas.Series(cells, dtype="float64"),
        column.field.rpartition(".")[2]: pandas.Series(exact, dtype="Int64" if None in exact else "int64"),
    }
