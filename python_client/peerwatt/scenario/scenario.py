"""A scenario: a neighbourhood, its feeder, its market and how its homes behave, ready to be replayed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from peerwatt.agents.forecast import ForecastError
from peerwatt.agents.strategies import StrategyName
from peerwatt.agents.strategy import Connection
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.system_strength import Strength
from peerwatt.grid.gate.rules import GridRules
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.scenario.background import NodePowers
from peerwatt.scenario.calendar import Calendar
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.switches import Switches
from peerwatt.tables.problems import Problem

PER_TRADED_KWH: Final = "per_traded_kwh"
"""Of `community`: what its account kept is paid back per Wh sold or bought among peers."""


@dataclass(frozen=True)
class Committee:
    """The oracle committee: `quorum` of `members` sign a network report."""

    members: int
    quorum: int


@dataclass(frozen=True)
class Bidding:
    """How homes forecast and bid.

    Attributes:
        strategy: by its name.
        most_steps: of an order.
        error: widths of the forecast errors.
    """

    strategy: StrategyName
    most_steps: int
    error: ForecastError


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
        time_zone: in which its report says times, by its name in the tz database.
        remarks: what was found out about its files and could be wrong, a place and a sentence each.
        counterfactual: how the network operator limits exports where there is no market.
        community: what becomes of what its account keeps where buyers pay more than sellers get.
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
    remarks: tuple[Problem, ...] = ()
    counterfactual: str = "equal_shares"
    community: str = "keep"
    time_zone: str = "UTC"

    def connection(self, participant: Participant) -> Connection:
        """What a participant's connection carries in one interval, Wh; the contract's own limits."""
        return Connection(
            import_wh=self.market.energy_limit(participant.import_limit),
            export_wh=self.market.energy_limit(participant.export_limit),
        )
