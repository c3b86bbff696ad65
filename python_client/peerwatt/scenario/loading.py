"""From a scenario's files to a checked `Scenario`, or to every mistake in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from peerwatt.agents.forecast import ForecastError
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.files.feeder_file import load_feeder
from peerwatt.grid.flow.system_strength import Strength
from peerwatt.grid.shares.loss_tracing import require_radial
from peerwatt.scenario.background import NodePowers, read_background
from peerwatt.scenario.calendar import Calendar
from peerwatt.scenario.catalogue import find_scenario
from peerwatt.scenario.market_clock import EVERY_STEP_S
from peerwatt.scenario.participants import Participant, read_participants
from peerwatt.scenario.problems import ScenarioError
from peerwatt.scenario.profile_files import check_strangers, with_profiles
from peerwatt.scenario.quantities import base_units, permille
from peerwatt.scenario.scenario import Bidding, Committee, Scenario
from peerwatt.scenario.scenario_file import (
    grid_rules,
    market_config,
    problem_at,
    read_scenario_file,
    tariff,
)
from peerwatt.scenario.schema import ScenarioFile
from peerwatt.scenario.strength import strength_at_inverters
from peerwatt.scenario.variants import sealed_market
from peerwatt.tables.problems import Problem, did_you_mean


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read and check a scenario.

    Args:
        name_or_path: name of one that ships, or a directory with `scenario.yaml`, or that file.

    Raises:
        ScenarioError: with every mistake that was found, each with its file, line and key or column.
    """
    path = find_scenario(name_or_path)
    problems: list[Problem] = []
    remarks: list[Problem] = []
    parsed, files, calendar = read_scenario_file(path, problems)
    if files is None or calendar is None:
        raise ScenarioError(problems)
    directory = path.parent
    feeder = _feeder(directory / files.feeder, problems)
    nodes = None if feeder is None else feeder.node_names
    phases = feeder is None or feeder.three_phase
    profiles = directory / files.profiles
    before = len(problems)
    table = directory / files.participants
    connection = feeder.connection if feeder is not None and feeder.is_circuit else None
    participants = read_participants(table, nodes, problems, remarks, phases=phases, connection=connection)
    if len(problems) == before:
        # if a row of participants could not be read, its profile would be reported as one that nobody has
        check_strangers(profiles, participants, problems)
    strength: tuple[Strength, ...] = ()
    if parsed is not None and feeder is not None and len(problems) == before:
        _check_rules(path, parsed, feeder, participants, problems)
        strength = strength_at_inverters(path, parsed, feeder, participants, problems)
    participants = with_profiles(participants, profiles, calendar, problems, remarks)
    active = _background(directory, files.background_active, "W", nodes, calendar, problems, remarks)
    reactive = _background(directory, files.background_reactive, "var", nodes, calendar, problems, remarks)
    for powers, file in ((active, files.background_active), (reactive, files.background_reactive)):
        if feeder is not None and feeder.is_circuit and file is not None:
            _check_background_phases(directory / file, powers, feeder, problems)
    if problems or feeder is None or parsed is None:
        raise ScenarioError(problems)
    found = _scenario(parsed, directory, calendar, participants, feeder, strength, active, reactive)
    return replace(found, remarks=tuple(remarks))


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
        rules=grid_rules(
            parsed, {participant.node: participant.zone for participant in participants if participant.zone}
        ),
        strength=strength,
        envelope=parsed.envelope,
        committee=Committee(parsed.committee.members, parsed.committee.quorum),
        bidding=Bidding(
            strategy=bidding.strategy,
            most_steps=bidding.most_steps,
            error=ForecastError(
                demand_permille=permille(bidding.demand_error_percent),
                generation_permille=permille(bidding.generation_error_percent),
                weather_permille=permille(bidding.weather_error_percent),
            ),
        ),
        lost_readings_permille=permille(parsed.metering.lost_readings_percent),
        participants=tuple(participants),
        feeder=feeder,
        active=active,
        reactive=reactive,
        time_zone=parsed.time_zone,
        counterfactual=parsed.counterfactual,
        community=parsed.community,
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
    least, window = EVERY_STEP_S + len(participants), parsed.market.overrule_window_s
    if parsed.metering.lost_readings_percent and window < least:
        message = (
            f"{window}: meters hand in the readings that are lost (metering.lost_readings_percent) one after "
            f"another, a second each; give at least {least}, or lose none"
        )
        problems.append(problem_at(path, ("market", "overrule_window_s"), message))
    if parsed.curtailment.volt_var and not any(participant.inverter_va for participant in participants):
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


def _check_background_phases(path: Path, powers: NodePowers, feeder: Feeder, problems: list[Problem]) -> None:
    """A background has no phase, so that it must lie where there are all three."""
    for node in powers.nodes:
        if node in feeder.node_index and len(feeder.node_connections[feeder.node(node)]) < 3:
            message = f"node {node!r} has not all three phases; put its power on its phase as a participant"
            problems.append(Problem(str(path), None, node, message))


def _background(
    directory: Path,
    file: str | None,
    unit: str,
    nodes: tuple[str, ...] | None,
    calendar: Calendar,
    problems: list[Problem],
    remarks: list[Problem],
) -> NodePowers:
    if file is None:
        return NodePowers.none(calendar.count)
    return read_background(directory / file, unit, nodes, calendar, problems, remarks)
