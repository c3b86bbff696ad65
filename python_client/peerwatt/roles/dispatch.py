"""The network operator's dispatch: tells inverters what the grid gate lets them feed in.

How much may flow follows from the public inputs of an interval's report. The dispatch derives it from them,
as anybody can, and trusts no member of the committee.
"""

from __future__ import annotations

from typing import Any, Final

from peerwatt.client import IntervalView, MarketClient, MarketView
from peerwatt.grid.gate.rules import GridRules
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.messages import Clearing, Verdict
from peerwatt.oracle import expired
from peerwatt.oracle.derivations import Derivations
from peerwatt.oracle.forecast_file import ForecastSource
from peerwatt.oracle.report_inputs import PostedInterval, ReportInputs
from peerwatt.roles.appointments import Action, due
from peerwatt.roles.ports import Diary


class Dispatch:
    """The dispatch of one feeder. It holds no key."""

    actions: Final = frozenset({Action.REPORT})

    def __init__(
        self,
        client: MarketClient,
        config: MarketConfig,
        view: MarketView,
        derivations: Derivations,
        forecasts: ForecastSource,
        rules: GridRules,
        diary: Diary,
        first: int,
    ) -> None:
        """
        Args:
            client: the market, for reading.
            config: its parameters.
            view: of the market's chain.
            derivations: on the feeder's model.
            forecasts: what is expected to flow.
            rules: by which the grid decides.
            diary: told of every judgement.
            first: the first interval to judge.
        """
        self._client = client
        self._config = config
        self._view = view
        self._derivations = derivations
        self._forecasts = forecasts
        self._rules = rules
        self._diary = diary
        self._next = first
        self._undecided: list[int] = []
        # By interval, and where not everything may flow, by account: Wh.
        self._allowed: dict[int, dict[int, int] | None] = {}

    def save(self) -> object:
        """What it would have on disk: how far it has come, and what it lets flow."""
        return self._next, list(self._undecided), dict(self._allowed)

    def restore(self, saved: Any) -> None:
        """Go on from what `save` gave."""
        self._next, self._undecided, self._allowed = saved

    def step(self, now: int) -> None:
        """Derive what the grid lets flow where the verdict is there, and where nobody ordered anything."""
        self._view.follow()
        while now >= due(self._config, Action.REPORT, self._next):
            self._undecided.append(self._next)
            self._next += 1
        waiting, self._undecided = self._undecided, []
        for interval in waiting:
            view = self._view.interval(interval)
            if view.records and view.verdict is None:
                self._undecided.append(interval)
            else:
                self._decide(interval, view)

    def allowed_export(self, interval: int, account: int) -> int | None:
        """As `Allowances` has it.

        What the network can carry does not depend on the committee: it follows from the public forecast and,
        by a rule that spares trades, from what was traded.
        """
        self.step(0)
        allowed = self._allowed.get(interval)
        return None if allowed is None else allowed[account]

    def _decide(self, interval: int, view: IntervalView) -> None:
        clearing = view.cleared.clearing if view.cleared else Clearing()
        posted = PostedInterval(interval, self._config.interval_length, clearing.pack(), tuple(view.records))
        forecast = self._forecasts.forecast(interval)
        if forecast is None:
            return
        energy = self._config.energy_limit
        limits = {
            account: EnergyLimits(energy(each.imported), energy(each.exported))
            for account, each in view.envelope.items()
        }
        inputs = ReportInputs(self._client.domain, posted, forecast.within(limits), self._rules)
        judgement = self._derivations.judge(inputs)
        if view.verdict == Verdict.EXPIRED:
            judgement = expired(judgement)
        self._allowed = {
            number: each
            for number, each in self._allowed.items()
            if number > interval - self._config.ring_size
        }
        self._allowed[interval] = judgement.allowed_export()
        self._diary.judged(interval, judgement)
