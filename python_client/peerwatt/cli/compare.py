"""`peerwatt compare` and `peerwatt mechanisms`: market designs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from peerwatt.cli import completion
from peerwatt.cli.console import AsJson, print_json, progress
from peerwatt.cli.progress import shown_progress
from peerwatt.report.terminal import results, show, table
from peerwatt.units import W_PER_KW

if TYPE_CHECKING:
    from peerwatt.compare import Comparison


SLOW = ("p2p-admm",)
"""Takes more than ten seconds a day: run it by name, or with all."""


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("compare")(compare)
    app.command("mechanisms")(mechanisms)


def compare(
    scenario: Annotated[
        str,
        typer.Argument(
            help="Name of a scenario, or its directory or file.", autocompletion=completion.scenarios
        ),
    ] = "brooklyn-10",
    mechanisms: Annotated[
        str,
        typer.Option(
            help="Names or families, separated by commas; fast: all but the slow; all.",
            autocompletion=completion.designs,
        ),
    ] = "fast",
    start: Annotated[
        str | None,
        typer.Option(help=("Another first day of the scenario's: 2016-06-19, or a time with offset.")),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="How many of the scenario's days.")] = 1,
    seed: Annotated[int | None, typer.Option(min=0, help="Of every draw; the scenario's by default.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where it goes; reports/SCENARIO-compare by default.")
    ] = None,
    grid: Annotated[bool, typer.Option(help="Solve the feeder for every design's flows.")] = True,
    as_json: AsJson = False,
) -> None:
    """Run market designs on the same days and write compare.csv, compare.json and compare.html."""
    from peerwatt.compare import compare as run
    from peerwatt.compare.page import render_page
    from peerwatt.scenario.excerpt import starting
    from peerwatt.scenario.loading import load_scenario

    found = load_scenario(scenario)
    if start is not None:
        found = starting(found, start)
    names = chosen(mechanisms)
    console, begun = progress(), 0

    def begin(_: str) -> None:
        nonlocal begun
        advance(0, begun, total)
        begun += 1

    total = len({"tariff-only", *names})
    with shown_progress([(f"designs on {found.name}", total)], "designs") as advance:
        result = run(found, names, days, seed, grid, begin)
    directory = out if out is not None else Path("reports") / f"{found.name}-compare"
    _write(
        directory,
        {"compare.csv": result.csv(), "compare.json": result.json(), "compare.html": render_page(result)},
    )
    if as_json:
        print_json(result.document())
    else:
        _print(result)
    console.print(f"page: {directory / 'compare.html'}")


def chosen(text: str) -> list[str]:
    """Names of the designs that an option names: designs, families, fast or all.

    Raises:
        InputError: There is none of that name; the message lists them.
    """
    from peerwatt.designs.registry import DESIGNS, FAMILIES, design
    from peerwatt.errors import InputError

    if text in ("all", "fast"):
        return [name for name in DESIGNS if text == "all" or name not in SLOW]
    names: list[str] = []
    if not text.replace(",", "").strip():
        raise InputError(
            "--mechanisms: names none; give designs or families, fast, or all (`peerwatt mechanisms`)"
        )
    for word in filter(None, (part.strip() for part in text.split(","))):
        names += [each.name for each in FAMILIES[word]] if word in FAMILIES else [design(word).name]
    return names


def mechanisms(as_json: AsJson = False) -> None:
    """List the market designs, one line and their source each."""
    from peerwatt.designs.registry import FAMILIES

    rows = [
        {"name": each.name, "family": family, "runs": each.runs, "title": each.title, "source": each.source}
        for family, members in FAMILIES.items()
        for each in members
    ]
    if as_json:
        print_json(rows)
        return
    designs = table("name", "runs", "what it does, and its source", left=2, long=1)
    for row in rows:
        designs.add_row(row["name"], row["runs"], f"{row['title']} ({row['source']})")
    show(designs)


def _print(result: Comparison) -> None:
    from peerwatt.compare.settled import SETTLED
    from peerwatt.report import words

    heads = (
        "mechanism",
        "settled",
        "saved",
        "kept",
        "better\noff",
        "Gini",
        "shared",
        "self-\nsuff.",
        "peak\nkW",
    )
    designs = table(*heads, left=2)
    for row in result.rows:
        m = row.measures
        designs.add_row(
            row.name,
            row.settled,
            words.money(int(m.savings.sum()), plus=True),
            words.money(m.surplus, plus=True),
            words.share(m.better_off),
            "–" if m.gini is None else f"{m.gini:.2f}",
            words.share(m.gain_share),
            words.share(m.self_sufficiency),
            f"{m.peak / W_PER_KW:.1f}",
        )
    show(designs)
    results().print(
        f"saved: {result.currency}, by all households together, against the tariff alone on the same feeder; "
        "kept: by the market; shared: of what could be"
    )
    for word in dict.fromkeys(row.settled for row in result.rows[1:]):
        results().print(f"{word}: {SETTLED[word]}")


def _write(directory: Path, files: dict[str, str]) -> None:
    from peerwatt.errors import InputError

    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{directory}: cannot be written: {error.strerror}; choose another --out") from None
