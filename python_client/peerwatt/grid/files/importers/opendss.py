"""OpenDSS circuits as canonical feeders.

OpenDSS itself builds the circuit from commands that are read out of the scripts and stated anew (see
`opendss_script`), in a process of its own: with an empty working folder, a time limit, and no right to
write. It is read element by element as it stands, controls off. Where power-grid-model's three-phase elements
state it exactly, the feeder file holds those; otherwise a circuit conductor by conductor. Before anything is
returned, its flow is compared with OpenDSS's own, without injections and with random ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from peerwatt.grid.errors import FeederError

_TIME_LIMIT_S = 900


def from_opendss(
    path: str | Path,
    *,
    limits: Mapping[str, Any],
    control: str = "stated",
    notice: Callable[[str], None] | None = None,
    **about: Any,
) -> dict[str, Any]:
    """Turn an OpenDSS circuit into a feeder document.

    Args:
        path: The master `.dss` file; it must set its voltage bases.
        limits: `v_min_pu`, `v_max_pu`, `loading_max_percent`.
        control: Where regulators and switched capacitors stand: as the script leaves them, its own `solve`
            included (`stated`), or where they come to rest when they are let act once more (`solved`).
        notice: Takes what the importer has to say: what was left out, how well the flows agree.
        about: `source`, `licence`, `provenance`.

    Returns:
        A document for `feeder_from_document`, with `phases` 3.

    Raises:
        FeederError: A script would do what an import must not, OpenDSS cannot build the circuit, an element
            has no counterpart, or the flows do not agree; named.
        ImportError: opendssdirect.py is not installed.
    """
    import opendssdirect  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401

    path = Path(path)
    if not path.is_file():
        raise FeederError(f"{path}: no such OpenDSS file")
    answer = _in_process(
        {
            "path": str(path.resolve()),
            "named": str(path),
            "limits": dict(limits),
            "control": control,
            "about": about,
        }
    )
    if "refused" in answer:
        raise FeederError(answer["refused"])
    for line in answer["notices"] if notice else ():
        notice(line)  # type: ignore[misc]
    document: dict[str, Any] = answer["document"]
    return document


def _in_process(request: Mapping[str, Any]) -> dict[str, Any]:
    """Let a process of its own read the circuit; it can crash or hang without harm."""
    named = request["named"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DSS_")}
    environment |= {
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DSS_CAPI_ALLOW_EDITOR": "0",
        "DSS_CAPI_ALLOW_DOSCMD": "0",
        "DSS_CAPI_ALLOW_CHANGE_DIR": "0",
    }
    with tempfile.TemporaryDirectory(prefix="peerwatt-opendss-", ignore_cleanup_errors=True) as empty:
        try:
            ended = subprocess.run(
                [sys.executable, "-P", "-m", "peerwatt.grid.files.importers.opendss_process"],
                input=json.dumps(request).encode(),
                capture_output=True,
                cwd=empty,
                env=environment,
                timeout=_TIME_LIMIT_S,
            )
        except subprocess.TimeoutExpired:
            raise FeederError(f"{named}: OpenDSS is not done after {_TIME_LIMIT_S} s") from None
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        why = f"is ended by signal {-ended.returncode}" if ended.returncode < 0 else (said or ["fails"])[-1]
        raise FeederError(f"{named}: the process that runs OpenDSS {why}")
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer
