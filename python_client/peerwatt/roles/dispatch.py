"""The network operator's dispatch: tells inverters what the grid gate lets them feed in.

A report says on the chain what stands of each trade; how much may flow beyond it follows from the report's
public inputs. The dispatch derives it from them, as anybody can, and trusts no member of the committee.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from peerwatt.client import IntervalView, MarketClient, MarketView
from peerwatt.grid.gate.rules import GridRules
from peerwatt.market.accepted import Accepted
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.messages import Clearing, Verdict
from peerwatt.oracle import Judgement, expired
from peerwatt.oracle.derivations import Derivations
from peerwatt.oracle.forecast_file import ForecastSource
from peerwatt.oracle.report_inputs import PostedInterval, ReportInputs
from peerwatt.roles.accepted_orders import accepted_orders, terms_of
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
        # By interval, and where the verdict lets not everything flow, by account: Wh.
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

        Under any verdict of the committee but Accept an inverter feeds in what was accepted and the surplus
        that the network can carry; everything beyond earns nothing.
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
        verdict, accepted = judgement.report.verdict, dict[int, Accepted]()
        if view.records:
            assert view.verdict is not None
            verdict = view.verdict
            judgement = expired(judgement) if verdict == Verdict.EXPIRED else judgement
            terms = terms_of(self._client.interval(interval))
            accepted = accepted_orders(view, terms, self._config)
        self._allowed = {
            number: each
            for number, each in self._allowed.items()
            if number > interval - self._config.ring_size
        }
        self._allowed[interval] = _allowed(judgement, accepted) if verdict.cuts else None
        self._diary.judged(interval, judgement)


def _allowed(judgement: Judgement, accepted: Mapping[int, Accepted]) -> dict[int, int]:
    """What was accepted of each participant's sale and what it may feed in beyond it, Wh."""
    sold = {account: of.sell for account, of in accepted.items()}
    return {
        account: sold.get(account, 0) + judgement.allowance_wh(account) for account in judgement.participants
    }
