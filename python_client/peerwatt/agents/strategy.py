"""How a home bids: zero-intelligence-constrained limit prices between the feed-in and the retail tariff.

A home that expects a surplus sells it, one that expects a deficit buys it. Limit prices are uniform draws
that never lose against the grid tariff (Gode and Sunder, "Allocative Efficiency of Markets with
Zero-Intelligence Traders", Journal of Political Economy 101(1), 1993, the constrained ones): a seller asks
at least the feed-in tariff, a buyer pays, network fee included, at most the retail tariff. The quantity is
split over a few steps, so that the merit order has a shape. Nothing is learnt and nothing is remembered.
"""

from dataclasses import dataclass

from peerwatt.agents.draws import uniform
from peerwatt.agents.forecast import Forecast
from peerwatt.errors import InputError
from peerwatt.messages.order import Order, Step
from peerwatt.messages.vocabulary import MAX_STEP_QUANTITY, MAX_STEPS, TICKS, Side


@dataclass(frozen=True)
class PriceBand:
    """The ticks a home may bid at, both included."""

    lowest: int
    highest: int


@dataclass(frozen=True)
class Connection:
    """What a connection carries in one interval, Wh."""

    import_wh: int
    export_wh: int


def price_band(base_price: int, tick_size: int, feed_in: int, retail: int, network_fee: int) -> PriceBand:
    """The ticks between the feed-in tariff and the retail tariff less the network fee.

    Args:
        base_price: price of tick 0, base units per Wh.
        tick_size: step between two ticks, base units per Wh.
        feed_in: feed-in tariff, base units per Wh.
        retail: retail tariff, base units per Wh.
        network_fee: what a buyer pays on top of a peer price, base units per Wh.

    Raises:
        InputError: no tick lies between them.
    """
    lowest = max(0, -((base_price - feed_in) // tick_size))
    highest = min(TICKS - 1, (retail - network_fee - base_price) // tick_size)
    if lowest > highest:
        raise InputError(
            f"no price between the feed-in tariff {feed_in} and the retail tariff less network fee "
            f"{retail - network_fee} (base units per Wh) is a tick: change base_price or tick_size"
        )
    return PriceBand(lowest, highest)


def bid(
    forecast: Forecast,
    band: PriceBand,
    connection: Connection,
    most_steps: int,
    seed: int,
    participant: str,
    account: int,
    scenario_interval: int,
    interval: int,
) -> Order | None:
    """The order of one home for one interval, or None where it expects to exchange nothing.

    Args:
        forecast: what it expects.
        band: from `price_band`.
        connection: quantities stay within it; the contract would skip the order otherwise.
        most_steps: 1..8; how many are used is drawn too.
        seed: of the replay.
        participant: id, a label of the draws.
        scenario_interval: number of the interval in the scenario, a label of the draws.
        account: account index, for the order.
        interval: its number on chain, for the order; the same unless the chain's clock is another.
    """
    net = forecast.net_import_wh
    side = Side.BUY if net > 0 else Side.SELL
    limit = connection.import_wh if net > 0 else connection.export_wh
    quantity = min(abs(net), limit, MAX_STEP_QUANTITY)
    if quantity == 0:
        return None
    labels = (seed, "bid", participant, scenario_interval)
    steps = min(uniform(1, min(most_steps, MAX_STEPS), *labels, "steps"), quantity)
    wanted: dict[int, int] = {}
    for k in range(steps):
        tick = uniform(band.lowest, band.highest, *labels, "tick", k)
        share = quantity * (k + 1) // steps - quantity * k // steps
        wanted[tick] = wanted.get(tick, 0) + share
    return Order(
        interval=interval,
        participant=account,
        steps=tuple(Step(side=side, tick=tick, quantity=wanted[tick]) for tick in sorted(wanted)),
    )
