"""What a replay found out about one household: its intervals, its bill line by line, and its registers.

Units as in `peerwatt.record.results`. A bill and its lines have one sign, the household's: **positive is what
it pays**, negative what it is paid. `cash` is no line of a bill but the change of an account, as the chain
books it: positive is what the account received.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class SettlementResult:
    """One participant's interval: what stood of its order, what its meter counted, what it gained."""

    interval: int
    participant: str
    accepted_sell_wh: int
    accepted_buy_wh: int
    imported_wh: int
    exported_wh: int
    own_wh: int
    curtailed_wh: int
    loss_wh: int
    network_charge: int
    """Paid for the network, base units."""
    loss_cost: int
    """Paid for the losses, base units."""
    paid_surplus_wh: int
    """Exported beyond the accepted sale and paid at the feed-in tariff."""
    export_limit_wh: int | None
    """Most that might be fed in, traded or not, in a constrained grid; None where everything might."""
    without_market_wh: int
    """What the same home would have fed in without a market on the same feeder."""
    cash: int
    """Change of the account on chain, + received; 0 where the supplier billed outside the contract."""
    on_market: bool = True
    """False where no order stood: the supplier billed both registers at the tariff, outside the contract."""

    @property
    def unpaid_surplus_wh(self) -> int:
        """Exported beyond the accepted sale and not paid, since it was beyond what was allowed."""
        return self.exported_wh - min(self.accepted_sell_wh, self.exported_wh) - self.paid_surplus_wh


@dataclass(frozen=True)
class BillLines:
    """A bill's lines, base units: positive is what the household pays, negative what it is paid."""

    peer_sales: int
    peer_purchases: int
    network_fee: int
    shortfall: int
    """Sold and not delivered, bought back at the retail tariff."""
    unused: int
    """Bought and not consumed, handed on at the feed-in tariff."""
    feed_in: int
    retail: int
    losses: int
    community: int = 0
    """Paid back by the community's account, once all intervals are settled."""

    @property
    def total(self) -> int:
        """The bill: what the household pays in all."""
        return sum(getattr(self, line.name) for line in fields(self))

    @property
    def to_peers(self) -> int:
        """What passes to other households through the community's account."""
        return self.peer_sales + self.peer_purchases + self.community

    @property
    def to_grid_operator(self) -> int:
        """What the grid operator receives."""
        return self.network_fee + self.losses

    @property
    def to_supplier(self) -> int:
        """What the supplier receives."""
        return self.shortfall + self.unused + self.feed_in + self.retail

    def __neg__(self) -> BillLines:
        """Line by line, to take away."""
        return BillLines(**{f.name: -getattr(self, f.name) for f in fields(self)})

    def __add__(self, other: BillLines) -> BillLines:
        """Line by line."""
        return BillLines(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


NO_LINES = BillLines(0, 0, 0, 0, 0, 0, 0, 0)
"""An empty bill, to sum from."""


@dataclass(frozen=True)
class ParticipantResult:
    """One household's day: its registers, its bill line by line, and the bill without the market.

    Make it from the settlements with `peerwatt.record.bills.participant_result`.
    """

    participant: str
    kind: str
    node: str
    imported_wh: int
    exported_wh: int
    own_wh: int
    bought_from_neighbours_wh: int
    sold_to_neighbours_wh: int
    unpaid_surplus_wh: int
    """Exported beyond the trade, in a constrained grid, and beyond what was allowed there."""
    curtailed_wh: int
    loss_share_wh: int
    without_market_wh: int
    """What it would have fed in without a market on the same feeder."""
    lines: BillLines
    without_market_retail: int
    """The import register at the retail tariff."""
    without_market_feed_in: int
    """What would have been fed in without a market, at the feed-in tariff; negative, for it is paid."""
    forecast_error_cost: int
    """What it cost that meters differed from trades; see `peerwatt.record.bills.forecast_error_cost`."""

    @property
    def bought_at_tariff_wh(self) -> int:
        """Imported beyond what was bought from neighbours."""
        return self.imported_wh - self.bought_from_neighbours_wh

    @property
    def sold_at_tariff_wh(self) -> int:
        """Exported beyond what was sold to neighbours, and paid."""
        return self.exported_wh - self.sold_to_neighbours_wh - self.unpaid_surplus_wh

    @property
    def demand_wh(self) -> int:
        """What the home consumed."""
        return self.own_wh + self.imported_wh

    @property
    def production_wh(self) -> int:
        """What its generators fed into the home or the grid."""
        return self.own_wh + self.exported_wh

    @property
    def bill_market(self) -> int:
        """What the household owes for the period with the market; negative when it is paid."""
        return self.lines.total

    @property
    def bill_without_market(self) -> int:
        """What the same home would have paid without a market on the same feeder."""
        return self.without_market_retail + self.without_market_feed_in

    @property
    def saving(self) -> int:
        """How much lower the bill is with the market."""
        return self.bill_without_market - self.bill_market

    @property
    def loses(self) -> bool:
        """Whether it pays more than without a market, and not because its forecasts missed."""
        return self.saving + self.forecast_error_cost < 0

    @property
    def self_sufficiency(self) -> float | None:
        """Self-consumed over demanded; None, not zero, for a home without generation."""
        if self.production_wh == 0 or self.demand_wh == 0:
            return None
        return self.own_wh / self.demand_wh

    @property
    def self_consumption(self) -> float | None:
        """Self-consumed over produced; None for a home without generation."""
        return self.own_wh / self.production_wh if self.production_wh else None
