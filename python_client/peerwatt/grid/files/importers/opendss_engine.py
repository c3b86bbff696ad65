"""OpenDSS at work: a script's commands put to it, its circuit read and compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import opendssdirect as dss  # type: ignore[import-not-found, import-untyped, unused-ignore]
from dss import DSS  # type: ignore[import-not-found, import-untyped, unused-ignore]

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import FORMAT
from peerwatt.grid.files.importers.opendss_circuit import CircuitReader
from peerwatt.grid.files.importers.opendss_comparison import EXACT_PU, REFUSED_PU, compared
from peerwatt.grid.files.importers.opendss_grounding import with_ungrounded
from peerwatt.grid.files.importers.opendss_script import Script, read_script
from peerwatt.grid.files.importers.opendss_three_phase import ThreePhaseReader, Unlike

_TOLERANCE = 1e-10
_ITERATIONS = 200
_DEFINED_TWICE = 266  # OpenDSS's number for it


def read_circuit(
    path: Path, named: str, limits: Mapping[str, Any], control: str, about: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Build a circuit in OpenDSS and read it out again.

    Args:
        path: The master script.
        named: How messages call it.
        limits: The feeder's limits.
        control: `stated` or `solved`.
        about: Source, licence and provenance.

    Returns:
        The document, and what there is to say.

    Raises:
        FeederError: It cannot be built or read, or the flows do not agree.
    """
    _forbid()
    script = read_script(path, _properties())
    _build(script, named)
    notices = [f"{path.name}: {count} x {what}" for what, count in script.left_out.items()]
    _solve(named, control)
    frame = {"format": FORMAT, "name": dss.Circuit.Name(), **about, "limits": dict(limits), "phases": 3}
    frame["frequency_hz"] = float(dss.Solution.Frequency())
    try:
        document = frame | ThreePhaseReader(named, script.coordinates).network()
        worst, _ = compared(document, named)
        if worst < EXACT_PU:
            return document, [*notices, _agreement(worst)]
    except Unlike:
        pass
    except FeederError as error:
        if "agree" not in str(error) and "converge" not in str(error):
            raise
    reader = CircuitReader(named, script.coordinates)
    document = with_ungrounded(frame | reader.network())
    worst, where = compared(document, named)
    if not worst < REFUSED_PU:
        raise FeederError(
            f"{named}: its flow differs from OpenDSS's by {worst:.1e} pu at {where}, so it is not imported; "
            "an element there is not represented"
        )
    return document, [*notices, *reader.notices, _agreement(worst)]


def _agreement(worst: float) -> str:
    return f"agrees with OpenDSS within {worst:.1e} pu, without injections and with three random ones"


def _forbid() -> None:
    """A second wall; the first is that no script's line reaches OpenDSS."""
    dss.Basic.AllowForms(False)
    dss.Basic.AllowEditor(False)
    dss.Basic.AllowChangeDir(False)
    dss.Basic.AllowDOScmd(False)


def _properties() -> dict[str, tuple[str, ...]]:
    """Properties of every class in OpenDSS's own order."""
    interface = DSS._api_util
    text = interface.ffi.string(interface.lib.DSS_ExtractSchema(interface.ctx, 0))
    return {
        kind["name"].lower(): tuple(row["name"] for row in kind["properties"])
        for kind in json.loads(text)["classes"]
    }


def _build(script: Script, named: str) -> None:
    dss.Text.Command("clearall")
    for command in script.commands:
        try:
            try:
                dss.Text.Command(command.text)
            except dss.DSSException as error:
                if error.args[0] != _DEFINED_TWICE:
                    raise
                dss.Text.Command(command.text.replace("New ", "Edit ", 1))
                script.left_out["an element defined twice: the later definition holds"] += 1
        except dss.DSSException as error:
            raise FeederError(f"{command.where}: OpenDSS says: {_said(error)}") from None
    if not dss.Basic.NumCircuits():
        raise FeederError(f"{named}: defines no circuit")


def _solve(named: str, control: str) -> None:
    """Solve as the script leaves it, or with its controls acting once more; then freeze them."""
    try:
        dss.Text.Command("set mode=snapshot")
        if control == "solved":
            dss.Text.Command("set controlmode=static maxcontroliter=200")
            dss.Text.Command("solve")
            if not dss.Solution.Converged():
                raise FeederError(
                    f"{named}: its controls do not come to rest in OpenDSS; take them as stated"
                )
        dss.Text.Command(f"set controlmode=off tolerance={_TOLERANCE} maxiterations={_ITERATIONS}")
        dss.Text.Command("solve")
    except dss.DSSException as error:
        raise FeederError(f"{named}: OpenDSS says: {_said(error)}") from None
    volts = np.array(dss.Circuit.AllBusMagPu())
    if not dss.Solution.Converged() or not np.isfinite(volts).all():
        raise FeederError(f"{named}: OpenDSS itself finds no power flow for this circuit")


def _said(error: Exception) -> str:
    """The line of an error that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for k, line in enumerate(lines):
        if line.startswith("Error Description") and k + 1 < len(lines):
            return lines[k + 1]
    return lines[0] if lines else "an error"
