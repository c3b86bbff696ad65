"""The scenario file's schema. An unknown key is an error; units are in the keys.

`docs/scenario.schema.json` is this, exported, for editors that complete YAML; a test keeps the two in step.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from peerwatt.agents.strategies import StrategyName
from peerwatt.messages.vocabulary import MAX_STEPS
from peerwatt.scenario.quantities import Amount, PermillePercent, Positive, PpmPercent, Price
from peerwatt.scenario.switches import Switches
from peerwatt.units import DAY_S, HOUR_S

FORMAT: Final = "peerwatt-scenario-1"


def _time(text: str) -> str:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no ISO 8601 time such as 2016-07-22T00:00:00+00:00") from None
    if time.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write +00:00 for UTC")
    return text


def _divides_the_day(length: int) -> int:
    if DAY_S % length:
        raise ValueError(f"{length} s does not divide the day of {DAY_S} s; use 900, 1800 or 3600")
    return length


Time = Annotated[str, AfterValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})]

Days = Annotated[int, Field(ge=1, le=366, description="Days of 86,400 s that the data covers.")]
IntervalLength = Annotated[int, Field(ge=60, le=HOUR_S), AfterValidator(_divides_the_day)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone of the tz database such as Europe/Berlin") from None
    return name


TimeZone = Annotated[str, AfterValidator(_zone)]


class Section(BaseModel):
    """A mapping of the scenario file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TariffSection(Section):
    """What the grid charges and pays where nothing is traded, and what a trade costs on top."""

    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code; ct is a hundredth of it.")
    retail_ct_per_kwh: Price = Field(description="Paid for import that was not bought from neighbours.")
    feed_in_ct_per_kwh: Price = Field(description="Earned by export that was not sold to neighbours.")
    network_fee_ct_per_kwh: Price = Field(description="Paid by the buyer per traded kWh.")


class MarketSection(Section):
    """Price ladder and times of the market contract."""

    base_price_ct_per_kwh: Price = Field(description="Price of tick 0.")
    tick_size_ct_per_kwh: Price = Field(description="Between two ticks; there are 256.")
    fixed_price_ct_per_kwh: Price | None = Field(
        default=None, description="Of every trade, where switches.price is fixed."
    )
    margin_price_ct_per_kwh: Price = Field(
        description="Margin held per kWh of connection limit; covers the worst kWh of the tariff."
    )
    gate_lead_s: int = Field(ge=0, description="Gate closure, before the interval starts.")
    report_window_s: int = Field(
        ge=1,
        description="For the grid's report, from gate closure; in a sealed market, from the reveals' end.",
    )
    attest_window_s: int = Field(ge=1, description="For attested readings, from the interval's end.")
    overrule_window_s: int = Field(ge=0, description="For meters to overrule them, from then on.")
    correction_window_days: int = Field(ge=0, le=3650, description="For corrected readings.")
    correction_delay_h: int = Field(
        default=24,
        ge=1,
        le=720,
        description="How long a proposed correction waits for meters to contradict it.",
    )
    correction_cap_ct: Amount = Field(
        default=Decimal(2000),
        description="Most that corrections may move on one day, all changes of accounts counted alike.",
    )
    open_ahead_intervals: int = Field(ge=1, description="How many intervals ahead orders are taken.")
    ring_size: int = Field(ge=1, le=4096, description="Intervals that may be unsettled at once.")
    recovery_delay_days: int = Field(
        default=14, ge=1, le=3650, description="For a wallet's veto of another one for its account."
    )


class SealedSection(Section):
    """Whether orders are hidden until gate closure; see decision 19."""

    reveal_window_s: int = Field(
        default=0,
        ge=0,
        description="For revealing the batches that were committed to, from gate closure; it ends before the "
        "interval starts. 0 is an open market, whose batches are posted.",
    )
    bond_ct: Amount | None = Field(
        default=None,
        description="Left with every batch until it is revealed. Without it, all that the trades of one "
        "interval can be worth; see `peerwatt.scenario.variants`.",
    )


class LossesSection(Section):
    """Who pays for grid losses."""

    max_loss_rate_percent: PpmPercent = Field(description="Most that a report may charge a trade.")
    rule: Literal["aumann_shapley", "marginal", "pro_rata", "tracing"] = Field(
        default="aumann_shapley", description="How they are shared; see `peerwatt.grid.shares.loss_rules`."
    )


class CurtailmentSection(Section):
    """What happens when the feeder cannot carry what was cleared."""

    policy: Literal["least", "fair"] = Field(
        default="fair",
        description="fair: everybody may feed in the same share of its forecast export, traded or not, as it "
        "could without a market. least: the least total is cut, trades last; it does not promise that nobody "
        "is poorer than without a market. See `peerwatt.grid.gate.curtailment_rules`.",
    )
    volt_var: bool = Field(
        default=False, description="Inverters support the voltage with reactive power before anybody is cut."
    )


