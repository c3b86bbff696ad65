"""Scenarios: a neighbourhood, its feeder, its market and how its homes behave, ready to be replayed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from peerwatt.agents.forecast import ForecastError
from peerwatt.agents.strategy import Connection, PriceBand
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Feeder, load_feeder
from peerwatt.grid.loss_tracing import require_radial
from peerwatt.grid.rules import GridRules
from peerwatt.grid.system_strength import Strength
from peerwatt.market.config import MarketConfig, Tariff
from peerwatt.pilot.background import NodePowers, read_background
from peerwatt.pilot.calendar import Calendar
from peerwatt.pilot.catalogue import find_scenario
from peerwatt.pilot.community import Participant, read_participants
from peerwatt.pilot.problems import Problem, ScenarioError, did_you_mean
from peerwatt.pilot.profiles import read_profile
from peerwatt.pilot.quantities import base_units, permille
from peerwatt.pilot.scenario_file import (
    bid_band,
    grid_rules,
    market_config,
    problem_at,
    read_scenario_file,
    tariff,
)
from peerwatt.pilot.schema import ScenarioFile
from peerwatt.pilot.sealing import sealed_market
from peerwatt.pilot.strength import strength_at_inverters
from peerwatt.pilot.switches import Switches


@dataclass(frozen=True)
class Committee:
    """The oracle committee: `quorum` of `members` sign a network report."""

    members: int
    quorum: int


@dataclass(frozen=True)
class Bidding:
    """How homes forecast and bid.

    Attributes:
        most_steps: of an order.
        error: widths of the forecast errors.
        band: ticks between the tariffs.
    """

    most_steps: int
    error: ForecastError
    band: PriceBand


@dataclass(frozen=True)
class Scenario:
    """A checked scenario, everything in the units of the market: Wh, base units per Wh, s, ppm.

    Attributes:
        name: of the scenario.
        description: one or two sentences.
        provenance: whose data this is and what was changed.
        directory: where its files lie.
        calendar: the intervals that the data covers.
        seed: default of every draw.
        switches: which market it is.
        market: parameters of the contract.
        tariff: prices around the peer trade.
        currency: ISO 4217 code; a base unit is 1e-6 of it.
        rules: by which the grid decides.
        strength: of the network at the nodes with inverters, weakest first; empty where no minimum is stated.
        envelope: whether operating envelopes are published, and orders and inverters kept to them.
        committee: who signs network reports.
        bidding: how homes behave.
        lost_readings_permille: of all readings, how many never reach the metering operator.
        participants: in account order.
        feeder: the grid they share.
        active: W of everything that does not trade.
        reactive: var of everything, participants included: reactive power is not traded.
    """

    name: str
    description: str
    provenance: str
    directory: Path
    calendar: Calendar
    seed: int
    switches: Switches
    market: MarketConfig
    tariff: Tariff
    currency: str
    rules: GridRules
    strength: tuple[Strength, ...]
    envelope: bool
    committee: Committee
    bidding: Bidding
    lost_readings_permille: int
    participants: tuple[Participant, ...]
    feeder: Feeder
    active: NodePowers
    reactive: NodePowers

    def connection(self, participant: Participant) -> Connection:
        """What a participant's connection carries in one interval, Wh; the contract's own limits."""
        return Connection(
            import_wh=self.market.energy_limit(participant.import_limit),
            export_wh=self.market.energy_limit(participant.export_limit),
        )


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read and check a scenario.

    Args:
        name_or_path: name of one that ships, or a directory with `scenario.yaml`, or that file.

    Raises:
        ScenarioError: with every mistake that was found, each with its file, line and key or column.
    """
    path = find_scenario(name_or_path)
    problems: list[Problem] = []
    parsed = read_scenario_file(path, problems)
    if parsed is None:
        raise ScenarioError(problems)
    directory = path.parent
    calendar = Calendar(
        datetime.fromisoformat(parsed.start).astimezone(UTC), parsed.days, parsed.interval_length_s
    )
    feeder = _feeder(directory / parsed.files.feeder, problems)
    nodes = None if feeder is None else feeder.node_names
    phases = feeder is None or feeder.three_phase
    profiles = directory / parsed.files.profiles
    before = len(problems)
    participants = read_participants(directory / parsed.files.participants, nodes, problems, phases=phases)
    if len(problems) == before:
        # with a row missing, its profile would look like a stranger's
        _check_strangers(profiles, participants, problems)
    strength: tuple[Strength, ...] = ()
    if feeder is not None and len(problems) == before:
        _check_rules(path, parsed, feeder, participants, problems)
        strength = strength_at_inverters(path, parsed, feeder, participants, problems)
    participants = _with_profiles(participants, profiles, calendar, problems)
    active = _background(directory, parsed.files.background_active, "W", nodes, calendar, problems)
    reactive = _background(directory, parsed.files.background_reactive, "var", nodes, calendar, problems)
    if problems or feeder is None:
        raise ScenarioError(problems)
    return _scenario(parsed, directory, calendar, participants, feeder, strength, active, reactive)


