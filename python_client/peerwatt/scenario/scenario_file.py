"""From `scenario.yaml` to a checked `ScenarioFile`, with a located problem for everything that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from peerwatt.errors import InputError
from peerwatt.grid.gate.rules import ChargeRules, GridRules
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.market.pricing import Pricing
from peerwatt.scenario.bidding import bidding_prices
from peerwatt.scenario.calendar import Calendar
from peerwatt.scenario.file_units import in_units_of_the_file
from peerwatt.scenario.located_yaml import KeyPath, LocatedYaml, dotted, load_located
from peerwatt.scenario.market_clock import too_little_time
from peerwatt.scenario.quantities import base_units, base_units_per_wh, ppm
from peerwatt.scenario.schema import FORMAT, FilesSection, ScenarioFile, TimeKeys
from peerwatt.scenario.switches import PRICING, unsupported
from peerwatt.tables.problems import SHOWN, Problem, did_you_mean, one_of, quoted
from peerwatt.units import DAY_S, HOUR_S

Made = TypeVar("Made")

PATTERNS = {
    "tariff.currency": "an ISO 4217 code, three capital letters such as EUR; ct is a hundredth of it",
    "name": "lower-case letters, digits and -, at most 63, such as my-street; a zone's is PILOT/ZONE",
}
"""What a text must look like, by key."""


def read_scenario_file(
    path: Path, problems: list[Problem]
) -> tuple[ScenarioFile | None, FilesSection | None, Calendar | None]:
    """Read and check the file by itself, without the tables.

    Args:
        path: the YAML file.
        problems: mistakes are appended here.

    Returns:
        The parsed file, or None where it does not fit the schema. Mistakes beyond the schema (a switch that
        is not supported, a quorum above the committee) are noted and the file is returned all the same. Then
        where the tables lie and what time they cover, which may be known although other keys are wrong.
    """
    found = load_located(path)
    problems.extend(found.problems)
    if found.data is None:
        return None, None, None
    if not isinstance(found.data, dict) or found.data.get("format", FORMAT) != FORMAT:
        given = found.data.get("format") if isinstance(found.data, dict) else None
        what = "is no scenario" if given is None else f"format {_short(str(given))!r} is none of a scenario"
        message = f"{what}; give a file that begins with format: {FORMAT}, or its folder"
        problems.append(Problem(str(path), found.line(("format",)), "", message))
        return None, None, None
    try:
        parsed = ScenarioFile.model_validate(found.data)
    except ValidationError as error:
        known = {problem.field for problem in found.problems}
        for details in error.errors(include_url=False):
            if dotted(details["loc"]) not in known:  # what could not be read is also nothing that fits
                problems.append(_problem(found, details))
        return None, *_tables(found.data)
    for place, message in _contradictions(parsed):
        problems.append(Problem(found.file, found.line(place), dotted(place), in_units_of_the_file(message)))
    return parsed, parsed.files, calendar_of(parsed.start, parsed.days, parsed.interval_length_s)


def calendar_of(start: str, days: int, length_s: int) -> Calendar:
    """The intervals that a scenario's data covers."""
    return Calendar(datetime.fromisoformat(start).astimezone(UTC), days, length_s)


def _tables(data: Any) -> tuple[FilesSection | None, Calendar | None]:
    """Where the tables lie and what time they cover, each None where the file does not say it rightly."""
    files: FilesSection | None = None
    calendar: Calendar | None = None
    try:
        files = FilesSection.model_validate(data.get("files", {}))
        time = TimeKeys.model_validate({key: data[key] for key in TimeKeys.model_fields if key in data})
        calendar = calendar_of(time.start, time.days, time.interval_length_s)
    except (ValidationError, AttributeError):
        pass
    return files, calendar


