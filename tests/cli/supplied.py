"""A market on an Anvil as a developer would start it, whose operator proposes a tariff to the supplier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from peerwatt.chain.nodes import LocalNode
from peerwatt.market.market_rules import Tariff
from peerwatt.replay.founding import ETHER_PER_KEY
from peerwatt.roles.operator import Operator
from tests.client.conftest import FIRST, LENGTH, SmallMarket, open_small_market

FIRST_OF_TARIFF, PROPOSED = 4_000_000_000, Tariff(300, 80, 15)


@contextmanager
def supplied_market(folder: Path) -> Iterator[tuple[SmallMarket, list[str]]]:
    """The market, and the options that name it."""
    with (
        closing(LocalNode("anvil", FIRST * LENGTH - 86_400)) as node,
        open_small_market(node.url) as market,
    ):
        market.network.fund({market.keys.system_wallet(0).address: ETHER_PER_KEY})
        operator = Operator(market.client)
        operator.propose_tariff(FIRST_OF_TARIFF, PROPOSED)
        operator.step(0)
        folder.mkdir(exist_ok=True)
        market.deployment.save(folder / "deployment.json")
        yield market, ["--deployment", str(folder / "deployment.json"), "--chain", node.url]


def send_tokens_to_the_supplier(market: SmallMarket, amount: int) -> None:
    """Print local tokens for the supplier's wallet."""
    mint = market.client.payment_token.functions.mint
    market.client.sender.send(mint(market.keys.system_wallet(0).address, amount))
