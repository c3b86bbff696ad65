"""The directory of profiles: one file for each participant, by its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from peerwatt.scenario.calendar import Calendar
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.profiles import read_profile
from peerwatt.tables.problems import Problem

SUFFIXES = (".csv", ".csv.gz")
NO_DATA = ("~$", ".", "._")
"""How files begin that programs leave beside people's: Excel's locks, and what systems hide."""


def check_strangers(directory: Path, participants: Sequence[Participant], problems: list[Problem]) -> None:
    """Note every profile that is nobody's."""
    names = {participant.name for participant in participants}
    for path, name in _profiles(directory):
        if name.lower() not in names:
            message = f"participants.csv has no participant {name!r}; remove the file or add the row"
            problems.append(Problem(str(path), None, "", message))


def with_profiles(
    participants: Sequence[Participant],
    directory: Path,
    calendar: Calendar,
    problems: list[Problem],
    remarks: list[Problem],
) -> list[Participant]:
    """The participants whose profile could be read, with it; mistakes and remarks are appended."""
    files: dict[str, list[Path]] = {}
    for path, name in _profiles(directory):
        files.setdefault(name.lower(), []).append(path)
    complete = []
    for participant in participants:
        own = directory / f"{participant.name}.csv"
        found = files.get(participant.name, [own])
        if len(found) > 1:
            message = f"stands beside {found[0].name}, and both are {participant.name}'s; remove one"
            problems.append(Problem(str(found[1]), None, "", message))
            continue
        profile = read_profile(found[0], participant, calendar, problems, remarks)
        if profile is not None:
            demand, generation, metered = profile
            complete.append(replace(participant, demand_wh=demand, generation_wh=generation, metered=metered))
    return complete


def is_table(path: Path) -> bool:
    """Whether a file's name is that of a table, and not of what a program left beside it."""
    return path.name.lower().endswith(SUFFIXES) and not path.name.startswith(NO_DATA)


def _profiles(directory: Path) -> list[tuple[Path, str]]:
    """The profiles in a directory with the names that they are of, whatever case their extension has."""
    if not directory.is_dir():
        return []
    found = []
    for path in sorted(directory.iterdir()):
        if is_table(path):
            suffix = next(each for each in SUFFIXES if path.name.lower().endswith(each))
            found.append((path, path.name[: -len(suffix)]))
    return found
