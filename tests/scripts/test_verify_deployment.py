"""A deployment's code is compared with this version's, and what a verifier asks for is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.chain import load_artifact, open_network
from peerwatt.chain.nodes import LocalNode
from peerwatt.cli.exit_codes import ExitCode
from peerwatt.errors import InputError
from peerwatt.replay.founding import deploy_scenario
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.loading import load_scenario
from verify_deployment import standard_json

ROOT = Path(__file__).resolve().parents[2]


def test_other_code_and_no_code_are_told_from_this_versions(tmp_path: Path) -> None:
    scenario = load_scenario("brooklyn-10")
    node = LocalNode("anvil", 1_466_035_200)
    try:
        with open_network(node.url) as network:
            made = deploy_scenario(network, scenario, PilotKeys(1))
        addresses = dict(made.addresses)
        addresses["Auction"], addresses["GridGate"] = made.addresses["GridGate"], made.deployer or ""
        replace(made, addresses=addresses).save(tmp_path / "d.json")
        found = subprocess.run(
            [sys.executable, "scripts/verify_deployment.py", tmp_path / "d.json", "--out", tmp_path / "out"],
            cwd=ROOT,
            env={**os.environ, "ETH_RPC_URL": node.url},
            capture_output=True,
            text=True,
        )
    finally:
        node.close()
    assert found.returncode == ExitCode.VERDICT, found.stderr
    said = {line.split()[0]: line.split("  ")[-1] for line in found.stdout.splitlines()[:-1]}
    assert said.pop("Auction") == "other code"
    assert said.pop("GridGate") == "no code"
    assert set(said.values()) == {"this version's code"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"{name}.{kind}" for name in made.creations for kind in ("json", "arguments")
    }
    market = json.loads((tmp_path / "out" / "EnergyMarket.json").read_text())
    assert "contracts/libraries/TickBook.sol" in market["sources"]


def test_sources_of_another_version_are_not_handed_out_as_this_ones() -> None:
    artifact = load_artifact("GridGate")
    metadata = json.loads(artifact.metadata)
    metadata["sources"][artifact.source]["keccak256"] = "0x" + "00" * 32
    with pytest.raises(InputError, match=r"GridGate.sol: not the source that GridGate was compiled"):
        standard_json(replace(artifact, metadata=json.dumps(metadata)))
