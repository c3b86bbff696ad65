"""The process in which OpenDSS builds a circuit: one request in JSON in, one answer out."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from peerwatt.grid.errors import FeederError


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """Read the circuit, or say why not."""
    from peerwatt.grid.files.importers.opendss_engine import read_circuit

    try:
        document, notices = read_circuit(
            Path(request["path"]), request["named"], request["limits"], request["control"], request["about"]
        )
    except FeederError as error:
        return {"refused": str(error)}
    return {"document": document, "notices": notices}


def _write_nothing() -> None:
    """Take the right to write files from this process; its pipes stay open."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Answer one request; what OpenDSS itself prints goes nowhere."""
    request = json.load(sys.stdin)
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    _write_nothing()
    answer = json.dumps(_answer(request)).encode()
    with os.fdopen(out, "wb") as pipe:
        pipe.write(answer)


if __name__ == "__main__":
    main()
