"""Scenarios by name: those that ship with the package, or any directory of the reader's."""

from __future__ import annotations

from pathlib import Path

from peerwatt.pilot.problems import Problem, ScenarioError, did_you_mean

SHIPPED = Path(__file__).resolve().parent.parent / "scenarios"
FILE_NAME = "scenario.yaml"


def shipped_scenarios() -> list[str]:
    """Names of the scenarios that ship, sorted."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{FILE_NAME}"))


def find_scenario(name_or_path: str | Path) -> Path:
    """The scenario file for a name, a directory or a file.

    Raises:
        ScenarioError: there is none; the message lists the names.
    """
    text = str(name_or_path)
    if text in shipped_scenarios():
        return SHIPPED / text / FILE_NAME
    path = Path(name_or_path)
    if path.is_dir():
        return path / FILE_NAME
    if path.is_file():
        return path
    names = shipped_scenarios()
    message = (
        f"no such scenario{did_you_mean(text, names)}; give {', '.join(names)} or the path of a directory"
    )
    raise ScenarioError([Problem(text, None, "", message)])
