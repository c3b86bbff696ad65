"""`peerwatt check`: every mistake of a scenario, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from peerwatt.cli import completion
from peerwatt.cli.console import AsJson, print_json, say

if TYPE_CHECKING:
    from peerwatt.scenario.scenario import Scenario
    from peerwatt.tables.problems import Problem


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("check")(check)


def check(
    scenario: Annotated[
        str,
        typer.Argument(
            help="Name of a scenario, or its directory or file.", autocompletion=completion.scenarios
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Check a scenario and say where every mistake is."""
    from peerwatt.cli.exit_codes import ExitCode, report_error
    from peerwatt.scenario.catalogue import scenario_files
    from peerwatt.scenario.loading import load_scenario
    from peerwatt.scenario.problems import ScenarioError

    problems: list[Problem] = []
    found: list[Scenario] = []
    try:
        files = scenario_files(scenario)
    except ScenarioError as error:
        files, problems = [], list(error.problems)
    for file in files:
        try:
            found.append(load_scenario(file))
        except ScenarioError as error:
            problems += error.problems
    if as_json:
        from peerwatt.cli.grid_output import strength_as_dict

        name = found[0].name if len(files) == len(found) == 1 else scenario
        strength = [node for zone in found for node in strength_as_dict(zone.strength)["nodes"]]
        document = {
            "scenario": name,
            "problems": [asdict(problem) for problem in problems],
            "remarks": [asdict(remark) for zone in found for remark in zone.remarks],
        }
        print_json(document if problems else document | {"system_strength": strength})
    else:
        for problem in problems:
            report_error(problem)
        for zone in [] if problems else found:
            say(_no_mistakes(zone))
            for line in said(zone.remarks):
                say(line)
    if problems:
        raise typer.Exit(ExitCode.REFUSED)


def said(remarks: Sequence[Problem]) -> list[str]:
    """What was found out about the files, a line each; what is so of several is said once."""
    files: dict[str, list[str]] = {}
    for remark in remarks:
        files.setdefault(remark.message, []).append(remark.file)
    return [
        f"note: {named[0]}{f' and {len(named) - 1} more' if len(named) > 1 else ''}: {message}"
        for message, named in files.items()
    ]


def _no_mistakes(found: Scenario) -> str:
    calendar = found.calendar
    return (
        f"{found.name}: no mistakes found. {len(found.participants)} participants on a feeder of "
        f"{len(found.feeder.node_names)} nodes, {calendar.count} intervals from {calendar.iso(0)}."
        + _strength(found)
    )


def _strength(found: Scenario) -> str:
    if not found.strength:
        return ""
    weakest = found.strength[0]
    return (
        f" Weakest short-circuit ratio {weakest.ratio:.1f}, at {weakest.node}; minimum {weakest.minimum:g}."
    )
