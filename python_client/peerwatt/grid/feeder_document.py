"""From a feeder's parsed document to a checked `Feeder`."""

from __future__ import annotations

import json
import math
from typing import Any

from numpy.typing import NDArray
from power_grid_model.errors import PowerGridError  # type: ignore[attr-defined]
from power_grid_model.utils import json_deserialize  # type: ignore[attr-defined]

from peerwatt.grid.circuit_document import check_circuit, circuit_tables
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Band, Feeder, Limits
from peerwatt.grid.feeder_checks import check_data, check_document


def feeder_from_document(document: Any, origin: str = "feeder") -> Feeder:
    """Build a feeder from its parsed document.

    Args:
        document: What the JSON file holds.
        origin: Named in errors.

    Raises:
        FeederError: The document cannot be used; the message names the element.
    """
    check_document(document, origin)
    limits = document["limits"]
    feeder = Feeder(
        name=document["name"],
        limits=Limits(
            float(limits["v_min_pu"]),
            float(limits["v_max_pu"]),
            float(limits["loading_max_percent"]),
            str(limits.get("source", "")),
            tuple(Band(**{key: float(x) for key, x in band.items()}) for band in limits.get("bands", ())),
            float(limits.get("unbalance_max_percent", math.inf)),
            float(limits.get("reverse_flow_max_w", math.inf)),
        ),
        document=document,
        data=_tables(document, origin),
        names={int(key): value for key, value in document["names"].items()},
    )
    check_data(feeder, origin)
    return feeder


def _tables(document: Any, origin: str) -> dict[str, NDArray[Any]]:
    if "circuit" in document:
        check_circuit(document, origin)
        return circuit_tables(document)
    try:
        data = json_deserialize(json.dumps(document["power_grid_model"]))
    except (PowerGridError, ValueError, KeyError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise FeederError(f'{origin}: "power_grid_model" is not power-grid-model input: {reason}') from None
    return {str(getattr(kind, "value", kind)): table for kind, table in data.items()}