def market_config(parsed: ScenarioFile) -> MarketConfig:
    """The market's parameters in the contract's units, but for its sealed phase.

    Raises:
        BadConfig: they contradict each other.
    """
    market = parsed.market
    return MarketConfig(
        interval_length=parsed.interval_length_s,
        gate_lead=market.gate_lead_s,
        report_window=market.report_window_s,
        attest_window=market.attest_window_s,
        overrule_window=market.overrule_window_s,
        correction_window=market.correction_window_days * DAY_S,
        correction_delay=market.correction_delay_h * HOUR_S,
        correction_cap=base_units(market.correction_cap_ct),
        open_ahead=market.open_ahead_intervals,
        ring_size=market.ring_size,
        base_price=base_units_per_wh(market.base_price_ct_per_kwh),
        tick_size=base_units_per_wh(market.tick_size_ct_per_kwh),
        margin_price=base_units_per_wh(market.margin_price_ct_per_kwh),
        max_loss_rate=ppm(parsed.losses.max_loss_rate_percent),
        max_network_fee=base_units_per_wh(parsed.network_charges.max_ct_per_kwh or Decimal(0)),
        pricing=PRICING.get(parsed.switches.price, Pricing.UNIFORM),
        fixed_price=base_units_per_wh(market.fixed_price_ct_per_kwh or Decimal(0)),
        recovery_delay=market.recovery_delay_days * DAY_S,
    )


def tariff(parsed: ScenarioFile) -> Tariff:
    """The tariff in base units per Wh.

    Raises:
        BadTariff: it contradicts itself.
    """
    return Tariff(
        retail=base_units_per_wh(parsed.tariff.retail_ct_per_kwh),
        feed_in=base_units_per_wh(parsed.tariff.feed_in_ct_per_kwh),
        network_fee=base_units_per_wh(parsed.tariff.network_fee_ct_per_kwh),
    )


def grid_rules(parsed: ScenarioFile, zones: Mapping[str, str]) -> GridRules:
    """The rules by which the oracle decides.

    Args:
        parsed: the scenario file.
        zones: of the nodes that participants are connected to.
    """
    return GridRules(
        charges=ChargeRules(
            rule=parsed.network_charges.rule,
            fee=tariff(parsed).network_fee,
            most=market_config(parsed).max_network_fee,
            zones=zones,
            weights=parsed.network_charges.zone_weights,
        ),
        losses=parsed.losses.rule,
        curtailment=parsed.curtailment.policy,
        volt_var=parsed.curtailment.volt_var,
    )


def problem_at(path: Path, place: KeyPath, message: str) -> Problem:
    """A mistake at a key that only shows next to the other files."""
    return Problem(str(path), load_located(path).line(place), dotted(place), message)


def _contradictions(parsed: ScenarioFile) -> list[tuple[KeyPath, str]]:
    """What the schema cannot say, by key."""
    found: list[tuple[KeyPath, str]] = [
        (("switches", name), message) for name, message in unsupported(parsed.switches).items()
    ]
    start = datetime.fromisoformat(parsed.start)
    if start.timestamp() % parsed.interval_length_s:
        found.append(
            (("start",), f"{parsed.start} is not the start of an interval of {parsed.interval_length_s} s")
        )
    committee = parsed.committee
    if committee.quorum > committee.members:
        message = f"{committee.quorum} exceeds the {committee.members} members; 2f+1 of 3f+1 is usual"
        found.append((("committee", "quorum"), message))
    if parsed.market.tick_size_ct_per_kwh == 0:
        found.append(
            (("market", "tick_size_ct_per_kwh"), "0: all ticks would be one price; give at least 0.1")
        )
        return found
    fixed = parsed.market.fixed_price_ct_per_kwh
    if (parsed.switches.price == "fixed") != (fixed is not None):
        message = "needs market.fixed_price_ct_per_kwh" if fixed is None else "has no use for a fixed price"
        key = ("switches", "price") if fixed is None else ("market", "fixed_price_ct_per_kwh")
        found.append((key, f"switches.price {parsed.switches.price} {message}"))
        return found
    config = _made(("market",), found, lambda: market_config(parsed))
    prices = _made(("tariff",), found, lambda: tariff(parsed))
    if config is not None and prices is not None:
        short = 0 < 2 * config.max_network_fee < prices.network_fee
        place = ("network_charges", "max_ct_per_kwh") if short else ("market", "margin_price_ct_per_kwh")
        _made(place, found, lambda: config.check_tariff(prices))
        found.extend(_off_grid(parsed, config))
        _made(("market", "base_price_ct_per_kwh"), found, lambda: bidding_prices(config, prices).band)
    found.extend(_charge_contradictions(parsed))
    window = parsed.sealed.reveal_window_s
    if config is not None and window:
        # The bond is computed later, from the participants.
        clock = _made(("sealed", "reveal_window_s"), found, lambda: _sealed(parsed))
    else:
        clock = config
    if clock is not None:
        found.extend(too_little_time(clock, parsed.envelope))
    if not window and parsed.sealed.bond_ct is not None:
        message = "an open market takes no bonds; state reveal_window_s, or remove this key"
        found.append((("sealed", "bond_ct"), message))
    strength = parsed.system_strength
    if strength.minimum_short_circuit_ratio is None and strength.upstream_short_circuit_mva is not None:
        message = "nothing is checked without minimum_short_circuit_ratio; state it, or remove this key"
        found.append((("system_strength", "upstream_short_circuit_mva"), message))
    return found


