"""The export says everything, exactly; it is written whole or not at all; the page follows from it alone."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.errors import InputError
from peerwatt.record.results import ReplayResult
from peerwatt.report import files
from peerwatt.report.columns import scaled, unscaled
from peerwatt.report.files import (
    OURS,
    ExportError,
    check_destination,
    read_results,
    write_page,
    write_results,
)
from peerwatt.report.zones import zone_figures, zones_document

REQUIRED = {
    "scenario", "chain", "seed", "intervals", "participants", "orders", "traded_wh", "accepted_wh",
    "verdicts", "reference_mismatches", "conservation_error", "gas_total", "gas_per_participant_interval",
    "voltage_max_pu_before", "voltage_max_pu_after", "loading_max_percent_after", "losses_wh", "bills",
    "wall_seconds",
}  # fmt: skip


@pytest.fixture(scope="module")
def export(day: ReplayResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A written export; do not change it."""
    directory = tmp_path_factory.mktemp("export") / "run"
    write_results(day, directory)
    return directory


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file as anybody would read it."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@given(st.integers(-(10**15), 10**15), st.sampled_from([10, 1000, 1_000_000]))
def test_every_integer_survives_its_decimal(value: int, scale: int) -> None:
    text = scaled(value, scale)
    assert unscaled(text, scale) == value
    assert Decimal(text) == Decimal(value) / scale
    assert len(text.split(".")[1]) == len(str(scale)) - 1


def test_what_is_read_back_is_what_was_written(day: ReplayResult, export: Path) -> None:
    assert read_results(export) == day


def test_the_summary_has_the_promised_keys_and_the_bills_in_base_units(
    day: ReplayResult, export: Path
) -> None:
    summary = json.loads((export / "summary.json").read_text(encoding="utf-8"))
    assert set(summary) >= REQUIRED
    assert set(summary["verdicts"]) >= {"accept", "cap", "curtail", "void"}
    assert sum(summary["verdicts"].values()) == summary["intervals"] == 96
    assert {name: bill["market"] for name, bill in summary["bills"].items()} == {
        p.participant: p.bill_market for p in day.participants
    }


def test_the_same_result_gives_the_same_bytes(day: ReplayResult, export: Path, tmp_path: Path) -> None:
    write_results(day, tmp_path / "again")
    for path in sorted(export.iterdir()):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_page_is_made_again_from_the_export_alone(day: ReplayResult, tmp_path: Path) -> None:
    write_results(day, tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_bytes()
    (tmp_path / "run" / "report.html").unlink()
    assert write_page(tmp_path / "run").read_bytes() == page


def test_every_column_of_a_quantity_names_its_unit(export: Path) -> None:
    states = ("before", "after", "metered")
    units = ("_kwh", "_ct_per_kwh", "_eur", *(f"_{unit}_{of}" for unit in ("pu", "percent") for of in states))
    bare = {
        "interval", "start", "orders", "skipped", "verdict", "gas", "participant", "kind", "node", "account",
        "side", "self_sufficiency", "self_consumption", "on_market", "code", "element", "value", "limit",
        "unit", "sentence", "beyond_limits_after", "beyond_limits_metered",
    }  # fmt: skip
    for path in sorted(export.glob("*.csv")):
        header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
        assert all(name.endswith(units) or name in bare for name in header), path.name


def test_a_saving_can_be_computed_from_the_csv(export: Path) -> None:
    summary = json.loads((export / "summary.json").read_text(encoding="utf-8"))
    retail, feed_in = Decimal(summary["retail"]) / 1000, Decimal(summary["feed_in"]) / 1000
    lines = (
        "peer_sales",
        "peer_purchases",
        "network_fee",
        "shortfall",
        "unused",
        "feed_in",
        "retail",
        "losses",
        "community",
    )
    for row in rows(export / "participants.csv"):
        bill = sum(Decimal(row[f"{line}_eur"]) for line in lines)
        tariff = retail * Decimal(row["imported_kwh"]) - feed_in * Decimal(row["without_market_kwh"])
        assert Decimal(row["bill_market_eur"]) == bill
        assert Decimal(row["bill_without_market_eur"]) == tariff
        assert Decimal(row["saving_eur"]) == tariff - bill


def test_own_neighbours_and_grid_sum_to_the_meter(export: Path) -> None:
    people = rows(export / "participants.csv")
    for row in people:
        assert Decimal(row["bought_from_neighbours_kwh"]) + Decimal(row["bought_at_tariff_kwh"]) == Decimal(
            row["imported_kwh"]
        )
    for row in rows(export / "intervals.csv"):
        assert Decimal(row["neighbours_kwh"]) + Decimal(row["grid_kwh"]) == Decimal(row["imported_kwh"])
    imported = sum(Decimal(row["imported_kwh"]) for row in people)
    assert imported == sum(Decimal(row["imported_kwh"]) for row in rows(export / "intervals.csv"))
    assert imported == sum(Decimal(row["imported_kwh"]) for row in rows(export / "settlements.csv"))


def test_bills_and_fees_and_all_accounts_sum_to_zero(export: Path) -> None:
    assert sum(Decimal(row["cash_eur"]) for row in rows(export / "accounts.csv")) == 0
    for row in rows(export / "participants.csv"):
        cash = [
            Decimal(s["cash_eur"])
            for s in rows(export / "settlements.csv")
            if s["participant"] == row["participant"]
        ]
        assert sum(cash) == -Decimal(row["bill_market_eur"])


def test_an_earlier_export_is_replaced_and_nothing_else_left(day: ReplayResult, tmp_path: Path) -> None:
    write_results(day, tmp_path / "run")
    write_results(day, tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == OURS
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_that_dies_leaves_the_earlier_export_whole(
    day: ReplayResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_results(day, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}

    def full(directory: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_page", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_results(day, tmp_path / "run")
    with pytest.raises(InputError, match="No space left on device"):
        write_results(day, tmp_path / "other")
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_directory_with_other_files_is_never_touched(day: ReplayResult, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match=r"thesis\.tex"):
        check_destination(tmp_path)
    with pytest.raises(InputError, match=r"thesis\.tex"):
        write_results(day, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_destination_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="is a file"):
        check_destination(tmp_path / "file")


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "participants.csv",
            "ada,prosumer,LV2.101 Bus 40,1.078",
            "ada,prosumer,LV2.101 Bus 40,9.078",
            "contradicts",
        ),
        ("intervals.csv", "1629024,2016", "one,2016", "'one' cannot be read"),
        ("settlements.csv", "accepted_sell_kwh", "accepted_sell_wh", "column is missing"),
        ("summary.json", '"seed": 1', '"sede": 1', "seed"),
        ("summary.json", '"seed": 1', '"seed": ', "is not JSON"),
    ],
)
def test_a_spoiled_export_is_refused_with_its_place(
    day: ReplayResult, tmp_path: Path, file: str, old: str, new: str, says: str
) -> None:
    write_results(day, tmp_path / "run")
    path = tmp_path / "run" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=says) as raised:
        read_results(tmp_path / "run")
    assert str(path) in str(raised.value)
    assert isinstance(raised.value, ExportError) == file.endswith(".csv")


