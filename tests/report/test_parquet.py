"""Parquet says what the CSV says, exactly, typed, with seed and version inside. Needs the `parquet` extra."""

import csv
import json
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from peerwatt.cli import app
from peerwatt.errors import InputError
from peerwatt.record.results import ReplayResult
from peerwatt.report.files import write_results


@pytest.fixture(scope="module")
def written(day: ReplayResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export, with its Parquet files beside it."""
    directory = tmp_path_factory.mktemp("export") / "run"
    write_results(day, directory)
    result = CliRunner().invoke(
        app, ["export", str(directory), "--format", "parquet"], catch_exceptions=False
    )
    assert result.exit_code == 0
    return directory


def test_every_cell_is_the_one_of_the_csv(written: Path) -> None:
    columnar = written.with_name("run-parquet")
    tables = sorted(written.glob("*.csv"))
    assert [path.stem for path in tables] == sorted(path.stem for path in columnar.glob("*.parquet"))
    for path in tables:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        table = parquet.read_table(columnar / f"{path.stem}.parquet")
        assert table.num_rows == len(rows)
        for name in rows[0] if rows else ():
            for cell, row in zip(table.column(name).to_pylist(), rows, strict=True):
                if isinstance(cell, bool):
                    assert row[name] == ("yes" if cell else "no")
                elif isinstance(cell, datetime):
                    assert row[name] == cell.isoformat()
                elif cell is None or isinstance(cell, str):
                    assert row[name] == ("" if cell is None else str(cell)), (path.name, name)
                else:
                    assert float(row[name]) == cell, (path.name, name)


def test_numbers_and_times_have_their_types_and_exact_ones_stand_beside_them(written: Path) -> None:
    directory = written.with_name("run-parquet")
    kinds = {field.name: str(field.type) for field in parquet.read_schema(directory / "settlements.parquet")}
    assert (kinds["imported_kwh"], kinds["imported_wh"]) == ("double", "int64")
    assert (kinds["cash_eur"], kinds["cash_eur_exact"]) == ("double", "decimal128(38, 6)")
    assert kinds["interval"] == "int64"
    times = {field.name: str(field.type) for field in parquet.read_schema(directory / "intervals.parquet")}
    assert times["start"] == "timestamp[ms, tz=UTC]"


def test_exact_columns_are_the_csvs_to_the_last_digit(written: Path) -> None:
    table = parquet.read_table(written.with_name("run-parquet") / "settlements.parquet")
    with (written / "settlements.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [str(cell) for cell in table.column("cash_eur_exact").to_pylist()] == [
        row["cash_eur"] for row in rows
    ]
    exact = [Decimal(row["imported_kwh"]) * 1000 for row in rows]
    assert table.column("imported_wh").to_pylist() == exact


def test_a_table_is_plotted_as_it_is_read(written: Path) -> None:
    table = parquet.read_table(written.with_name("run-parquet") / "intervals.parquet").to_pandas()
    axes = table.plot(x="start", y=["own_kwh", "price_ct_per_kwh", "traded_wh"])
    assert len(axes.lines) == 3


def test_seed_and_version_are_inside_every_file(day: ReplayResult, written: Path) -> None:
    for path in written.with_name("run-parquet").iterdir():
        summary = json.loads(parquet.read_schema(path).metadata[b"peerwatt"])
        assert (summary["seed"], summary["version"]) == (day.summary.seed, day.summary.version)


def test_the_same_export_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    again = ["export", str(written), "--out", str(tmp_path)]
    assert CliRunner().invoke(app, again, catch_exceptions=False).exit_code == 0
    for path in written.with_name("run-parquet").iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_without_pyarrow_the_extra_is_named(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install --constraint .* '\.\[parquet\]'"):
        CliRunner().invoke(app, ["export", str(written), "--out", str(tmp_path)], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
