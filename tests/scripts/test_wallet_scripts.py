"""The scripts for a node of one's own end as docs/exit-codes.md says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import peerwatt
from peerwatt.chain.nodes import LocalNode
from tests.scripts.conftest import ROOT


@pytest.fixture
def node() -> Iterator[LocalNode]:
    """An Anvil as a developer would start it."""
    started = LocalNode("anvil", 1_466_380_800)
    yield started
    started.close()


def test_an_order_that_the_market_skips_ends_with_2_and_says_what_to_do(
    node: LocalNode, tmp_path: Path
) -> None:
    def script(line: str) -> subprocess.CompletedProcess[str]:
        name, *arguments = line.split()
        return subprocess.run(
            [sys.executable, str(ROOT / "scripts" / name), *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "ETH_RPC_URL": node.url,
                "PYTHONPATH": str(Path(peerwatt.__file__).parents[1]),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    assert script("deploy.py").returncode == 0
    refused = script("wallet_order.py bakery")
    assert (refused.returncode, refused.stdout) == (2, "")
    said = re.fullmatch(
        r"error: bakery: the market skipped the order for interval \d+: below margin; pay in what lacks: "
        r"python scripts/(wallet_deposit\.py bakery [\d.]+)\n",
        refused.stderr,
    )
    assert said, refused.stderr
    assert script(said[1]).returncode == 0
    posted = script("wallet_order.py bakery")
    assert posted.returncode == 0, posted.stderr
    assert "posted for interval" in posted.stdout