class NetworkChargesSection(Section):
    """Who pays the network fee of a trade."""

    rule: Literal["uniform", "distance_thevenin", "distance_ptdf", "zone"] = Field(
        default="uniform",
        description="uniform: the buyer, per kWh. The others share the same total between both parties of a "
        "trade, by electrical distance or by zone; see `peerwatt.grid.shares.network_charges`.",
    )
    max_ct_per_kwh: Price | None = Field(
        default=None,
        description="Most that a report may charge per kWh sold or bought; needed unless uniform.",
    )
    zone_weights: dict[str, Annotated[int, Field(ge=1, le=1000)]] = Field(
        default={}, description="Fee of a zone against another's, for the rule zone; 1 where none is given."
    )


class SystemStrengthSection(Section):
    """How strong the network must be where inverters stand; see `peerwatt.scenario.strength`."""

    minimum_short_circuit_ratio: Positive | None = Field(
        default=None,
        description="Least three-phase short-circuit power at each inverter's node over the rated power of "
        "the inverters there; below about 3 a grid is weak (IEEE Std 1204). Not checked without it.",
    )
    upstream_short_circuit_mva: Positive | None = Field(
        default=None,
        description="Short-circuit power of the grid above the feeder; needed where feeder.json states none.",
    )


class CommitteeSection(Section):
    """The oracle committee that signs network reports."""

    members: int = Field(ge=1, le=32)
    quorum: int = Field(ge=1, le=32)


class MeteringSection(Section):
    """How readings reach the market."""

    lost_readings_percent: PermillePercent = Field(
        description="Readings that never reach the metering operator; their meters hand them in themselves."
    )


class BiddingSection(Section):
    """How homes forecast and bid: see `peerwatt.agents.forecast` and `docs/bidding.md`."""

    strategy: StrategyName = Field(
        default="newsvendor",
        description="newsvendor: the prices at which a home gains, by the uncertainty of its forecast. "
        "zero_intelligence: limit prices drawn between the tariffs.",
    )
    most_steps: int = Field(ge=1, le=MAX_STEPS, description="Steps of an order, at most.")
    demand_error_percent: PermillePercent = Field(description="Half-width of a home's demand error.")
    generation_error_percent: PermillePercent = Field(description="Half-width of its generation error.")
    weather_error_percent: PermillePercent = Field(description="Half-width of the error that all share.")


class FilesSection(Section):
    """Where the data lies, relative to the scenario file."""

    participants: str = "participants.csv"
    feeder: str = "feeder.json"
    profiles: str = "profiles"
    background_active: str | None = "background_active.csv"
    background_reactive: str | None = "background_reactive.csv"


class TimeKeys(BaseModel):
    """What says when: keys of the scenario file that its tables are checked against."""

    model_config = ConfigDict(strict=True, frozen=True)

    start: Time
    days: Days
    interval_length_s: IntervalLength


class ScenarioFile(Section):
    """A neighbourhood, its grid and its market, to be replayed."""

    format: Literal["peerwatt-scenario-1"]
    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}(/[a-z0-9][a-z0-9-]{0,62})?$",
        description="Of the scenario; of a pilot's zone, the pilot's and its own: brooklyn-300/rural.",
    )
    description: str = Field(min_length=1, description="One or two sentences for the report.")
    provenance: str = Field(
        min_length=1, description="Whose data this is, its licence, and what was made up."
    )
    start: Time = Field(description="First second of the data, ISO 8601 with offset.")
    days: Days
    interval_length_s: IntervalLength
    time_zone: TimeZone = Field(
        default="UTC",
        description="In which the report says times, by its name in the tz database, such as Europe/Berlin. "
        "What is computed and written to files is in UTC.",
    )
    seed: int = Field(ge=0, lt=1 << 63, description="Of every draw, unless another is given.")
    switches: Switches
    tariff: TariffSection
    market: MarketSection
    sealed: SealedSection = SealedSection()
    losses: LossesSection
    curtailment: CurtailmentSection = CurtailmentSection()
    network_charges: NetworkChargesSection = NetworkChargesSection()
    system_strength: SystemStrengthSection = SystemStrengthSection()
    counterfactual: Literal["equal_shares"] = Field(
        default="equal_shares",
        description="How the network operator limits exports where there is no market, for the bill that a "
        "saving is against; see `peerwatt.scenario.counterfactual`.",
    )
    community: Literal["keep", "per_traded_kwh"] = Field(
        default="keep",
        description="What becomes of what the community's account keeps where buyers pay more than sellers "
        "get (pay_as_bid, mcafee): it stays, or is paid back in proportion to what each sold and bought.",
    )
    envelope: bool = Field(
        default=False,
        description="Whether the committee publishes, before gate closure, how much each may offer in the "
        "interval; see `peerwatt.oracle.envelope`.",
    )
    committee: CommitteeSection
    metering: MeteringSection
    bidding: BiddingSection
    files: FilesSection = FilesSection()


def json_schema() -> dict[str, Any]:
    """The published JSON schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Peerwatt scenario",
        **ScenarioFile.model_json_schema(),
    }
