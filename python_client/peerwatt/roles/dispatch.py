"""The network operator's dispatch: tells inverters what the grid gate lets them feed in.

A report says on the chain what stands of each trade; how much may flow beyond it follows from the report's
public inputs. The dispatch derives it from them, as anybody can, and trusts no member of the committee.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from peerwatt.client import IntervalView, MarketClient, MarketView
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.rules import GridRules
from peerwatt.market.accepted import Accepted
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.messages import Clearing, Verdict
from peerwatt.oracle import Judgement, expired
from peerwatt.oracle.forecast_file import ForecastSource
from peerwatt.oracle.report_inputs import PostedInterval, ReportInputs
from peerwatt.roles.appointments import Action, due
from peerwatt.roles.ports import Diary
from peerwatt.roles.positions import standing_orders, terms_of

EVERYTHING_FLOWS: Final = frozenset({Verdict.ACCEPT, Verdict.EXPIRED})


@dataclass(frozen=True)
class _Decided:
    judgement: Judgement
    verdict: Verdict
    positions: dict[int, Accepted]


class Dispatch:
    """The dispatch of one feeder. It holds no key."""

    actions: Final = frozenset({Action.REPORT})

    def __init__(
        self,
        client: MarketClient,
        config: MarketConfig,
        view: MarketView,
        solver: PowerFlow,
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
            solver: of the feeder.
            forecasts: what is expected to flow.
            rules: by which the grid decides.
            diary: told of every judgement.
            first: the first interval to judge.
        """
        self._client = client
        self._config = config
        self._view = view
        self._solver = solver
        self._forecasts = forecasts
        self._rules = rules
        self._diary = diary
        self._next = first
        self._undecided: list[int] = []
        self._decided: dict[int, _Decided] = {}

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

        Under any verdict of the committee but Accept an inverter feeds in what was accepted and the surplus
        that the network can carry; everything beyond earns nothing.
        """
        self.step(0)
        decided = self._decided.get(interval)
        if decided is None or decided.verdict in EVERYTHING_FLOWS:
            return None
        position = decided.positions.get(account)
        return (position.sell if position else 0) + decided.judgement.surplus_wh(account)

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
        judgement = inputs.judge(self._solver)
        verdict, positions = judgement.report.verdict, {}
        if view.records:
            assert view.verdict is not None
            verdict = view.verdict
            judgement = expired(judgement) if verdict == Verdict.EXPIRED else judgement
            terms = terms_of(self._client.interval(interval))
            positions = standing_orders(view, terms, self._config)
        self._decided = {
            number: each
            for number, each in self._decided.items()
            if number > interval - self._config.ring_size
        }
        self._decided[interval] = _Decided(judgement, verdict, positions)
        self._diary.judged(interval, judgement)
