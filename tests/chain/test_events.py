"""Events are asked for a bounded range of blocks at a time, each once, and no further than they are taken."""

import pytest

from peerwatt.chain import Artifact, Sender, deploy, events_since
from tests.chain.narrow_endpoint import narrow_endpoint

FAR = 2**40
BLOCKS = 3


def test_events_are_found_through_an_endpoint_that_searches_few_blocks_at_once(
    sender: Sender, doorman: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, contract = sender.network, deploy(sender, doorman, True).contract
    since = int(network.web3.eth.block_number) + 1
    for _ in range(2 * BLOCKS + 1):
        sender.send(contract.functions.enter(FAR))
    with narrow_endpoint(network, BLOCKS, monkeypatch) as asked:
        found = [event["blockNumber"] for event in events_since(contract.events.Entered(), since)]
        assert found == list(range(since, since + 2 * BLOCKS + 1))
        assert asked == [BLOCKS, BLOCKS, 1]
        first = next(events_since(contract.events.Entered(), since))
        assert (first["blockNumber"], len(asked)) == (since, 4)
        assert list(events_since(contract.events.Entered(), since + 2 * BLOCKS + 1)) == []
