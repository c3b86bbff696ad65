"""`peerwatt settle` on a node: who has ether and the deployment file settles, and is told what waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from web3.types import RPCEndpoint

from peerwatt.chain.keystore_files import create_keystore
from peerwatt.chain.rpc import RpcNetwork
from peerwatt.replay.founding import ETHER_PER_KEY
from tests.cli.conftest import Here
from tests.client.conftest import CONFIG, FIRST, SmallMarket, open_small_market


@pytest.fixture
def posted(tmp_path: Path) -> Iterator[tuple[SmallMarket, list[str]]]:
    """An order is in the book, and no database knows it; the options that name the market."""
    with open_small_market("anvil") as small:
        network = small.network
        assert isinstance(network, RpcNetwork)
        network.advance_to(CONFIG.gate_closure(FIRST) - 100)
        small.client.post(FIRST, small.orders(FIRST, 500)[:1])
        small.deployment.save(tmp_path / "deployment.json")
        yield small, ["--chain", network.url, "--deployment", str(tmp_path / "deployment.json")]


def mine_by_itself(small: SmallMarket) -> None:
    """From now on the node does, as a public chain."""
    small.network.web3.provider.make_request(RPCEndpoint("evm_setAutomine"), [True])


def test_a_stranger_settles_with_a_key_that_has_nothing_but_ether(
    posted: tuple[SmallMarket, list[str]], tmp_path: Path, here: Here
) -> None:
    small, options = posted
    (tmp_path / "password").write_text("geheim\n")
    key = create_keystore(tmp_path / "key.json", "geheim")
    small.network.fund({key.address: ETHER_PER_KEY})
    small.network.advance_to(CONFIG.readings_deadline(FIRST))
    mine_by_itself(small)
    told = here("settle", *options, "--json")
    assert [each["step"] for each in json.loads(told.stdout)] == ["due"]

    own = ["--keystore", str(tmp_path / "key.json"), "--password-file", str(tmp_path / "password")]
    done = here("settle", *options, *own)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"interval {FIRST}: cleared",
        f"interval {FIRST}: expired",
        f"interval {FIRST}, batch 0: settled",
    ]
    assert here("settle", *options).stdout == "the market: nothing is left to settle\n"


def test_what_waits_is_said_with_its_time(posted: tuple[SmallMarket, list[str]], here: Here) -> None:
    _, options = posted
    told = here("settle", *options, "--interval", str(FIRST))
    assert (told.returncode, told.stderr) == (0, "")
    [line] = told.stdout.splitlines()
    assert line.startswith(f"interval {FIRST}: not before 2015-")
    assert here("settle", *options, "--interval", "7").stdout == "interval 7: nothing is left to settle\n"


def test_a_key_without_ether_gets_one_line(
    posted: tuple[SmallMarket, list[str]], tmp_path: Path, here: Here
) -> None:
    small, options = posted
    (tmp_path / "password").write_text("geheim\n")
    create_keystore(tmp_path / "key.json", "geheim")
    small.network.advance_to(CONFIG.readings_deadline(FIRST))
    mine_by_itself(small)
    own = ["--keystore", str(tmp_path / "key.json"), "--password-file", str(tmp_path / "password")]
    refused = here("settle", *options, *own)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert "Traceback" not in refused.stderr
