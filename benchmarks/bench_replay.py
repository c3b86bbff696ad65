"""How fast a day is replayed: `make bench-replay` writes benchmarks/replay.json.

A day of 10, 100, 300 and 1,000 participants, every order signed and every interval checked against the twin,
as `peerwatt replay` does it. CPU seconds are the figure to compare: on a shared machine the wall clock says
who else was there. `--only` measures some of the cases and leaves the others' figures as they are;
`--against` an earlier file gives ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import requests
from cpu_samples import NodeSeconds, sampled
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from peerwatt.replay.run import replay_scenario
from peerwatt.report.files import write_results
from peerwatt.scenario.catalogue import SHIPPED
from peerwatt.scenario.loading import load_scenario

OUT = Path(__file__).parent / "replay.json"
PACKAGES = ("web3", "py-evm", "eth-tester", "power-grid-model", "highspy", "coincurve")
ZONE, ZONE_SIZE = "brooklyn-300/urban", 100


@dataclass(frozen=True)
class Case:
    """One day to measure.

    Attributes:
        scenario: its name; empty for a pilot that is generated.
        chain: on which.
        participants: how many.
        days: how many.
    """

    scenario: str
    chain: str
    participants: int
    days: int = 1

    @property
    def is_pilot(self) -> bool:
        """Whether it has several zones, replayed in worker processes."""
        return self.participants > ZONE_SIZE


CASES = {
    "brooklyn-10-eth-tester": Case("brooklyn-10", "eth-tester", 10),
    "brooklyn-10-anvil": Case("brooklyn-10", "anvil", 10),
    "brooklyn-10-anvil-week": Case("brooklyn-10", "anvil", 10, days=7),
    "zone-100-anvil": Case(ZONE, "anvil", 100),
    "brooklyn-300-anvil": Case("brooklyn-300", "anvil", 300),
    "generated-1000-anvil": Case("", "anvil", 1000),
}


def cpu_seconds(who: int) -> float:
    """CPU seconds of this process, or of the children that it has waited for."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def peak_mib(who: int) -> float:
    """Largest resident set of this process, or of any child, MiB."""
    return resource.getrusage(who).ru_maxrss / 1024


class Requests:
    """How often a node was asked for what, by JSON-RPC method."""

    def __init__(self) -> None:
        self.methods: Counter[str] = Counter()
        self.posts = 0
        send = requests.adapters.HTTPAdapter.send

        def counting(adapter: Any, request: requests.PreparedRequest, *options: Any, **named: Any) -> Any:
            body = request.body or b""
            self.posts += 1
            self.methods.update(
                re.findall(r'"method": ?"(\w+)"', body if isinstance(body, str) else body.decode())
            )
            return send(adapter, request, *options, **named)

        requests.adapters.HTTPAdapter.send = counting  # type: ignore[method-assign]


def measure_one(case: Case) -> dict[str, Any]:
    """One market in this process."""
    scenario = load_scenario(case.scenario)
    intervals = case.days * scenario.calendar.per_day
    asked = Requests()
    begun = time.monotonic()
    cpu_begun = cpu_seconds(resource.RUSAGE_SELF)
    first: list[float] = []
    memory: list[float] = []
    with _bar(case.scenario, intervals) as (bar, task):

        def advance(done: int, of: int) -> None:
            first.extend([cpu_seconds(resource.RUSAGE_SELF) - cpu_begun] if not first else [])
            memory.append(peak_mib(resource.RUSAGE_SELF))
            bar.update(task, completed=done, total=of)

        with NodeSeconds() as nodes, sampled() as samples:
            result = replay_scenario(scenario, case.chain, scenario.seed, intervals, advance)
            replayed = cpu_seconds(resource.RUSAGE_SELF) - cpu_begun
            with tempfile.TemporaryDirectory() as folder:
                write_results(result, Path(folder) / "report")
    wall = time.monotonic() - begun
    cpu = cpu_seconds(resource.RUSAGE_SELF) - cpu_begun
    total = samples.total()
    per_interval = {method: round(count / intervals, 2) for method, count in asked.methods.most_common(8)}
    return {
        "intervals": intervals,
        "cpu_s": round(cpu, 2),
        "node_cpu_s": round(nodes.total, 2),
        "wall_s": round(wall, 2),
        "until_first_interval_settled_cpu_s": round(first[0], 2),
        "report_cpu_s": round(cpu - replayed, 2),
        "cpu_ms_per_order": round(1000 * replayed / max(1, result.summary.orders), 3),
        "parts_percent": {part: round(100 * count / total, 1) for part, count in samples.most_common()},
        "requests_per_interval": round(asked.posts / intervals, 1),
        "methods_per_interval": per_interval,
        "peak_mib": round(peak_mib(resource.RUSAGE_SELF)),
        "peak_mib_after_first_day": round(memory[scenario.calendar.per_day - 1]),
        "mismatches": result.summary.reference_mismatches,
    }


