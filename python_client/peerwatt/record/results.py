"""What a replay found out, as plain frozen records: the only thing the report and the export are made from.

Units everywhere: energy in Wh, money in base units (1e-6 of the currency), prices in base units per Wh
(1 base unit per Wh is 0.1 ct/kWh), voltages in pu of the nominal voltage, loadings in percent of the rating.
Nothing in here computes a market or a grid; what can be derived from the fields is a property, so that it
cannot contradict them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from peerwatt.record.household_results import ParticipantResult, SettlementResult
from peerwatt.verdict import Verdict

SideName = Literal["buy", "sell"]


@dataclass(frozen=True)
class IntervalResult:
    """One delivery interval of the whole community.

    `..._before` is the power flow of everything that was cleared and forecast, before the gate; `..._after`
    is the flow of what the verdict let stand, which the report promises; `..._metered` is the flow of what
    meters then counted. `own_wh + neighbours_wh + grid_wh` is what the homes consumed;
    `neighbours_wh + grid_wh` is what their meters imported.
    """

    interval: int
    start: str
    """First second of the interval, ISO 8601 with offset."""
    price: int | None
    """What buyers pay, on average where each pays its own bid; None where nothing traded."""
    sell_price: int | None
    """What sellers get, likewise; where there is one price for all, the same."""
    orders: int
    skipped: int
    bid_wh: int
    offered_wh: int
    traded_wh: int
    """What the auction matched."""
    accepted_wh: int
    """What the grid gate let stand of it."""
    verdict: Verdict
    own_wh: int
    """Produced and consumed behind the same meter."""
    neighbours_wh: int
    """Imported and bought from neighbours: the sum of min(accepted, imported)."""
    grid_wh: int
    """Imported beyond that, at the retail tariff."""
    surplus_wh: int
    """Exported beyond what was accepted as sold."""
    unpaid_wh: int
    """Exported beyond what was accepted as sold and beyond what was allowed besides."""
    curtailed_wh: int
    """Held back: generation that obeyed its limit and was not fed in."""
    without_market_curtailed_wh: int
    """What would have been held back without a market on the same feeder."""
    losses_wh: int
    """Grid losses charged to the accepted trades."""
    voltage_max_pu_before: float
    voltage_max_pu_after: float
    voltage_min_pu_before: float
    voltage_min_pu_after: float
    loading_max_percent_before: float
    loading_max_percent_after: float
    voltage_max_pu_metered: float | None
    """As the meters counted, solved again; None where what was metered has no power flow."""
    voltage_min_pu_metered: float | None
    loading_max_percent_metered: float | None
    beyond_limits_after: int
    """Limits that are broken after the gate: what no cut of exports mends."""
    beyond_limits_metered: int
    """Limits that were broken as the meters counted."""
    gas: int
    """Gas of every transaction of the interval, posting to settlement."""

    @property
    def cut_wh(self) -> int:
        """Traded, and not accepted by the gate."""
        return self.traded_wh - self.accepted_wh

    @property
    def unsold_wh(self) -> int:
        """Offered and not sold, for want of a buyer or because the gate cut it."""
        return self.offered_wh - self.accepted_wh

    @property
    def consumed_wh(self) -> int:
        """Demand of all homes."""
        return self.own_wh + self.neighbours_wh + self.grid_wh

    @property
    def imported_wh(self) -> int:
        """The meters' import registers, all homes together."""
        return self.neighbours_wh + self.grid_wh


@dataclass(frozen=True)
class OrderStepResult:
    """The life of one order step: its limit, its fill, what the gate left of it, or why it was skipped."""

    interval: int
    participant: str
    side: SideName
    price: int
    """The limit price."""
    quantity_wh: int
    filled_wh: int
    accepted_wh: int
    skipped: str = ""
    """The contract's reason (`BelowMargin`, …); empty where the order stood."""
    traded_at: int | None = None
    """What its accepted energy was paid at; None where none was."""


@dataclass(frozen=True)
class CurtailmentReason:
    """Why the gate cut one participant's trade: a code, a sentence, and the numbers behind it."""

    interval: int
    participant: str
    side: SideName
    filled_wh: int
    accepted_wh: int
    surplus_wh: int
    """Export beyond the trade that could not be carried either."""
    code: str
    """`overvoltage`, `undervoltage`, `line_loading`, `transformer_loading`, `unbalance`, `reverse_flow`."""
    element: str
    """The node, line or transformer that would have been outside its limit."""
    value: float
    limit: float
    unit: str
    """Of `value` and `limit`: `pu` or `percent`."""
    sentence: str


@dataclass(frozen=True)
class AccountResult:
    """The change of one account over the replay; the sum over all accounts is zero."""

    account: str
    cash: int
    energy_wh: int