def test_no_export_no_report(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no summary\.json"):
        read_results(tmp_path)


def test_zones_made_again_from_their_exports_sum_to_the_replays_own_total(
    day: ReplayResult, tmp_path: Path
) -> None:
    """Each took 0.06 s and exports 0.1 s: the replay said 0.1 s together, and the report after it 0.2 s."""
    zones = {name: replace(day, summary=replace(day.summary, wall_seconds=0.06)) for name in ("east", "west")}
    for name, result in zones.items():
        write_results(result, tmp_path / name)
    replayed = [zone_figures(name, result) for name, result in zones.items()]
    again = [zone_figures(name, read_results(tmp_path / name)) for name in zones]
    assert zones_document("pilot", again) == zones_document("pilot", replayed)


@pytest.mark.parametrize(
    "spoil", [lambda rows: rows[:-1], lambda rows: rows[:1], lambda rows: [*rows, rows[-1]]]
)
def test_settlements_with_rows_missing_or_twice_are_refused(
    day: ReplayResult, tmp_path: Path, spoil: Callable[[list[str]], list[str]]
) -> None:
    """A bill that is not there differs from nothing: an export cut short passed as one that agrees."""
    write_results(day, tmp_path / "run")
    table = tmp_path / "run" / "settlements.csv"
    table.write_text("".join(spoil(table.read_text().splitlines(keepends=True))))
    with pytest.raises(InputError, match=r"settlements\.csv: interval \d+, .*: \d rows, not \d"):
        read_results(tmp_path / "run")


@pytest.mark.parametrize("name", ["=1+1", "+49", "-1", "@SUM(A1)", "'quoted", "plain", "a=b"])
def test_a_text_is_no_formula_in_a_spreadsheet_and_the_same_when_it_is_read(
    name: str, day: ReplayResult, tmp_path: Path
) -> None:
    made = replace(day, curtailments=tuple(replace(c, element=name, sentence=name) for c in day.curtailments))
    write_results(made, tmp_path / "run")
    with (tmp_path / "run" / "curtailments.csv").open(encoding="utf-8", newline="") as file:
        cells = [row["element"] for row in csv.DictReader(file)]
    assert cells
    assert not [cell for cell in cells if cell[0] in "=+-@"]
    assert read_results(tmp_path / "run").curtailments == made.curtailments


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("counterfactual", "volt_watt", "counterfactual 'volt_watt' must be equal_shares"),
        ("voltage_max_pu_metered", "1.06", "voltage_max_pu_metered is '1.06', which it cannot be"),
        ("intervals_beyond_limits", 0, "intervals_beyond_limits is 0, and from intervals.csv follows"),
        ("curtailed_wh", None, "curtailed_wh is None, which it cannot be"),
        ("verdicts", [], "verdicts is [], which it cannot be"),
        ("seed", True, "seed is True, which it cannot be"),
    ],
)
def test_a_summary_that_was_changed_is_refused_with_its_field(
    key: str, value: object, said: str, export: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(export, changed)
    summary = json.loads((changed / "summary.json").read_text(encoding="utf-8"))
    (changed / "summary.json").write_text(json.dumps({**summary, key: value}), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_results(changed)
    assert str(refused.value).startswith(f"{changed / 'summary.json'}: {said}")


@pytest.mark.parametrize("column", ["without_market_kwh", "forecast_error_cost_eur"])
def test_a_counterfactual_that_settlements_do_not_lead_to_is_refused(
    column: str, export: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(export, changed)
    table = rows(changed / "participants.csv")
    table[0][column] = "99.000" if column.endswith("kwh") else "99.000000"
    lines = [",".join(table[0]), *(",".join(row.values()) for row in table)]
    (changed / "participants.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"follows from settlements\.csv"):
        read_results(changed)
