"""Brownie in its own environment, on a Ganache of the test's own, with a home of the test's own."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from peerwatt.chain import LOCAL_CHAIN_ID
from peerwatt.chain.nodes import LocalNode

ROOT = Path(__file__).resolve().parents[2]
BROWNIE = ROOT / ".venv-brownie" / "bin" / "brownie"
NETWORK = "peerwatt-test"


@dataclass(frozen=True)
class Brownie:
    """Brownie with one network registered.

    Attributes:
        home: where it keeps its settings.
        url: address of the network.
    """

    home: Path
    url: str

    def run(self, script: str, *arguments: str, project: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """`brownie run SCRIPT main ARGUMENTS...` in `project` on the registered network."""
        return self.command("run", script, "main", *arguments, "--network", NETWORK, project=project)

    def command(self, *arguments: str, project: Path) -> subprocess.CompletedProcess[str]:
        """Any brownie command; standard output and error come back together."""
        environment = {
            **os.environ,
            "HOME": str(self.home),
            "SOLCX_BINARY_PATH": str(ROOT / "scripts" / "compiler"),
            "NO_COLOR": "1",
        }
        return subprocess.run(
            [str(BROWNIE), *arguments],
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(scope="session")
def ganache() -> Iterator[LocalNode]:
    """A Ganache that mines by itself, as a developer would start it."""
    node = LocalNode("ganache", 1_466_380_800)
    yield node
    node.close()


@pytest.fixture(scope="session")
def brownie(ganache: LocalNode, tmp_path_factory: pytest.TempPathFactory) -> Brownie:
    """Brownie, with that Ganache as its network."""
    assert BROWNIE.exists(), "Brownie is not installed: `make test` installs it into .venv-brownie"
    home = tmp_path_factory.mktemp("brownie-home")
    installed = Brownie(home, ganache.url)
    added = installed.command(
        "networks",
        "add",
        "Peerwatt",
        NETWORK,
        f"host={ganache.url}",
        f"chainid={LOCAL_CHAIN_ID}",
        project=home,
    )
    assert added.returncode == 0, added.stdout
    return installed
