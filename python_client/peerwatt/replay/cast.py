"""Everybody who takes part in a replay, with demonstration keys. Nothing else of a replay holds keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from peerwatt.agents.draws import uniform
from peerwatt.chain import Deployment, Network, Sender
from peerwatt.client import MarketClient, MarketView
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.messages import ROSTER_PAGE
from peerwatt.oracle.chain_follower import ChainFollower
from peerwatt.oracle.derivations import Derivations
from peerwatt.oracle.envelope_publisher import EnvelopePublisher
from peerwatt.oracle.envelope_record import EnvelopeRecord
from peerwatt.oracle.followed_chain import FollowedChain
from peerwatt.oracle.forecast_file import ForecastSource
from peerwatt.oracle.forecast_notice import NoticeBoard
from peerwatt.oracle.seat import Habits, Seat
from peerwatt.oracle.signing_record import SigningRecord
from peerwatt.oracle.state import Identity, open_state
from peerwatt.oracle.votes import DirectVotes
from peerwatt.replay.scheduler import Role
from peerwatt.replay.wiring import Listeners, Wiring, direct
from peerwatt.roles.committee_member import Member
from peerwatt.roles.dispatch import Dispatch
from peerwatt.roles.home import Home
from peerwatt.roles.keeper import Keeper
from peerwatt.roles.metering_desk import MeteringDesk
from peerwatt.roles.ports import Diary, MeterSignedReading, Readings
from peerwatt.roles.relayer import OrderQueue, Relayer
from peerwatt.scenario.forecasts import ScenarioForecasts
from peerwatt.scenario.household import Household
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.market_clock import ORDER_LEAD_S
from peerwatt.scenario.scenario import Scenario


@dataclass(frozen=True)
class Stage:
    """What a cast plays on.

    Attributes:
        scenario: whose parties they are.
        network: the chain.
        deployment: the market's contracts.
        view: what it saw.
        seed: of every draw and key.
        first: interval on chain of the scenario's first one.
        intervals: how many are replayed; all of the scenario's by default.
    """

    scenario: Scenario
    network: Network
    deployment: Deployment
    view: MarketView
    seed: int
    first: int
    intervals: int | None = None

    @property
    def keys(self) -> PilotKeys:
        """Everybody's."""
        return PilotKeys(self.seed)

    def client(self, key: str) -> MarketClient:
        """The market through one of the keys, by its name in `PilotKeys`."""
        return MarketClient(self.network, self.deployment, Sender(self.network, getattr(self.keys, key)))


def envelope_pages(scenario: Scenario) -> int:
    """Pages of participants for which envelopes are published; none where the scenario has none."""
    last = max(participant.account for participant in scenario.participants)
    return last // ROSTER_PAGE + 1 if scenario.envelope else 0


@contextmanager
def cast(
    stage: Stage, diary: Diary, committee: Role | None = None, wiring: Wiring = direct
) -> Iterator[list[Role]]:
    """Everybody, in the order in which they are stepped at one appointment.

    Args:
        stage: what they play on.
        diary: told of what the chain does not see.
        committee: whoever stands for members that are processes of their own; without it they are here.
        wiring: how homes and members reach the others.
    """
    scenario, keys = stage.scenario, stage.keys
    market, view = scenario.market, stage.view
    derivations = Derivations(PowerFlow(scenario.feeder))
    forecasts = ScenarioForecasts(scenario, stage.seed, stage.first)
    relaying = stage.client("relayer")
    with ExitStack() as stack:
        queue = stack.enter_context(OrderQueue())
        relayer = Relayer(relaying, queue, view, keys.salt)
        metering = stage.client("metering_operator")
        desk = MeteringDesk(metering, market, view, bytes(keys.metering_operator.key))
        dispatch = Dispatch(
            relaying, market, view, derivations, forecasts, scenario.rules, diary, stage.first
        )
        readings = LossyReadings(desk, scenario.lost_readings_permille, stage.seed, _ahead(stage))
        reached = stack.enter_context(wiring(Listeners(relayer, readings, dispatch, forecasts)))
        homes = [
            Home(
                Household(scenario, participant, stage.seed, stage.first, stage.intervals),
                bytes(keys.order_key(participant.account).key),
                bytes(keys.meter_key(participant.account).key),
                market,
                relaying.domain,
                view,
                reached.orders,
                reached.readings,
                reached.allowances,
                diary,
                stage.first,
            )
            for participant in scenario.participants
        ]
        members: list[Role] = [committee] if committee else []
        if committee is None:
            members += stack.enter_context(committee_members(stage, reached.forecasts, derivations))
        keeper = Keeper(stage.client("keeper"), market, view)
        yield [*members, *homes, relayer, desk, keeper, dispatch]


@contextmanager
def committee_members(
    stage: Stage, forecasts: ForecastSource, derivations: Derivations
) -> Iterator[list[Member]]:
    """The oracle's members, each with its own key, its own state and its own view of the chain.

    Args:
        stage: what they play on.
        forecasts: where all of them have theirs from.
        derivations: on the feeder model that they share, being of one process.
    """
    scenario, network, keys = stage.scenario, stage.network, stage.keys
    habits = Habits(advance=False, envelope_lead_s=ORDER_LEAD_S + max(1, envelope_pages(scenario)))
    accounts = [keys.committee_member(index) for index in range(scenario.committee.members)]
    with ExitStack() as stack:
        states = [
            stack.enter_context(
                closing(
                    open_state(
                        "",
                        Identity(
                            account.address, network.chain_id, stage.deployment.addresses["EnergyMarket"]
                        ),
                    )
                )
            )
            for account in accounts
        ]
        members = []
        for account, state in zip(accounts, states, strict=True):
            client = MarketClient(network, stage.deployment, Sender(network, account))
            seat = Seat(client, account, habits)
            votes = DirectVotes(other for other in states if other is not state)
            envelopes = None
            if scenario.envelope:
                envelopes = EnvelopePublisher(seat, derivations, forecasts, EnvelopeRecord(state), votes)
            members.append(
                Member(
                    seat,
                    derivations,
                    forecasts,
                    scenario.rules,
                    ChainFollower(client, FollowedChain(state), 0),
                    SigningRecord(state),
                    NoticeBoard(state),
                    votes,
                    envelopes,
                )
            )
        yield members


class LossyReadings:
    """The way from the meters to the metering desk, on which some readings get lost."""

    def __init__(self, desk: Readings, lost_permille: int, seed: int, ahead: int) -> None:
        """
        Args:
            desk: where those that arrive go.
            lost_permille: how many of a thousand do not.
            seed: of the draws.
            ahead: an interval's number in the scenario less its number on chain.
        """
        self._desk = desk
        self._lost_permille = lost_permille
        self._seed = seed
        self._ahead = ahead

    def accept(self, signed: MeterSignedReading) -> None:
        """As `Readings` has it."""
        reading = signed.reading
        scenario_interval = reading.interval + self._ahead
        if (
            uniform(1, 1000, self._seed, "lost reading", reading.participant, scenario_interval)
            > self._lost_permille
        ):
            self._desk.accept(signed)


def _ahead(stage: Stage) -> int:
    """What an interval's number in the scenario is above its number on chain."""
    return stage.scenario.calendar.first - stage.first
