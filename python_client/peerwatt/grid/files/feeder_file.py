"""The canonical feeder file: JSON, read and checked, written so that a diff can be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peerwatt.errors import InputError
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.feeder_solves import check_solves
from peerwatt.tables.json_text import load_json
from peerwatt.tables.text_of_file import read_text


def load_feeder(path: str | Path) -> Feeder:
    """Read and check a canonical feeder file.

    Args:
        path: The JSON file.

    Returns:
        The feeder: connected, named, limited, and solved once.

    Raises:
        FeederError: The file is missing or not JSON, or an element of it cannot be used; named in the
            message.
    """
    try:
        document = load_json(read_text(Path(path)).text)
    except json.JSONDecodeError as error:
        raise FeederError(f"{path}: not JSON: {error}") from None
    except InputError as error:
        raise FeederError(f"{path}: {error}") from None
    feeder = feeder_from_document(document, str(path))
    check_solves(feeder, str(path))
    return feeder


def write_feeder(document: Mapping[str, Any], path: str | Path) -> Feeder:
    """Write a feeder document, one element per line, after checking it.

    Args:
        document: As `feeder_from_document` takes it.
        path: Where to.

    Returns:
        The feeder that the file now holds.
    """
    feeder = feeder_from_document(json.loads(json.dumps(document)), str(path))
    Path(path).write_text(render_document(feeder.document), encoding="utf-8")
    return feeder


def render_document(document: Mapping[str, Any]) -> str:
    """The document as text that a diff can be read of: one element of the network per line."""
    parts = []
    for key, value in document.items():
        if key == "power_grid_model":
            tables = [
                f"   {json.dumps(kind)}: [\n    "
                + ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in rows)
                + "\n   ]"
                for kind, rows in value["data"].items()
            ]
            head = {k: v for k, v in value.items() if k != "data"}
            text = json.dumps(head)[:-1] + ', "data": {\n' + ",\n".join(tables) + "\n  }}"
        elif key in ("names", "coordinates"):
            rows = [f"   {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items()]
            text = "{\n" + ",\n".join(rows) + "\n  }"
        else:
            text = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n  ")
        parts.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
