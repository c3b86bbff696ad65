"""`peerwatt scenarios`: what can be replayed by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from peerwatt.cli.console import AsJson, print_json
from peerwatt.report.terminal import show, table

if TYPE_CHECKING:
    from peerwatt.scenario.schema import ScenarioFile


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("scenarios")(scenarios)


def scenarios(as_json: AsJson = False) -> None:
    """List the scenarios that ship with the package."""
    from peerwatt.scenario.catalogue import find_scenario, shipped_scenarios
    from peerwatt.scenario.problems import ScenarioError
    from peerwatt.scenario.scenario_file import read_scenario_file
    from peerwatt.tables.problems import Problem

    found = []
    for name in shipped_scenarios():
        problems: list[Problem] = []
        parsed, _, _ = read_scenario_file(find_scenario(name), problems)
        if parsed is None:
            raise ScenarioError(problems)
        found.append(parsed)
    if as_json:
        print_json([_row(parsed) for parsed in found])
        return
    listed = table("name", "first day", "days", "description", left=2, long=1)
    for parsed in found:
        listed.add_row(parsed.name, parsed.start[:10], str(parsed.days), _one_line(parsed.description))
    show(listed)


def _row(parsed: ScenarioFile) -> dict[str, str | int]:
    return {
        "name": parsed.name,
        "start": parsed.start,
        "days": parsed.days,
        "interval_length_s": parsed.interval_length_s,
        "description": _one_line(parsed.description),
    }


def _one_line(text: str) -> str:
    return " ".join(text.split())
