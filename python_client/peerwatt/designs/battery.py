"""Battery scheduling by mixed-integer programming: every home alone, or all behind one meter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from peerwatt.designs.design import PerInterval, Run
from peerwatt.designs.linear_program import Program, solve
from peerwatt.designs.neighbourhood import Battery, Neighbourhood
from peerwatt.designs.orders import FloatArray, IntArray, Terms
from peerwatt.designs.protocol import OFF_CHAIN
from peerwatt.designs.sharing import MidMarketRate
from peerwatt.units import HOUR_S, PERCENT

LUTH = "Luth, Zepter, Crespo del Granado & Egging, Applied Energy 229 (2018) 1233-1243"
STANDARD = Battery(capacity=5_000, power=2_500)
"""Given to every home with panels where the scenario has no batteries."""


@dataclass(frozen=True)
class HomeBatteries:
    """Each home schedules its own battery against the tariff ("Flexi User"), then surplus is shared."""

    name: str = "battery-home"
    title: str = "home batteries scheduled alone (MILP), then mid-market rate"
    source: str = LUTH
    runs: str = OFF_CHAIN

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval."""
        homes = np.arange(len(neighbourhood.names))
        return scheduled(neighbourhood, [np.array([home]) for home in homes])


@dataclass(frozen=True)
class CentralBatteries:
    """One plan for all batteries that makes the neighbourhood's common bill least ("Pool Hub")."""

    name: str = "battery-central"
    title: str = "all batteries scheduled together (MILP), then mid-market rate"
    source: str = LUTH
    runs: str = OFF_CHAIN

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval."""
        return scheduled(neighbourhood, [np.arange(len(neighbourhood.names))])


def scheduled(neighbourhood: Neighbourhood, groups: Sequence[IntArray]) -> Run:
    """Plan the batteries group by group and day by day, then share what the meters see."""
    batteries = batteries_of(neighbourhood)
    charge, discharge = np.zeros_like(neighbourhood.demand), np.zeros_like(neighbourhood.demand)
    for members in groups:
        for day in neighbourhood.days:
            net = (neighbourhood.demand - neighbourhood.generation)[day][:, members].sum(axis=1)
            own = [batteries[int(member)] for member in members]
            plan = schedule(net, own, neighbourhood.terms, neighbourhood.interval_s)
            charge[day, members], discharge[day, members] = plan
    moved = replace(
        neighbourhood, demand=neighbourhood.demand + charge, generation=neighbourhood.generation + discharge
    )
    run = PerInterval(MidMarketRate(), metered=True).run(moved)
    given = sum(battery is not None for battery in batteries)
    note = (
        "" if neighbourhood.batteries else f"{given} homes with panels are given {STANDARD.capacity} Wh each"
    )
    return replace(run, note=note)


def batteries_of(neighbourhood: Neighbourhood) -> tuple[Battery | None, ...]:
    """The scenario's batteries, or a standard one for every home with panels."""
    if neighbourhood.batteries:
        return neighbourhood.batteries
    panels = neighbourhood.generation.max(axis=0, initial=0) > 0
    return tuple(STANDARD if has else None for has in panels)


def schedule(
    net: IntArray, batteries: Sequence[Battery | None], terms: Terms, interval_s: int
) -> tuple[IntArray, IntArray]:
    """The cheapest plan behind one meter: min retail import - feed-in export over the day.

    Columns per interval: import, export, is-importing (0 or 1), and per battery charge, discharge, state of
    charge and is-charging (0 or 1). A battery ends no emptier than it began: empty.

    Args:
        net: Demand less generation, Wh, + import.
        batteries: Behind this meter; None has none.
        terms: Tariffs.
        interval_s: Length of an interval, s.

    Returns:
        Charge and discharge, whole Wh at the terminals, (intervals, batteries).
    """
    present = [(place, battery) for place, battery in enumerate(batteries) if battery is not None]
    steps, shape = len(net), (len(net), len(batteries))
    charge, discharge = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    if present:
        columns = solve(
            _program(net, [battery for _, battery in present], terms, interval_s), "battery plan"
        ).columns
        for number, (place, battery) in enumerate(present):
            first = (3 + 4 * number) * steps
            wished = columns[first : first + steps], columns[first + steps : first + 2 * steps]
            charge[:, place], discharge[:, place] = _whole(*wished, battery)
    return charge, discharge


