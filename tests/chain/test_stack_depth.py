"""A text of a million brackets is an error, and not the end of the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import json, threading
{imported}
def read():
    try:
        json.loads("[" * 1_000_000)
    except RecursionError:
        print("refused")
read()
other = threading.Thread(target=read)
other.start()
other.join()
"""


@pytest.mark.parametrize(
    "imported",
    [
        "import peerwatt.chain",
        "import peerwatt.chain.embedded",
        "from peerwatt.chain import open_network; open_network('eth-tester').close()",
    ],
)
def test_deep_json_raises_whatever_is_imported(imported: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CODE.format(imported=imported)], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["refused"] * 2