def _sealed(parsed: ScenarioFile) -> MarketConfig:
    return replace(market_config(parsed), reveal_window=parsed.sealed.reveal_window_s, bond=1)


def _charge_contradictions(parsed: ScenarioFile) -> list[tuple[KeyPath, str]]:
    """Keys that the rule of network charges needs, or has no use for."""
    found: list[tuple[KeyPath, str]] = []
    charges = parsed.network_charges
    if charges.rule == "uniform" and charges.max_ct_per_kwh is not None:
        message = (
            "the uniform charge is tariff.network_fee_ct_per_kwh; remove this key or choose another rule"
        )
        found.append((("network_charges", "max_ct_per_kwh"), message))
    if charges.rule != "uniform" and not charges.max_ct_per_kwh:
        message = f"{charges.rule!r} needs max_ct_per_kwh above 0: the most that a report may charge per kWh"
        found.append((("network_charges", "rule"), message))
    if charges.rule != "zone" and charges.zone_weights:
        message = f"{charges.rule!r} knows no zones; remove this key or choose the rule zone"
        found.append((("network_charges", "zone_weights"), message))
    return found


def _off_grid(parsed: ScenarioFile, config: MarketConfig) -> list[tuple[KeyPath, str]]:
    """Tariffs between two ticks: nobody could bid them exactly."""
    found: list[tuple[KeyPath, str]] = []
    for key in ("retail_ct_per_kwh", "feed_in_ct_per_kwh"):
        price = getattr(parsed.tariff, key)
        if (base_units_per_wh(price) - config.base_price) % config.tick_size:
            message = (
                f"{price} ct/kWh is not on the price grid: {parsed.market.base_price_ct_per_kwh} ct/kWh "
                f"plus a multiple of {parsed.market.tick_size_ct_per_kwh}"
            )
            found.append((("tariff", key), message))
    return found


def _made(place: KeyPath, found: list[tuple[KeyPath, str]], make: Callable[[], Made]) -> Made | None:
    try:
        return make()
    except InputError as error:
        found.append((place, str(error)))
        return None


def _problem(found: LocatedYaml, error: ErrorDetails) -> Problem:
    place: KeyPath = error["loc"]
    return Problem(found.file, found.line(place), dotted(place), _message(place, error))


def _message(place: KeyPath, error: ErrorDetails) -> str:
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    shown = quoted(given) if isinstance(given, str) else _short(str(given))
    if kind == "missing":
        return "key is missing"
    if kind == "extra_forbidden":
        keys = _keys(place[:-1])
        return f"unknown key{did_you_mean(str(place[-1]), keys)}; the keys here are {', '.join(keys)}"
    if kind == "literal_error":
        allowed = _literals(place)
        return f"{shown} must be {one_of(allowed)}{did_you_mean(str(given), allowed)}"
    if kind == "value_error":
        return str(context.get("error"))
    if kind in ("model_type", "model_attributes_type"):
        return f"{shown} must be a mapping with the keys {', '.join(_keys(place))}"
    if kind == "string_pattern_mismatch":
        return f"{shown} is not as it must be: {PATTERNS.get(dotted(place), context.get('pattern'))}"
    if kind == "string_type" and not isinstance(error["input"], dict | list):
        return f"{shown} is no text to YAML; put it in quotes: '{error['input']}'"
    return f"{shown} is wrong: {error['msg'][0].lower()}{error['msg'][1:]}"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _model(place: KeyPath) -> type[BaseModel]:
    model: type[BaseModel] = ScenarioFile
    for key in place:
        inner = model.model_fields[str(key)].annotation
        assert isinstance(inner, type)
        assert issubclass(inner, BaseModel)
        model = inner
    return model


def _keys(place: KeyPath) -> list[str]:
    return list(_model(place).model_fields)


def _literals(place: KeyPath) -> list[str]:
    annotation: Any = _model(place[:-1]).model_fields[str(place[-1])].annotation
    return [str(value) for value in get_args(annotation)] if get_origin(annotation) else []
