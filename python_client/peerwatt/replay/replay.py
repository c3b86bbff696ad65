"""The replay: a scheduler steps a scenario's parties through its days, and the reference twin looks on."""

from __future__ import annotations

import time
from collections.abc import Callable

from peerwatt.chain import Network, Sender
from peerwatt.client import MarketClient
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.record.interval_log import IntervalLog
from peerwatt.record.replayed import Replayed
from peerwatt.replay.cast import Stage, cast, envelope_pages
from peerwatt.replay.committee_processes import ENVELOPE_LEAD_S, CommitteeProcesses
from peerwatt.replay.founding import deploy_scenario, fund_market
from peerwatt.replay.recorder import Recorder
from peerwatt.replay.scheduler import Scheduler
from peerwatt.replay.twin_observer import TwinObserver
from peerwatt.replay.wiring import Wiring, direct
from peerwatt.roles.appointments import ORDER_LEAD_S, Action, Appointment, appointments
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.scenario import Scenario

Progress = Callable[[int, int], None]
"""Called with the number of settled intervals and of all intervals."""


class Replay:
    """One replay. Everything that happens goes through the contracts, under real signatures.

    Attributes:
        scenario: what is replayed.
        network: on which chain; its clock must be ours.
        seed: of every draw and key.
        intervals: how many, from the scenario's first on.
    """

    def __init__(
        self,
        scenario: Scenario,
        network: Network,
        seed: int,
        intervals: int,
        committee: CommitteeProcesses | None = None,
        wiring: Wiring = direct,
    ) -> None:
        """
        Args:
            scenario: what is replayed.
            network: on which chain.
            seed: of every draw and key.
            intervals: how many.
            committee: who reports; without it the committee is in this process.
            wiring: how homes and members reach the others.
        """
        self.scenario = scenario
        self.network = network
        self.seed = seed
        self.intervals = intervals
        self._committee = committee
        self._wiring = wiring

    def run(self, progress: Progress = lambda done, of: None) -> Replayed:
        """Replay everything.

        Args:
            progress: told after every settled interval.

        Raises:
            PeerwattError: the chain or the feeder refused.
        """
        started = time.monotonic()
        scenario, network, keys = self.scenario, self.network, PilotKeys(self.seed)
        market, calendar = scenario.market, scenario.calendar
        deployment = deploy_scenario(network, scenario, keys)
        client = MarketClient(network, deployment, Sender(network, keys.relayer))
        view = client.watch()
        twin = TwinObserver(client, market, scenario.tariff, keys.metering_operator.address)
        view.tell(twin)
        fund_market(network, scenario, deployment, keys, self.intervals)
        first = self._first_on_chain()
        logs = {
            first + position: IntervalLog(first + position, calendar.first + position, position)
            for position in range(self.intervals)
        }
        recorder = Recorder(market, view, logs)
        twin.settled = recorder.settled
        view.follow()
        view.tell(recorder)
        twin.read_books()
        initial = tuple(cash for cash, _ in twin.books.balances)
        if self._committee is not None:
            self._committee.start(client, view, first, self.seed)

        def observe() -> None:
            view.follow()
            twin.check()

        def kept(appointment: Appointment) -> None:
            if appointment.action == Action.SETTLE:
                progress(appointment.interval - first + 1, self.intervals)

        stage = Stage(scenario, network, deployment, view, self.seed, first)
        with cast(stage, recorder, self._committee, self._wiring) as roles:
            Scheduler(network, roles, observe).run(
                appointments(market, first, self.intervals, self._envelope_s()), kept
            )
        return Replayed(
            scenario=scenario,
            chain=network.name,
            seed=self.seed,
            logs=tuple(logs.values()),
            solver=PowerFlow(scenario.feeder),
            initial=initial,
            final=twin.books.balances,
            mismatches=len(twin.mismatched),
            first_difference=twin.first_difference,
            conservation_error=twin.conservation_error,
            wall_seconds=time.monotonic() - started,
        )

    def _first_on_chain(self) -> int:
        """The interval that the scenario's first one is replayed as.

        Itself, or where the chain's clock is past it already, the next one at the same time of day.
        """
        length, per_day = self.scenario.market.interval_length, self.scenario.calendar.per_day
        first = self.scenario.calendar.first
        earliest = self.network.latest_timestamp() // length + per_day
        return first + max(0, -(-(earliest - first) // per_day)) * per_day if earliest > first else first

    def _envelope_s(self) -> int:
        """How long before the orders envelopes are begun: a second a page, or the time of whole turns."""
        pages = envelope_pages(self.scenario)
        return pages if self._committee is None or not pages else ENVELOPE_LEAD_S - ORDER_LEAD_S