def _scenario(
    parsed: ScenarioFile,
    directory: Path,
    calendar: Calendar,
    participants: list[Participant],
    feeder: Feeder,
    strength: tuple[Strength, ...],
    active: NodePowers,
    reactive: NodePowers,
) -> Scenario:
    market, prices, bidding = market_config(parsed), tariff(parsed), parsed.bidding
    if parsed.sealed.reveal_window_s:
        ct = parsed.sealed.bond_ct
        bond = None if ct is None else base_units(ct)
        market = sealed_market(market, prices, participants, parsed.sealed.reveal_window_s, bond)
    return Scenario(
        name=parsed.name,
        description=" ".join(parsed.description.split()),
        provenance=" ".join(parsed.provenance.split()),
        directory=directory,
        calendar=calendar,
        seed=parsed.seed,
        switches=parsed.switches,
        market=market,
        tariff=prices,
        currency=parsed.tariff.currency,
        rules=grid_rules(parsed, {home.node: home.zone for home in participants if home.zone}),
        strength=strength,
        envelope=parsed.envelope,
        committee=Committee(parsed.committee.members, parsed.committee.quorum),
        bidding=Bidding(
            most_steps=bidding.most_steps,
            error=ForecastError(
                demand_permille=permille(bidding.demand_error_percent),
                generation_permille=permille(bidding.generation_error_percent),
                weather_permille=permille(bidding.weather_error_percent),
            ),
            band=bid_band(market, prices),
        ),
        lost_readings_permille=permille(parsed.metering.lost_readings_percent),
        participants=tuple(participants),
        feeder=feeder,
        active=active,
        reactive=reactive,
    )


def _check_rules(
    path: Path, parsed: ScenarioFile, feeder: Feeder, participants: list[Participant], problems: list[Problem]
) -> None:
    """Rules that this feeder or these participants leave nothing to do."""
    if parsed.losses.rule == "tracing":
        try:
            require_radial(feeder)
        except FeederError as error:
            problems.append(problem_at(path, ("losses", "rule"), f"'tracing': {error}"))
    _check_zones(path, parsed, participants, problems)
    if parsed.curtailment.volt_var and not any(home.inverter_va for home in participants):
        message = "true, and no participant has an inverter: give one pv_kwp, or switch it off"
        problems.append(problem_at(path, ("curtailment", "volt_var"), message))


def _check_zones(
    path: Path, parsed: ScenarioFile, participants: list[Participant], problems: list[Problem]
) -> None:
    """Everybody has a zone, all at one node the same, and no weight is of a zone without anybody."""
    if parsed.network_charges.rule != "zone":
        return
    zones: dict[str, str] = {}
    for participant in participants:
        known = zones.setdefault(participant.node, participant.zone)
        if not participant.zone or known != participant.zone:
            zone = f"zone {participant.zone!r}" if participant.zone else "no zone"
            other = f", others at {participant.node} in {known!r}" if known != participant.zone else ""
            message = f"'zone': participant {participant.name} is in {zone}{other}; see the column zone"
            problems.append(problem_at(path, ("network_charges", "rule"), message))
    for zone in parsed.network_charges.zone_weights:
        if zone not in zones.values():
            message = f"nobody is in a zone {zone!r}{did_you_mean(zone, sorted(set(zones.values())))}"
            problems.append(problem_at(path, ("network_charges", "zone_weights", zone), message))


def _feeder(path: Path, problems: list[Problem]) -> Feeder | None:
    try:
        return load_feeder(path)
    except FeederError as error:
        problems.append(Problem(str(path), None, "", str(error).removeprefix(f"{path}: ")))
        return None


def _check_strangers(directory: Path, participants: list[Participant], problems: list[Problem]) -> None:
    names = {participant.name for participant in participants}
    for path in sorted(directory.glob("*.csv")):
        if path.stem not in names:
            message = f"participants.csv has no participant {path.stem!r}; remove the file or add the row"
            problems.append(Problem(str(path), None, "", message))


def _with_profiles(
    participants: list[Participant], directory: Path, calendar: Calendar, problems: list[Problem]
) -> list[Participant]:
    complete = []
    for participant in participants:
        energy = read_profile(directory / f"{participant.name}.csv", participant, calendar, problems)
        if energy is not None:
            complete.append(replace(participant, demand_wh=energy[0], generation_wh=energy[1]))
    return complete


def _background(
    directory: Path,
    file: str | None,
    unit: str,
    nodes: tuple[str, ...] | None,
    calendar: Calendar,
    problems: list[Problem],
) -> NodePowers:
    if file is None:
        return NodePowers()
    return read_background(directory / file, unit, nodes, calendar, problems)