def measure_pilot(case: Case) -> dict[str, Any]:
    """Zones in worker processes, by the command."""
    begun = time.monotonic()
    before = cpu_seconds(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        pilot = case.scenario or str(generated(Path(folder) / "pilot", case.participants // ZONE_SIZE))
        command = "from peerwatt.cli import main; main()"
        arguments = ["replay", pilot, "--chain", case.chain, "--json", "--out", str(Path(folder) / "out")]
        with NodeSeconds() as nodes:
            done = subprocess.run(
                [sys.executable, "-c", command, *arguments], stdout=subprocess.PIPE, text=True, check=True
            )
    zones = json.loads(done.stdout)
    intervals = load_scenario(ZONE).calendar.per_day
    cpu = cpu_seconds(resource.RUSAGE_CHILDREN) - before
    return {
        "intervals": intervals,
        "zones": len(zones["zones"]),
        "cpu_s": round(cpu, 2),
        "node_cpu_s": round(nodes.total, 2),
        "wall_s": round(time.monotonic() - begun, 2),
        "cpu_ms_per_order": round(1000 * cpu / zones["total"]["orders"], 3),
        "peak_mib": round(peak_mib(resource.RUSAGE_CHILDREN)),
        "mismatches": zones["total"]["reference_mismatches"],
    }


def generated(folder: Path, zones: int) -> Path:
    """A pilot of so many zones of a hundred: a shipped zone under other names and seeds."""
    for number in range(1, zones + 1):
        zone = folder / f"zone-{number:02}"
        shutil.copytree(SHIPPED / ZONE, zone)
        file = zone / "scenario.yaml"
        text = file.read_text(encoding="utf-8")
        for field, value in (("name", f"{folder.name}/{zone.name}"), ("seed", str(100 + number))):
            text, found = re.subn(rf"(?m)^{field}: .*$", f"{field}: {value}", text)
            assert found == 1, f"{file} has {found} lines of {field}"
        file.write_text(text, encoding="utf-8")
    return folder


class _bar:
    """A progress bar on stderr."""

    def __init__(self, what: str, total: int) -> None:
        stderr = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=stderr,
            transient=True,
            disable=not stderr.is_terminal,
        )
        self._task = self._bar.add_task(what, total=total)

    def __enter__(self) -> tuple[Progress, Any]:
        self._bar.start()
        return self._bar, self._task

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def ratios(figures: dict[str, Any], earlier: dict[str, Any]) -> dict[str, float]:
    """Today's figures over an earlier measurement's."""
    compared = ("cpu_s", "wall_s", "requests_per_interval", "peak_mib")
    return {
        name: round(figures[name] / earlier[name], 2)
        for name in compared
        if figures.get(name) is not None and earlier.get(name)
    }


def main() -> None:
    """Measure the cases one after another, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="cases to measure")
    parser.add_argument("--out", type=Path, default=OUT, help="where the figures go")
    parser.add_argument("--against", type=Path, help="an earlier file to compare with")
    parser.add_argument("--measure", choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        case = CASES[options.measure]
        json.dump(measure_pilot(case) if case.is_pilot else measure_one(case), sys.stdout)
        return
    document = json.loads(options.out.read_text()) if options.out.exists() else {"cases": {}}
    earlier = json.loads(options.against.read_text())["cases"] if options.against else {}
    document["machine"] = machine()
    for number, name in enumerate(options.only, 1):
        print(f"{number} of {len(options.only)}: {name}", file=sys.stderr)
        done = subprocess.run(
            [sys.executable, __file__, "--measure", name], stdout=subprocess.PIPE, text=True, check=True
        )
        figures = {"participants": CASES[name].participants, **json.loads(done.stdout)}
        if name in earlier:
            figures["over_earlier"] = ratios(figures, earlier[name])
        document["cases"][name] = figures
        options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        print(json.dumps({name: figures}, indent=2))


if __name__ == "__main__":
    main()
