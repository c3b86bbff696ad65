"""A node that was started here ends with whoever started it, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from peerwatt.chain import open_network
from peerwatt.chain.rpc import RpcNetwork

PATIENCE_SECONDS = 20.0

FAILING_PROGRAM = """
import sys
from peerwatt.chain import open_network
network = open_network(sys.argv[1])
print(network.web3.provider.endpoint_uri, flush=True)
if sys.argv[2] == "raise":
    raise RuntimeError("on purpose")
sys.stdin.read()
"""


def answers(url: str) -> bool:
    """Whether a chain is reachable at `url`."""
    try:
        open_network(url).close()
    except Exception:
        return False
    return True


def goes_silent(url: str) -> bool:
    """Whether nothing answers at `url`, now or soon."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while answers(url):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("kind", ["ganache", "anvil"])
def test_node_ends_when_the_block_is_left_by_an_error(kind: str) -> None:
    urls = []

    def fail_inside() -> None:
        with open_network(kind) as network:
            assert isinstance(network, RpcNetwork)
            urls.append(network.url)
            assert answers(network.url)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail_inside()
    assert goes_silent(urls[0])


@pytest.mark.parametrize("kind", ["ganache", "anvil"])
@pytest.mark.parametrize("end", ["raise", "kill"])
def test_node_ends_with_a_program_that_never_closed_it(kind: str, end: str) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", FAILING_PROGRAM, kind, end],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parent,
    )
    assert program.stdout is not None
    assert program.stdin is not None
    url = program.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")
    if end == "kill":
        assert answers(url)
        os.kill(program.pid, signal.SIGKILL)
    program.wait()
    program.stdin.close()
    program.stdout.close()
    assert goes_silent(url)
