#!/usr/bin/env python3
"""Run Slither over contracts/ and refuse every finding that contracts/slither.toml does not explain.

    python scripts/check_slither.py SLITHER     SLITHER: the program, in an environment of its own

An explanation that no finding needs any more is refused too, so that the list stays what the code is.
Returns 0, 1 when findings and explanations differ, or 2 when Slither does not run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXPLANATIONS = ROOT / "contracts" / "slither.toml"
OUTPUT = ROOT / "build" / "slither"


@dataclass(frozen=True)
class Finding:
    """One result of Slither.

    Attributes:
        detector: which of its checks.
        where: the function, variable or event, as `Contract.name`.
        text: what Slither says.
    """

    detector: str
    where: str
    text: str


@dataclass(frozen=True)
class Explanation:
    """Why a finding stays.

    Attributes:
        detector: which of Slither's checks.
        where: a `Contract.name`, or a pattern of them.
    """

    detector: str
    where: str

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is one of these."""
        return self.detector == finding.detector and fnmatchcase(finding.where, self.where)


def name_of(element: Mapping[str, Any]) -> str:
    """`Contract.function` of what a finding is about; for what lies in no function, `Contract.name`."""
    parent = element.get("type_specific_fields", {}).get("parent")
    if parent is None:
        return str(element["name"])
    if parent["type"] == "contract" or element["type"] == "function":
        return f"{parent['name']}.{element['name']}"
    return name_of(parent)


def analyse(slither: str) -> list[Finding]:
    """Compile and analyse what is in contracts/.

    Raises:
        RuntimeError: Slither or the compiler failed; the message is what they said.
    """
    tools = ROOT / "node_modules" / ".bin"
    environment = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        # Slither cleans up before it compiles: not what `forge test` has compiled.
        "FOUNDRY_OUT": str(OUTPUT / "out"),
        "FOUNDRY_CACHE_PATH": str(OUTPUT / "cache"),
    }
    command = [slither, ".", "--compile-force-framework", "foundry", "--foundry-out-directory"]
    command += [str(OUTPUT / "out"), "--filter-paths", "node_modules", "--fail-none", "--json", "-"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise RuntimeError(done.stderr.strip() or "slither said nothing") from None
    if not report["success"]:
        raise RuntimeError(report["error"])
    return [
        Finding(found["check"], name_of(found["elements"][0]), found["description"].strip())
        for found in report["results"].get("detectors", [])
    ]


def explanations(path: Path = EXPLANATIONS) -> list[Explanation]:
    """What the file explains, one entry per place."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["explained"]
    return [Explanation(entry["detector"], where) for entry in entries for where in entry["where"]]


def differences(findings: Sequence[Finding], explained: Sequence[Explanation]) -> list[str]:
    """One line per finding that is not explained, and per explanation that explains nothing."""
    lines = [
        f"{finding.detector} in {finding.where}: {finding.text}"
        for finding in findings
        if not any(entry.covers(finding) for entry in explained)
    ]
    lines += [
        f"{EXPLANATIONS.name} explains {entry.detector} in {entry.where}, and nothing is found there"
        for entry in explained
        if not any(entry.covers(finding) for finding in findings)
    ]
    return sorted(lines)


def main(arguments: Sequence[str]) -> int:
    """Analyse and compare."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        findings = analyse(arguments[0])
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    lines = differences(findings, explanations())
    for line in lines:
        print(line, file=sys.stderr)
    print(f"slither: {len(findings)} findings, {len(lines)} of them or of their explanations left to settle")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
