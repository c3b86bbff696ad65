"""The replay: a scheduler steps a scenario's parties through its days, and the reference twin looks on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

from peerwatt.chain import Network
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.record.community_shares import PeerEnergy
from peerwatt.record.interval_log import IntervalLog
from peerwatt.record.replayed import Replayed
from peerwatt.replay.cast import Stage, cast, envelope_pages
from peerwatt.replay.checkpoint import CheckpointFile
from peerwatt.replay.committee_processes import ENVELOPE_LEAD_S, CommitteeProcesses
from peerwatt.replay.course import Course
from peerwatt.replay.interruption import ReplayInterrupted
from peerwatt.replay.paying_back import pay_back
from peerwatt.replay.scheduler import Scheduler
from peerwatt.replay.watched import founded, restored
from peerwatt.replay.wiring import Wiring, direct
from peerwatt.roles.appointments import Action, Appointment, appointments
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.market_clock import ORDER_LEAD_S
from peerwatt.scenario.scenario import PER_TRADED_KWH, Scenario

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
        *,
        deployments: Path | None = None,
    ) -> None:
        """
        Args:
            scenario: what is replayed.
            network: on which chain.
            seed: of every draw and key.
            intervals: how many.
            committee: who reports; without it the committee is in this process.
            wiring: how homes and members reach the others.
            deployments: folder in which the market's addresses are kept, as `founded` has it.
        """
        self.scenario = scenario
        self.network = network
        self.seed = seed
        self.intervals = intervals
        self._committee = committee
        self._wiring = wiring
        self._deployments = deployments

    def run(
        self,
        progress: Progress = lambda done, of: None,
        *,
        take: Callable[[IntervalLog], None] | None = None,
        checkpoints: CheckpointFile | None = None,
        resume: bool = False,
        stop: Callable[[], bool] = lambda: False,
    ) -> Replayed:
        """Replay everything.

        Args:
            progress: told after every settled interval.
            take: given the log of every interval that is over; without it, the result has them all.
            checkpoints: where to keep them.
            resume: go on from the last of these, on a chain that is fresh.
            stop: asked after every appointment; if so, the replay ends there, with a checkpoint.

        Raises:
            PeerwattError: the chain or the feeder refused.
            ReplayInterrupted: it was to stop.
        """
        scenario, network, keys = self.scenario, self.network, PilotKeys(self.seed)
        logs: list[IntervalLog] = []
        energy, keep = PeerEnergy(), take or logs.append

        def finished(log: IntervalLog) -> None:
            energy.take(log)
            keep(log)

        course = Course(network, finished, checkpoints)
        if resume:
            saved = course.take_up(lambda settled: progress(settled, self.intervals))
            market = restored(network, scenario, keys, self.intervals, saved)
        else:
            market = founded(network, scenario, keys, self.intervals, self._deployments)
        if self._committee is not None:
            self._committee.start(market.client, market.view, market.first, self.seed)
        deployment = market.client.deployment
        stage = Stage(scenario, network, deployment, market.view, self.seed, market.first, self.intervals)
        with cast(stage, market.recorder, self._committee, self._wiring) as roles:
            course.restore(roles)

            def kept(appointment: Appointment) -> None:
                course.over += 1
                if appointment.action == Action.SETTLE:
                    course.finish(market.finish(appointment.interval))
                    progress(course.settled, self.intervals)
                stopped = stop() and course.settled < self.intervals
                if stopped or course.is_due or course.settled == self.intervals:
                    course.keep(market, roles)
                if stopped:
                    raise ReplayInterrupted(course.settled, self.intervals)

            wanted = appointments(scenario.market, market.first, self.intervals, self._envelope_s())
            Scheduler(network, roles, market.observe).run(islice(wanted, course.over, None), kept)
        paid_back = {}
        if scenario.community == PER_TRADED_KWH:
            paid_back = pay_back(market, network, keys, energy.traded_wh)
        return Replayed(
            scenario=scenario,
            chain=network.name,
            seed=self.seed,
            logs=tuple(logs),
            solver=PowerFlow(scenario.feeder),
            initial=market.initial,
            final=market.twin.books.balances,
            paid_back=paid_back,
            mismatches=len(market.twin.mismatched),
            first_difference=market.twin.first_difference,
            conservation_error=market.twin.conservation_error,
            wall_seconds=course.seconds,
        )

    def _envelope_s(self) -> int:
        """How long before the orders envelopes are begun: a second a page, or the time of whole turns."""
        pages = envelope_pages(self.scenario)
        return pages if self._committee is None or not pages else ENVELOPE_LEAD_S - ORDER_LEAD_S
