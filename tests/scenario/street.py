"""A street of three homes, small enough to write down, whose files a test replaces by its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from peerwatt.scenario.catalogue import SHIPPED
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.problems import ScenarioError
from peerwatt.scenario.scenario import Scenario
from peerwatt.tables.problems import Problem

START = datetime(2016, 6, 17, tzinfo=UTC)
SLOTS = 96
HEADER = "participant,node,kind,import_limit_kw,export_limit_kw,pv_kwp,description"
PARTICIPANTS = "\n".join(
    [
        HEADER,
        "ada,LV2.101 Bus 40,prosumer,24.1,22.6,22.6,large roof",
        "ben,LV2.101 Bus 10,prosumer,24.1,9.8,9.8,home",
        "chloe,LV2.101 Bus 36,prosumer,24.1,11.0,11.0,home",
    ]
)


def clock(k: int, minutes: int = 15) -> str:
    """The time of day of a slot."""
    return (START + timedelta(minutes=minutes * k)).strftime("%H:%M")


def stamp(k: int, minutes: int = 15, style: str = "%Y-%m-%d %H:%M") -> str:
    """Date and time of a slot, without an offset."""
    return (START + timedelta(minutes=minutes * k)).strftime(style)


def profile(header: str, rows: list[str], end: str = "\n") -> str:
    """A file of rows."""
    return end.join([header, *rows]) + end


PLAIN = profile(
    "TIME,LOAD(W),PV(W)", [f"{(START + timedelta(minutes=15 * k)).isoformat()},400,0" for k in range(SLOTS)]
)


def write_street(directory: Path, files: dict[str, str | bytes | None] | None = None) -> Path:
    """Write the street with some of its files replaced, or left out where None stands for them.

    The scenario is brooklyn-10's for a day, with nothing else on the feeder.
    """
    source = SHIPPED / "brooklyn-10"
    settings = (source / "scenario.yaml").read_text(encoding="utf-8").replace("\ndays: 7\n", "\ndays: 1\n")
    for file in ("background_active", "background_reactive"):
        settings = settings.replace(f"{file}: {file}.csv", f"{file}: null")
    whole: dict[str, str | bytes | None] = {
        "scenario.yaml": settings,
        "participants.csv": PARTICIPANTS,
        "feeder.json": (source / "feeder.json").read_text(encoding="utf-8"),
        **{f"profiles/{name}.csv": PLAIN for name in ("ada", "ben", "chloe")},
        **(files or {}),
    }
    for name, content in whole.items():
        if content is None:
            continue
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return directory


def checked(directory: Path) -> tuple[Scenario | None, list[Problem]]:
    """The scenario in a directory, or what is wrong with it."""
    try:
        return load_scenario(directory), []
    except ScenarioError as error:
        return None, list(error.problems)
