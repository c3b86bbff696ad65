"""A result as DataFrames: the exact integers beside readable columns, and times that are times."""

from __future__ import annotations

import sys
from decimal import Decimal

import pytest

from peerwatt.errors import InputError
from peerwatt.record.results import ReplayResult
from peerwatt.report.columns import value_of
from peerwatt.report.frames import frames
from peerwatt.report.layout import layouts

pandas = pytest.importorskip("pandas")


def test_every_table_of_the_export_has_all_its_rows_and_columns(day: ReplayResult) -> None:
    tables = frames(day)
    layout = layouts(day.summary.currency)
    assert list(tables) == list(layout)
    for name, (_, columns) in layout.items():
        assert len(tables[name]) == len(getattr(day, name))
        assert {column.name for column in columns} <= set(tables[name].columns)


def test_integers_are_exact_and_the_readable_column_is_the_same_amount(day: ReplayResult) -> None:
    for name, (_, columns) in layouts(day.summary.currency).items():
        table = frames(day)[name]
        for column in columns:
            if column.decimals is not None:
                exact, shown = table[column.field.rpartition(".")[2]], table[column.name]
                for record, integer, number in zip(getattr(day, name), exact, shown, strict=True):
                    cell = column.write(value_of(record, column.field))
                    if cell:
                        assert integer == Decimal(cell) * 10**column.decimals
                        assert number == float(cell)
                    else:
                        assert pandas.isna(integer)
                        assert pandas.isna(number)


def test_sums_over_a_frame_are_the_summarys(day: ReplayResult) -> None:
    tables = frames(day)
    assert tables["intervals"]["traded_wh"].sum() == day.summary.traded_wh
    assert tables["accounts"]["cash"].sum() == 0


def test_an_interval_starts_at_a_utc_time(day: ReplayResult) -> None:
    for name in ("intervals", "settlements", "orders", "curtailments"):
        start = frames(day)[name]["start"]
        assert str(start.dtype) == "datetime64[ns, UTC]"
        assert start.iloc[0] >= pandas.Timestamp(day.summary.start)
    starts = frames(day)["intervals"]["start"]
    assert list(starts) == [pandas.Timestamp(interval.start) for interval in day.intervals]


def test_without_pandas_one_line_says_what_to_install(
    day: ReplayResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match=r"pip install --constraint .* '\.\[pandas\]'"):
        frames(day)
