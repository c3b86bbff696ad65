"""The eight switches that span the peer-to-peer markets of the literature.

Every value has its place in the schema; a value that this version cannot replay is refused by name, with the
values that it can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from peerwatt.market.pricing import Pricing

PRICING: Final[Mapping[str, Pricing]] = {
    "uniform": Pricing.UNIFORM,
    "pay_as_bid": Pricing.PAY_AS_BID,
    "mcafee": Pricing.MCAFEE,
    "mid_market": Pricing.MID_MARKET_RATE,
    "sdr": Pricing.SUPPLY_DEMAND_RATIO,
    "fixed": Pricing.FIXED,
}
"""The market contract's rule by the value of the price switch."""

SUPPORTED: Final[Mapping[str, tuple[str | int, ...]]] = {
    "match": ("double_auction",),
    "price": tuple(PRICING),
    "horizon_intervals": (1,),
    "prefer": ("none",),
    "residual": ("supplier",),
    "grid": ("gate",),
    "money": ("escrow",),
    "fees": ("per_kwh",),
}
"""What this version replays, by switch."""


class Switches(BaseModel):
    """Which market this is."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    match: Literal["double_auction", "cda", "posted", "preference", "bilateral", "pool", "nested", "none"] = (
        Field(description="How bids meet asks.")
    )
    price: Literal[
        "uniform",
        "pay_as_bid",
        "mcafee",
        "mid_market",
        "sdr",
        "bill_share",
        "fixed",
        "posted",
        "coin",
        "dual",
    ] = Field(description="How the price of a trade is found.")
    horizon_intervals: int = Field(
        ge=1, description="How many intervals one auction covers, each of interval_length_s."
    )
    prefer: Literal["none", "zone", "distance", "source", "partners"] = Field(
        description="What a home prefers in the other side, beyond the price."
    )
    residual: Literal["retailer", "supplier", "none"] = Field(
        description="Who delivers and takes what was not traded; none is an island."
    )
    grid: Literal[
        "off", "gate", "fees_by_zone", "fees_by_distance", "fees_by_loss", "flexibility_request"
    ] = Field(description="What the grid has to say about a trade.")
    money: Literal["escrow", "prepaid", "postpaid", "stable_token", "minted_coin", "donation"] = Field(
        description="How trades are paid."
    )
    fees: Literal["per_kwh", "per_month", "share"] = Field(
        description="How the market and the grid are paid."
    )


def unsupported(switches: Switches) -> dict[str, str]:
    """Messages by switch for the values that this version cannot replay."""
    return {
        name: f"{getattr(switches, name)!r} cannot be replayed by this version; "
        f"supported: {', '.join(map(str, values))}"
        for name, values in SUPPORTED.items()
        if getattr(switches, name) not in values
    }
