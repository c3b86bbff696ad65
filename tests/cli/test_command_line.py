"""The command as a user runs it: results on stdout, one line on stderr, exit codes, no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import peerwatt
from peerwatt.scenario.catalogue import SHIPPED


def run(
    *arguments: str, stdin: str = "", encoding: str = "utf-8", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `peerwatt` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from peerwatt.cli import main; main()", *arguments],
        input=stdin,
        capture_output=True,
        encoding=encoding,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


def one_line_error(result: subprocess.CompletedProcess[str]) -> str:
    """The error line of a run that must have failed on its input."""
    assert result.returncode == 2, result
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def test_version() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, f"peerwatt {peerwatt.__version__}\n")


def test_starting_up_imports_nothing_heavy() -> None:
    code = (
        "import sys, peerwatt.cli; "
        "heavy = {'web3', 'numpy', 'power_grid_model', 'pydantic', 'matplotlib', 'eth', 'highspy'}; "
        "sys.exit(str(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_scenarios_are_listed_with_their_days() -> None:
    listed = json.loads(run("scenarios", "--json").stdout)
    assert {"name": "brooklyn-10", "days": 7}.items() <= listed[0].items()
    assert "brooklyn-10" in run("scenarios").stdout


def test_check_passes_the_shipped_scenario() -> None:
    result = run("check", "brooklyn-10")
    assert result.returncode == 0, result.stderr
    assert "no mistakes found. 10 participants" in result.stdout


def test_check_says_every_mistake_on_a_line_of_its_own(tmp_path: Path) -> None:
    text = (SHIPPED / "brooklyn-10" / "scenario.yaml").read_text(encoding="utf-8")
    spoiled = text.replace("quorum: 3", "quorum: 5").replace("price: uniform", "price: cheap")
    (tmp_path / "scenario.yaml").write_text(
        spoiled.replace("seed: 1\n", "seed: 1\nsede: 2\n"), encoding="utf-8"
    )
    result = run("check", str(tmp_path))
    assert result.returncode == 2
    assert result.stdout == ""
    assert {"switches.price", "sede"} <= {line.split(": ")[2] for line in result.stderr.splitlines()}
    problems = json.loads(run("check", str(tmp_path), "--json").stdout)["problems"]
    assert [problem["field"] or problem["message"] for problem in problems] == [
        line.split(": ")[2] for line in result.stderr.splitlines()
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("check", "atlantis"), "no such scenario"),
        (("clear-book", "/nowhere/book.json"), "no such file"),
        (("report", "/nowhere"), "/nowhere"),
    ],
)
def test_unusable_input_is_one_line_and_exit_code_2(arguments: tuple[str, ...], says: str) -> None:
    assert says in one_line_error(run(*arguments))


def test_a_book_by_hand() -> None:
    book = [
        {"id": "ada", "side": "buy", "price": 250, "quantity": 400},
        {"id": "ben", "side": "sell", "price": 100, "quantity": 150},
        {"id": "cem", "side": "sell", "price": 150, "quantity": 350},
        {"id": "dee", "side": "sell", "price": 150, "quantity": 150},
    ]
    result = run("clear-book", "-", stdin=json.dumps(book))
    # all 400 Wh are bought; 250 Wh of the 500 Wh offered at 150 sell, shared pro rata; 150 <= price <= 150
    assert json.loads(result.stdout) == {
        "price": 150,
        "volume": 400,
        "fills": {"ada": 400, "ben": 150, "cem": 175, "dee": 75},
    }


def test_a_book_that_does_not_cross_has_no_price() -> None:
    book = [
        {"id": 1, "side": "buy", "price": 10, "quantity": 5},
        {"id": 2, "side": "sell", "price": 11, "quantity": 5},
    ]
    assert json.loads(run("clear-book", "-", stdin=json.dumps(book)).stdout) == {
        "price": None,
        "volume": 0,
        "fills": {"1": 0, "2": 0},
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "-:1:2: is not JSON"),
        ("[{]", "is not JSON"),
        ("{}", "list"),
        ('[{"id": "a", "side": "buy", "price": 1, "quantity": 0}]', "quantity"),
        ('[{"id": "a", "side": "buy", "price": 1.5, "quantity": 1}]', "price"),
        ('[{"id": "a", "side": "hold", "price": 1, "quantity": 1}]', "side"),
        ('[{"id": "a", "side": "buy", "price": 1}]', "quantity is missing"),
        ('[{"id": "a", "id": "b", "side": "buy", "price": 1, "quantity": 1}]', "given twice"),
        ("[" * 100_000, "-"),
    ],
)
def test_a_book_that_cannot_be_used_says_why(text: str, says: str) -> None:
    assert says in one_line_error(run("clear-book", "-", stdin=text))


def test_no_colour_and_no_control_characters_in_a_pipe() -> None:
    for result in (run("scenarios"), run("scenarios", NO_COLOR="1"), run("check", "atlantis")):
        assert "\x1b" not in result.stdout + result.stderr


def test_report_refuses_an_empty_directory(tmp_path: Path) -> None:
    assert "has no summary.json" in one_line_error(run("report", str(tmp_path)))
    assert list(tmp_path.iterdir()) == []
