"""Ganache and Anvil, started by this program on a free port and ended with it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import requests

from peerwatt.chain.endpoint import session_for
from peerwatt.chain.errors import NodeMissing, UnreachableChain
from peerwatt.chain.network import BLOCK_GAS_LIMIT, LOCAL_CHAIN_ID

NODES = ("ganache", "anvil")
# Ether of the node's development account, from which demonstration accounts are funded.
DEVELOPMENT_ETHER = 1_000_000
# How far back a node can be asked what a contract held: as far as full nodes of the main network.
STATES_KEPT = 128
START_SECONDS = 60.0
START_ATTEMPTS = 3


class LocalNode:
    """A node process of our own.

    Attributes:
        kind: `ganache` or `anvil`.
        url: where it answers.
        process_id: of the process that guards the node and ends with it.
    """

    def __init__(self, kind: str, genesis_time: int, hardfork: str = "shanghai") -> None:
        """Start the node and wait until it answers.

        Args:
            kind: `ganache` or `anvil`.
            genesis_time: timestamp of block 0, s since the epoch.
            hardfork: rules of the EVM.

        Raises:
            NodeMissing: Node or the npm package is not installed.
            UnreachableChain: the node ended or stayed silent.
        """
        executable = _executable(kind)
        self.kind = kind
        for attempt in range(START_ATTEMPTS):
            port = _free_port()
            self.url = f"http://127.0.0.1:{port}"
            self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the node)
            command = [executable, *_arguments(kind, port, genesis_time, hardfork)]
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("node_guard.py")), *command],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.process_id = self._process.pid
            try:
                self._wait_until_answering()
                return
            except BaseException as error:
                said = self._last_words()
                self.close()
                # Another program may have taken the port between our look at it and the node's.
                if (
                    isinstance(error, UnreachableChain)
                    and "in use" in said.lower()
                    and attempt + 1 < START_ATTEMPTS
                ):
                    continue
                raise

    def close(self) -> None:
        """End the node and wait for it. May be called twice."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process.wait()
        self._log.close()

    def _wait_until_answering(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        question = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
        with session_for(self.url) as session:
            while time.monotonic() < deadline:
                if self._process.poll() is not None:
                    raise UnreachableChain(
                        f"{self.kind} at {self.url}", f"it ended at once: {self._last_words()}"
                    )
                try:
                    if session.post(self.url, json=question, timeout=5).ok:
                        return
                except requests.RequestException:
                    time.sleep(0.02)
        raise UnreachableChain(f"{self.kind} at {self.url}", f"no answer within {START_SECONDS:.0f} s")

    def _last_words(self) -> str:
        """The end of what the node printed, on one line."""
        self._log.seek(0)
        return " ".join(self._log.read().decode(errors="replace").split())[-300:]


def _executable(kind: str) -> str:
    """Path of the node's command in node_modules of the working directory, of a parent, or of the checkout.

    Raises:
        NodeMissing: it is not there, or Node itself is missing.
    """
    if shutil.which("node") is None:
        raise NodeMissing(
            f"{kind} needs Node, which is not installed: install Node 20, or use --chain eth-tester"
        )
    here = Path.cwd()
    for folder in (here, *here.parents, *Path(__file__).resolve().parents):
        path = folder / "node_modules" / ".bin" / kind
        if path.exists():
            return str(path)
    raise NodeMissing(
        f"{kind} is not installed (no node_modules/.bin/{kind} in {here} or above): run `npm install` in the "
        "repository, or use --chain eth-tester"
    )


def _free_port() -> int:
    """A TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _arguments(kind: str, port: int, genesis_time: int, hardfork: str) -> list[str]:
    """Command line of the node: our chain id, gas limit and genesis time, one rich development account."""
    if kind == "ganache":
        return [
            "--server.host=127.0.0.1",
            f"--server.port={port}",
            f"--chain.chainId={LOCAL_CHAIN_ID}",
            f"--chain.networkId={LOCAL_CHAIN_ID}",
            f"--chain.hardfork={hardfork}",
            f"--chain.time={datetime.fromtimestamp(genesis_time, UTC).isoformat()}",
            f"--miner.blockGasLimit={BLOCK_GAS_LIMIT}",
            f"--miner.callGasLimit={BLOCK_GAS_LIMIT}",
            "--wallet.totalAccounts=1",
            f"--wallet.defaultBalance={DEVELOPMENT_ETHER}",
            "--wallet.deterministic",
            "--logging.quiet",
        ]
    return [
        "--host=127.0.0.1",
        f"--port={port}",
        f"--chain-id={LOCAL_CHAIN_ID}",
        f"--hardfork={hardfork}",
        f"--timestamp={genesis_time}",
        f"--gas-limit={BLOCK_GAS_LIMIT}",
        "--block-base-fee-per-gas=0",
        # Each block's whole state would stay on the disk, also after the end: gigabytes for a week.
        f"--prune-history={STATES_KEPT}",
        "--accounts=1",
        f"--balance={DEVELOPMENT_ETHER}",
        "--silent",
    ]