@dataclass(frozen=True)
class NodeState:
    """One node of the feeder in the interval that the picture shows."""

    node: str
    x: float
    y: float
    voltage_pu_before: float
    voltage_pu_after: float
    participants: tuple[str, ...] = ()


@dataclass(frozen=True)
class BranchState:
    """One line or transformer of the feeder in the interval that the picture shows."""

    branch: str
    from_node: str
    to_node: str
    loading_percent_before: float
    loading_percent_after: float


@dataclass(frozen=True)
class FeederPicture:
    """The feeder in one interval, before and after the gate."""

    interval: int
    nodes: tuple[NodeState, ...]
    branches: tuple[BranchState, ...]


@dataclass(frozen=True)
class Limits:
    """What the gate holds the feeder to."""

    voltage_min_pu: float
    voltage_max_pu: float
    loading_max_percent: float


@dataclass(frozen=True)
class BillDifference:
    """An account whose change on chain is not what the bills say, base units, + received.

    Where a household's bill of one interval differs, the interval is named; else the sums over all intervals
    do.
    """

    account: str
    interval: int | None
    by_the_bills: int
    on_chain: int

    @property
    def amount(self) -> int:
        """By how much the bills credit it more than the chain."""
        return self.by_the_bills - self.on_chain


@dataclass(frozen=True)
class BillCheck:
    """Every household's bill against its account on chain; see `peerwatt.record.bill_check`."""

    compared: int
    """Bills of one household and one interval that the market contract settled."""
    outside: int
    """Those of intervals without an order of the household: billed at the tariff, outside the contract."""
    differences: tuple[BillDifference, ...]


@dataclass(frozen=True)
class Summary:
    """The figures of the whole replay; `summary.json` is made from it."""

    scenario: str
    description: str
    version: str
    chain: str
    seed: int
    start: str
    interval_length_s: int
    intervals: int
    participants: int
    currency: str
    retail: int
    feed_in: int
    network_fee: int
    grid_rules: str
    """How losses and network charges are shared, and who is curtailed."""
    counterfactual: str
    """What a saving is against: the scenario's rule of how exports are limited without a market."""
    orders: int
    skipped: int
    traded_wh: int
    accepted_wh: int
    verdicts: Mapping[str, int]
    reference_mismatches: int
    conservation_error: int
    gas_total: int
    gas_per_participant_interval: int
    voltage_max_pu_before: float
    voltage_max_pu_after: float
    loading_max_percent_after: float
    voltage_max_pu_metered: float | None
    """Of all intervals whose metered flows have a power flow; None where none has."""
    intervals_beyond_limits: int
    """In which the meters counted what broke a limit that the report had promised to keep."""
    unpaid_wh: int
    curtailed_wh: int
    without_market_curtailed_wh: int
    losses_wh: int
    limits: Limits
    provenance: str
    wall_seconds: float
    pricing: str = "uniform"
    """The market's pricing rule, by the scenario's switch."""
    envelopes: int = 0
    """Intervals for which operating envelopes were published; none where the scenario has none."""
    envelope_shrunk: int = 0
    """Orders that were smaller than wished, or left out, to keep to one."""
    envelope_skipped: int = 0
    """Orders that the market skipped because they did not (`OverEnvelope`)."""
    sealed_batches: int = 0
    """Batches that were committed to before gate closure and revealed after it; none in an open market."""
    bond: int = 0
    """What each of them cost until it was revealed, base units."""
    reveal_window_s: int = 0
    first_difference: str = ""
    """The first thing in which chain and reference differ; empty where they agree."""
    time_zone: str = "UTC"
    """In which the page says times, by its name in the tz database; files are in UTC."""

    @property
    def cut_wh(self) -> int:
        """Traded, and not accepted by the gate."""
        return self.traded_wh - self.accepted_wh


@dataclass(frozen=True)
class ReplayResult:
    """Everything a replay hands to the report. Tuples are in time order, then in scenario order."""

    summary: Summary
    intervals: tuple[IntervalResult, ...]
    participants: tuple[ParticipantResult, ...]
    settlements: tuple[SettlementResult, ...]
    orders: tuple[OrderStepResult, ...]
    curtailments: tuple[CurtailmentReason, ...]
    accounts: tuple[AccountResult, ...]
    bill_check: BillCheck
    feeder: FeederPicture | None = None

    @property
    def agrees(self) -> bool:
        """Whether chain and reference agree, nothing came from nowhere, and every bill is what was booked."""
        summary = self.summary
        differ = summary.reference_mismatches or summary.conservation_error or self.bill_check.differences
        return not differ
