"""The Solidity tests: libraries against naive twins, and invariants over random acts of everybody."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORGE = ROOT / "node_modules" / ".bin" / "forge"


@pytest.mark.skipif(
    shutil.which("node") is None or not FORGE.exists(), reason="needs Node 20 and `npm ci` for forge"
)
def test_forge_suite_passes() -> None:
    result = subprocess.run(
        [str(FORGE), "test", "--offline"],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
    assert "test suites" in result.stdout
