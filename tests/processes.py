"""Processes that a test started: its children's children too, and those left behind."""

from __future__ import annotations

import psutil

PATIENCE_S = 60.0


def descendants(process_id: int, name: str = "") -> list[psutil.Process]:
    """What runs below a process; with a name, only what bears it."""
    below = psutil.Process(process_id).children(recursive=True)
    return [each for each in below if not name or name_of(each) == name]


def name_of(process: psutil.Process) -> str:
    """A process's name; none where it has just ended."""
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return ""


def bearing(variable: str, value: str, name: str) -> list[psutil.Process]:
    """Processes of a name with this in their environment, whoever their parent is by now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == name and process.environ().get(variable) == value:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def all_end(processes: list[psutil.Process], patience_s: float = PATIENCE_S) -> bool:
    """Whether these processes end, in a while."""
    _, alive = psutil.wait_procs(processes, patience_s)
    return not [each for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
