"""The physical side of a replay: what homes and feeder are expected to do, and what they then do."""

from __future__ import annotations

from collections.abc import Mapping

from peerwatt.agents.home import Flow, metered_flow
from peerwatt.grid.arrays import Floats
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.oracle import GridForecast, Judgement
from peerwatt.scenario.bidding import expectation
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.scenario import Scenario


class Neighbourhood:
    """A scenario's homes on their feeder.

    Attributes:
        scenario: the scenario.
        seed: of the forecast errors.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        names = scenario.feeder.node_names
        self._nodes = {home.account: scenario.feeder.node(home.node) for home in scenario.participants}
        three_phase = scenario.feeder.three_phase
        self._phases = {home.account: home.phase for home in scenario.participants} if three_phase else {}
        self._inverter_va = {home.account: home.inverter_va for home in scenario.participants}
        # The files count demand as positive, the power flow injection.
        self._background_w: Floats = -scenario.active.nodal(names)
        self._background_var: Floats = -scenario.reactive.nodal(names)

    def forecast(self, position: int, limits: Mapping[int, EnergyLimits] | None = None) -> GridForecast:
        """What is expected to flow in the interval at a position of the calendar, before its gate closes.

        Args:
            position: in the calendar, from 0.
            limits: of a published envelope, Wh, by account: inverters keep to them.
        """
        nets = {
            home.account: expectation(self.scenario, home, position, self.seed).net_import_wh
            for home in self.scenario.participants
        }
        return GridForecast(
            nodes=self._nodes,
            import_wh={account: max(0, net) for account, net in nets.items()},
            export_wh={
                account: min(max(0, -net), limits[account].exported) if limits else max(0, -net)
                for account, net in nets.items()
            },
            background_w=self._background_w[position],
            background_var=self._background_var[position],
            inverter_va=self._inverter_va,
            phases=self._phases,
        )

    def deliver(
        self,
        home: Participant,
        position: int,
        judgement: Judgement,
        accepted_sell: int,
        envelope: EnergyLimits | None = None,
    ) -> Flow:
        """What a home really does. Its inverter never feeds in more than a published envelope allows.

        Under any verdict of the committee but Accept its inverter feeds in what was accepted and the surplus
        that the network can carry; everything beyond earns nothing.
        """
        limit = None if envelope is None else envelope.exported
        if not judgement.report.verdict.pays_surplus:
            carried = accepted_sell + judgement.surplus_wh(home.account)
            limit = carried if limit is None else min(limit, carried)
        return metered_flow(home.demand_wh[position], home.generation_wh[position], limit)
