"""What a bidding strategy is: from what a home knows before gate closure to the steps of its order.

Each strategy is a small class in a file of its own; `peerwatt.agents.strategies` has them by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from peerwatt.agents.forecast import Forecast
from peerwatt.errors import InputError
from peerwatt.messages.order import Step
from peerwatt.messages.vocabulary import TICKS


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


@dataclass(frozen=True)
class Prices:
    """The prices that a home decides by, base units per Wh.

    Attributes:
        base_price: Price of tick 0.
        tick_size: Step between two ticks.
        retail: Retail tariff.
        feed_in: Feed-in tariff.
        seller_charge: Most that the network costs a seller on top of a peer price.
        buyer_charge: Most that the network costs a buyer.
    """

    base_price: int
    tick_size: int
    retail: int
    feed_in: int
    seller_charge: int
    buyer_charge: int

    @property
    def least_ask(self) -> int:
        """What a kWh earns at the feed-in tariff, and the charge that its sale would cost."""
        return self.feed_in + self.seller_charge

    @property
    def highest_bid(self) -> int:
        """What a kWh costs at the retail tariff, less the charge that its purchase costs."""
        return self.retail - self.buyer_charge

    def ask_tick(self, price: int) -> int:
        """The lowest tick at which a seller gets at least a price; above the ladder where none is."""
        return max(0, -((self.base_price - price) // self.tick_size))

    def bid_tick(self, price: int) -> int:
        """The highest tick at which a buyer pays at most a price; below 0 where none is."""
        return min(TICKS - 1, (price - self.base_price) // self.tick_size)

    @property
    def band(self) -> PriceBand:
        """The ticks at which no trade loses against the tariff, whatever it is charged for the network.

        Raises:
            InputError: There is none.
        """
        lowest, highest = self.ask_tick(self.least_ask), self.bid_tick(self.highest_bid)
        if lowest > highest:
            raise InputError(
                f"no price between the feed-in tariff and a seller's network charge, {self.least_ask}, and "
                f"the retail tariff less a buyer's, {self.highest_bid} (base units per Wh), is a tick: "
                "change base_price or tick_size"
            )
        return PriceBand(lowest, highest)


@dataclass(frozen=True)
class Outlook:
    """What a home knows of an interval when it orders.

    Attributes:
        forecast: What it expects.
        connection: Quantities stay within it; the contract would skip the order otherwise.
        seed: Of the replay.
        participant: Id, a label of draws.
        scenario_interval: Number of the interval in the scenario, a label of draws.
    """

    forecast: Forecast
    connection: Connection
    seed: int
    participant: str
    scenario_interval: int


class Strategy(Protocol):
    """How a home bids."""

    def steps(self, outlook: Outlook) -> tuple[Step, ...]:
        """The steps of its order, ascending by side and tick; none where it has nothing to offer."""
        ...
