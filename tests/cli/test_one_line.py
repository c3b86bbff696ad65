"""What cannot be used gets one line in the program's words, never those of the system or of Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from peerwatt.scenario.catalogue import SHIPPED
from tests.cli.conftest import Here

FEEDER = str(SHIPPED / "brooklyn-10" / "feeder.json")
HEAD = "node,kw,participant,rating_kva,export_limit_kw,import_limit_kw\n"
RAW = ("Errno", "Traceback", "KeyError", "RecursionError", "sys.", "codec", "maximum recursion")

BOOKS: dict[str, tuple[bytes, str]] = {
    "a number of 5,000 digits": (
        b'[{"id":"a","side":"buy","price":' + b"9" * 5000 + b',"quantity":1}]',
        "a number of 5000 digits is out of range",
    ),
    "100,000 brackets": (b"[" * 100_000, "is nested more than 100 deep"),
    "an id of 5,000 letters": (
        b'[{"id":"' + b"x" * 5000 + b'","side":"BUY","price":1,"quantity":1}]',
        "(5000 characters)",
    ),
    "a key twice": (b'[{"id":"a","id":"b"}]', "key 'id' is given twice"),
    "letters of Windows": ('[{"id":"Müller"}]'.encode("cp1252"), "looks like cp1252"),
    "an Excel workbook": (b"PK\x03\x04" + bytes(60), "save the sheet as CSV"),
    "nothing": (b"", "is not JSON"),
}


@pytest.mark.parametrize(("content", "says"), BOOKS.values(), ids=BOOKS.keys())
def test_a_book_that_cannot_be_used_is_named_in_a_line(
    here: Here, tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "book.json").write_bytes(content)
    _refused(here, ["clear-book", str(tmp_path / "book.json")], says)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_book_that_says_its_encoding_is_cleared(here: Here, tmp_path: Path, encoding: str) -> None:
    text = '[{"id":1,"side":"buy","price":5,"quantity":1},{"id":2,"side":"sell","price":3,"quantity":1}]'
    (tmp_path / "book.json").write_bytes(text.encode(encoding))
    result = here("clear-book", str(tmp_path / "book.json"))
    assert result.returncode == 0
    assert '"price": 4' in result.stdout


@pytest.mark.parametrize(
    ("verb", "rows", "says"),
    [
        ("envelope", "LV2.101 Bus 40,9,pa,,20,\n", "pa: has export_limit_kw and no import_limit_kw"),
        (
            "curtail",
            ("LV2.101 Bus 40,9,pa,,,\nLV2.101 Bus 10,9,pa,,,\n"),
            ":3: participant: 'pa' is given twice",
        ),
        ("strength", "LV2.101 Bus 40,9,pa,,,\n", "no row has a rating_kva"),
        (
            "check",
            ("LV2.101 Bus 40,1_0,pa,,,\nLV2.101 Bus 40,9e3,pb,,,\n"),
            "'1_0' is not a number of kW (1 more such",
        ),
        ("check", "LV2.101 Bus 4O,9,pa,,,\n", "did you mean LV2.101 Bus"),
    ],
)
def test_a_table_of_injections_that_leaves_something_open_is_refused(
    here: Here, tmp_path: Path, verb: str, rows: str, says: str
) -> None:
    (tmp_path / "i.csv").write_text(HEAD + rows)
    _refused(here, ["grid", verb, FEEDER, str(tmp_path / "i.csv")], says)


def test_semicolons_and_decimal_commas_of_injections_are_read(here: Here, tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_bytes("\ufeffNode;kW\r\nLV2.101 Bus 40;9,5\r\n".encode())
    assert here("grid", "check", FEEDER, str(tmp_path / "i.csv")).returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["compare", "brooklyn-10", "--mechanisms", " , "], "--mechanisms: names none"),
        (["check", FEEDER], "format 'peerwatt-feeder-1' is none of a scenario"),
        (["replay", "brooklyn-10", "--days", "0"], "greater than or equal to 1. See peerwatt replay --help."),
        (["import", "meter", "/nowhere"], "no such file"),
    ],
)
def test_words_that_cannot_be_meant_are_refused_in_a_line(here: Here, words: list[str], says: str) -> None:
    _refused(here, words, says)


@pytest.mark.parametrize("summary", ["{}", "[]", "[" * 100_000, "\x00"])
def test_a_summary_that_is_none_is_named(here: Here, tmp_path: Path, summary: str) -> None:
    (tmp_path / "summary.json").write_text(summary)
    _refused(here, ["report", str(tmp_path)], "summary.json")


def test_a_full_disk_is_told_in_words() -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "peerwatt", "check", "brooklyn-10", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.returncode == 2
    assert result.stderr == "error: the output cannot be written: no space left on device\n"


def _refused(here: Here, words: list[str], says: str) -> None:
    result = here(*words)
    assert result.returncode == 2, result.stdout
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    assert says in errors[0]
    assert len(errors[0]) < 500
    assert not any(word in result.stderr for word in RAW)