def _program(net: IntArray, batteries: list[Battery], terms: Terms, interval_s: int) -> Program:
    steps, count = len(net), len(batteries)
    t, width = np.arange(steps), (3 + 4 * len(batteries)) * len(net)
    cost, lower, upper = np.zeros(width), np.zeros(width), np.zeros(width)
    whole = np.zeros(width, dtype=bool)
    cost[:steps], cost[steps : 2 * steps] = terms.retail, -terms.feed_in
    power = [battery.power * interval_s / HOUR_S for battery in batteries]
    most = float(np.abs(net).max(initial=0)) + sum(power)
    upper[: 2 * steps], upper[2 * steps : 3 * steps], whole[2 * steps : 3 * steps] = most, 1, True
    # Rows: energy balance; import only if the flag is 1; export only if it is 0.
    entries = [(t, t, 1.0), (t, steps + t, -1.0)]
    entries += [(steps + t, t, 1.0), (steps + t, 2 * steps + t, -most)]
    entries += [(2 * steps + t, steps + t, 1.0), (2 * steps + t, 2 * steps + t, most)]
    row_lower = [net.astype(float), np.full(2 * steps, -np.inf)]
    row_upper = [net.astype(float), np.zeros(steps), np.full(steps, most)]
    for number, (battery, limit) in enumerate(zip(batteries, power, strict=True)):
        charge = (3 + 4 * number) * steps + t
        give, state, flag = charge + steps, charge + 2 * steps, charge + 3 * steps
        upper[charge], upper[give], upper[state], upper[flag] = limit, limit, battery.capacity, 1
        whole[flag] = True
        # Rows: state of charge; charge only if the flag is 1; discharge only if it is 0.
        stored = (3 + 3 * number) * steps + t
        entries += [(t, charge, -1.0), (t, give, 1.0)]
        entries += [(stored, state, 1.0), (stored[1:], state[:-1], -1.0), (stored, give, 1.0)]
        entries += [(stored, charge, -battery.efficiency_percent / PERCENT)]
        entries += [(stored + steps, charge, 1.0), (stored + steps, flag, -limit)]
        entries += [(stored + 2 * steps, give, 1.0), (stored + 2 * steps, flag, limit)]
        row_lower += [np.zeros(steps), np.full(2 * steps, -np.inf)]
        row_upper += [np.zeros(steps), np.zeros(steps), np.full(steps, limit)]
    assert (3 + 3 * count) * steps == sum(map(len, row_lower))
    return Program(
        cost,
        lower,
        upper,
        rows=np.concatenate([row for row, _, _ in entries]),
        columns=np.concatenate([column for _, column, _ in entries]),
        values=np.concatenate([np.full(len(row), value) for row, _, value in entries]),
        row_lower=np.concatenate(row_lower),
        row_upper=np.concatenate(row_upper),
        whole=whole,
    )


def _whole(charge: FloatArray, discharge: FloatArray, battery: Battery) -> tuple[IntArray, IntArray]:
    """Whole Wh of a plan that an integer state of charge can follow."""
    state, taken, given = 0, [], []  # state in hundredths of a Wh
    for wish_in, wish_out in zip(np.rint(charge).tolist(), np.rint(discharge).tolist(), strict=True):
        room = (battery.capacity * PERCENT - state) // battery.efficiency_percent
        taken.append(min(int(wish_in), room))
        state += taken[-1] * battery.efficiency_percent
        given.append(min(int(wish_out), state // PERCENT))
        state -= given[-1] * PERCENT
    return np.array(taken, dtype=np.int64), np.array(given, dtype=np.int64)
