"""Names that others chose, in feeders, tables and exports: no output obeys them, and none loses them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import peerwatt.cli
from peerwatt.record.results import ReplayResult
from peerwatt.report.files import write_results
from peerwatt.report.terminal import visible
from peerwatt.scenario.loading import load_scenario
from tests.cli.conftest import Here
from tests.report.conftest import day  # noqa: F401

FEEDER = load_scenario("brooklyn-10").directory / "feeder.json"
NAMES = (
    "\x1b]0;another title\x07Bus",
    "\x9b31mBus",
    "$\\frac{Bus",
    "</text><script>alert(1)</script>",
    "=HYPERLINK(1)",
    "\u202eBus",
    "[red]Bus[/red]",
    ":warning:",
    'a,b"c',
    "two\nlines",
    "家庭🏡",
    "x" * 80,
)
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A feeder and injections with such names."""
    folder = tmp_path_factory.mktemp("names")
    document = json.loads(FEEDER.read_text(encoding="utf-8"))
    new = dict(zip((document["names"][str(k)] for k in range(2, 2 + len(NAMES))), NAMES, strict=True))
    document["name"] = f"{NAMES[2]}$ {NAMES[0]}"
    document["names"] = {k: new.get(name, name) for k, name in document["names"].items()}
    document["coordinates"] = {new.get(name, name): at for name, at in document["coordinates"].items()}
    (folder / "feeder.json").write_text(json.dumps(document), encoding="utf-8")
    cells = [f'"{name}"'.replace('b"c', 'b""c') for name in NAMES]
    rows = [f"{cell},{cell},60,20,20,20" for cell in cells]
    head = "node,participant,kw,rating_kva,export_limit_kw,import_limit_kw"
    (folder / "i.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8", newline="")
    return [str(folder / "feeder.json"), str(folder / "i.csv")]


@pytest.mark.parametrize("verb", ["check", "curtail", "losses", "envelope", "strength"])
def test_a_terminal_shows_names_and_does_not_obey_them(verb: str, tables: list[str], here: Here) -> None:
    shown = here("grid", verb, *tables)
    assert shown.returncode in (0, 3), shown.stderr
    assert not OBEYED.search(shown.stdout + shown.stderr)
    if verb != "check":
        lines = shown.stdout.splitlines()
        for name in NAMES:
            assert any(visible(name).replace("\n", "\\n") in line for line in lines), name
    answer = here("grid", verb, *tables, "--json")
    assert not OBEYED.search(answer.stdout)
    said = json.dumps(json.loads(answer.stdout))
    if verb != "check":
        assert all(json.dumps(name) in said for name in NAMES)


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_a_drawing_has_the_name_as_it_is_and_the_same_bytes_again(
    suffix: str, tables: list[str], here: Here, tmp_path: Path
) -> None:
    first, again = tmp_path / f"first{suffix}", tmp_path / f"again{suffix}"
    for path in (first, again):
        assert here("grid", "check", *tables, "--draw", str(path)).returncode == 3
    assert first.read_bytes() == again.read_bytes()
    if suffix == ".svg":
        texts = [text for text in ElementTree.parse(first).getroot().itertext() if text.strip()]
        assert any("$\\frac{Bus$ \\u001b]0;another title\\u0007Bus: " in text for text in texts)
        assert "beyond a limit" in texts
        assert "above its rating" in texts


def test_an_export_of_somebody_else_is_shown_and_not_obeyed(
    day: ReplayResult,  # noqa: F811
    here: Here,
    tmp_path: Path,
) -> None:
    write_results(day, tmp_path / "run")
    for path in (tmp_path / "run").glob("*.csv"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(",ada,", ",\x1b[2Jada\u202e,").replace("\nada,", "\n\x1b[2Jada\u202e,"))
    summary = tmp_path / "run" / "summary.json"
    document = json.loads(summary.read_text(encoding="utf-8"))
    document["scenario"] = "\x1b[2Jbrooklyn"
    summary.write_text(json.dumps(document), encoding="utf-8")
    shown = here("report", str(tmp_path / "run"))
    assert not OBEYED.search(shown.stdout + shown.stderr)
    assert "\\u001b[2Jada\\u202e" in shown.stdout
    assert "\\u001b[2Jbrooklyn" in shown.stdout


def test_verbs_say_lines_of_results_through_the_one_function_that_shows_names() -> None:
    """`typer.echo` and `print` would let a terminal obey what a file's name or content commands."""
    allowed = {"console.py", "exit_codes.py", "__init__.py"}
    for path in Path(peerwatt.cli.__file__).parent.glob("*.py"):
        if path.name not in allowed:
            assert not re.search(r"typer\.echo\(|(?<![.\w])print\(", path.read_text(encoding="utf-8")), (
                path.name
            )
