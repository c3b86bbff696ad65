"""`peerwatt check`: every mistake of a scenario, each with its place."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from peerwatt.cli.console import AsJson, print_json

if TYPE_CHECKING:
    from peerwatt.pilot.scenario import Scenario


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("check")(check)


def check(
    scenario: Annotated[str, typer.Argument(help="Name of a scenario, or its directory or file.")],
    as_json: AsJson = False,
) -> None:
    """Check a scenario and say where every mistake is."""
    from peerwatt.cli import EXIT_BAD_INPUT, report_error
    from peerwatt.pilot.problems import ScenarioError
    from peerwatt.pilot.scenario import load_scenario

    try:
        found = load_scenario(scenario)
    except ScenarioError as error:
        if as_json:
            print_json({"scenario": scenario, "problems": [asdict(problem) for problem in error.problems]})
        else:
            for problem in error.problems:
                report_error(problem)
        raise typer.Exit(EXIT_BAD_INPUT) from None
    if as_json:
        from peerwatt.cli.grid_output import strength_as_dict

        strength = strength_as_dict(found.strength)["nodes"]
        print_json({"scenario": found.name, "problems": [], "system_strength": strength})
        return
    calendar = found.calendar
    typer.echo(
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
