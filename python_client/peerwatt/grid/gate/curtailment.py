"""Bringing a feeder back within its limits by cutting exports.

One pass linearises the flow at the present exports, cuts by a rule, and checks the result by an exact flow.
If a limit is still broken, the next pass linearises there, with limits tightened by what the check found.
Loads are not cut.

The first pass starts from all exports. If they have no power flow, or no pass from there keeps every limit,
the search starts again from the largest common share: everybody exports the same fraction, as much as keeps
the limits; and then from no exports at all. What is left of the exports is never worse than all of them: of
the states that were solved the one with the least violation is the answer, and among equals the one with the
least cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.errors import CurtailmentError, FlowError
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.gate.constraints import KEPT_PERCENT, Constraints
from peerwatt.grid.gate.curtailment_rules import HELPS_PERCENT, Curtailment, least_cut
from peerwatt.grid.gate.network import Network, network_of

PASSES, EASY_PASSES = 12, 5
HALVINGS = 5  # of a step that makes the state worse
STEP_PERCENT = 1.0  # a violation that a whole step may leave behind: the next pass mends it
PROBES = 8  # shares at which a violation that cutting seems not to mend is looked at again
SHARES = 1024  # steps of the common share of amounts
MARGIN_PERCENT = 1e-3  # kept clear of a limit: 1e-5 pu of voltage, 1e-5 of a rating
EXACT_PERCENT = 2e-3  # the linearisation's largest error that ends the search; 2e-5 pu


@dataclass(frozen=True)
class Curtailed:
    """What is left of the exports.

    Attributes:
        sell_wh: Traded export that stays, whole Wh, `(traders,)`.
        surplus_wh: Untraded export that stays, whole Wh, `(traders,)`.
        flow: The exact flow of that state.
    """

    sell_wh: Ints
    surplus_wh: Ints
    flow: FlowResult


def curtail(
    solver: PowerFlow, exchange: Exchange, rule: Curtailment = least_cut, network: Network | None = None
) -> Curtailed:
    """Cut exports until the exact flow is within limits, or as near as cutting exports can bring it.

    Args:
        solver: The feeder's solver.
        exchange: What is about to flow.
        rule: Who is cut; the least total by default.
        network: The network as the exports meet it; without any answer of inverters by default.

    Returns:
        Whole watt-hours that stay, rounded down, and their exact flow.

    Raises:
        FlowError: No share of the exports has a power flow.
    """
    found = network or network_of(solver, exchange)
    return cut_back(found, exchange.sell_wh, exchange.surplus_wh, exchange.w_per_wh, rule)


def cut_back(network: Network, first: Ints, second: Ints, unit_w: float, rule: Curtailment) -> Curtailed:
    """Cut whole amounts of power until the exact flow is within limits.

    Args:
        network: The network as the amounts meet it.
        first: Amounts that are spared first, units, `(k,)`.
        second: Amounts that are cut first, units, `(k,)`.
        unit_w: Power of one unit, W.
        rule: Who is cut.

    Returns:
        What is left of both, and the exact flow.

    Raises:
        FlowError: No common share of the amounts has a power flow.
    """
    search = _Search(network, first, second, np.float64(unit_w), rule)
    with suppress(FlowError):
        search.flow(first, second)
    for start in search.starts():
        with suppress(FlowError, CurtailmentError):
            found = search.begin_at(*start)
            if found and not search.can_be_better(found):
                return found
    return search.best()


def largest_share_with_a_flow(network: Network, first: Ints, second: Ints, unit_w: float) -> FlowResult:
    """The flow of the largest common share of amounts that has one.

    Raises:
        FlowError: There is no flow without any of them.
    """
    search = _Search(network, first, second, np.float64(unit_w), least_cut)
    with suppress(FlowError):
        return search.flow(*search.common_share(within_limits=False))
    if search.probes:
        return search.probes[0].flow
    raise search.no_flow()


@dataclass(frozen=True)
class _Search:
    """The search for the largest whole amounts within limits; its attributes are `cut_back`'s arguments."""

    network: Network
    first: Ints
    second: Ints
    unit_w: np.float64
    rule: Curtailment
    seen: list[Curtailed] = field(default_factory=list)

    @property
    def constraints(self) -> Constraints:
        return self.network.constraints

    def flow(self, left: Ints, left_second: Ints) -> FlowResult:
        """The exact flow with these amounts, which is kept in mind.

        Raises:
            FlowError: There is none.
        """
        flow = self.network.solve((left + left_second) * self.unit_w)
        self.seen.append(Curtailed(left, left_second, flow))
        return flow

    def worst_percent(self, state: Curtailed) -> float:
        """The largest violation of a state, percent; 0 where every limit is kept."""
        worst = float(self.constraints.excess(state.flow).max(initial=0.0))
        return worst if worst > KEPT_PERCENT else 0.0

    @cached_property
    def probes(self) -> list[Curtailed]:
        """States with the same share of all amounts, from most of them to none; those that have a flow."""
        found = []
        for part in range(PROBES - 1, -1, -1):
            with suppress(FlowError):
                self.flow(self.first * part // PROBES, self.second * part // PROBES)
                found.append(self.seen[-1])
        return found

    def starts(self) -> Iterator[tuple[Ints, Ints]]:
        """Where the search begins: at all amounts, at the largest common share within limits, at the share
        with the least violation, at none.
        """
        yield self.first, self.second
        with suppress(FlowError):
            yield self.common_share()
        if self.probes:
            least = min(self.probes, key=self.worst_percent)
            yield least.sell_wh, least.surplus_wh
        yield np.zeros_like(self.first), np.zeros_like(self.second)

    def can_be_better(self, found: Curtailed) -> bool:
        """Whether a state that was solved violates its limits by less, or the way there was a winding one."""
        worst = self.worst_percent(found)
        if worst == 0.0:
            return len(self.seen) > 2 * EASY_PASSES + 1
        return min(map(self.worst_percent, (*self.seen, *self.probes))) < worst - 2 * HELPS_PERCENT

    def best(self) -> Curtailed:
        """Of all states that were solved, the least violation, and of those what the rule likes best.

        Raises:
            FlowError: None was.
        """
        if not self.seen:
            raise self.no_flow()
        best = min(map(self.worst_percent, self.seen))
        near = [s for s in self.seen if self.worst_percent(s) <= (best + HELPS_PERCENT if best else 0.0)]
        asked = np.concatenate([self.first, self.second])
        return max(
            near,
            key=lambda s: self.rule.rank(np.concatenate([s.sell_wh, s.surplus_wh]), asked, len(s.sell_wh)),
        )

    def no_flow(self) -> FlowError:
        """What is said where nothing has a flow."""
        return FlowError(
            f"feeder {self.network.solver.feeder.name}: the power flow does not converge, "
            "whatever share of the exports flows"
        )

    def begin_at(self, left: Ints, left_second: Ints) -> Curtailed | None:
        """Search with a first linearisation at these amounts.

        Returns:
            The last answer that passed the exact check, or none.

        Raises:
            FlowError: a state on the way has no power flow.
        """
        first_w: Floats = self.first * self.unit_w
        second_w: Floats = self.second * self.unit_w
        limits = self.constraints.limits
        tightened = np.zeros(len(limits))
        feasible: Curtailed | None = None
        for done in range(1, PASSES + 1):
            at, slopes = self.network.linearise((left + left_second) * self.unit_w)
            cut_so_far = (self.first - left + self.second - left_second) * self.unit_w
            # value as a function of the whole cut, not of the change from this pass's operating point
            value = self.constraints.values(at) + slopes @ cut_so_far
            room = value - limits + MARGIN_PERCENT + tightened
            touched = np.flatnonzero(room + np.maximum(-slopes, 0) @ (first_w + second_w) > 0)
            cut, cut_second, slack = self.rule.cut(slopes[touched], room[touched], first_w, second_w)
            relaxed = np.zeros(len(limits))
            relaxed[touched] = slack
            before, before_second = left, left_second
            left = self.first - _whole(cut / self.unit_w, self.first)
            left_second = self.second - _whole(cut_second / self.unit_w, self.second)
            self.seen.append(Curtailed(before, before_second, at))
            left, left_second, flow, short = self._step(before, before_second, left, left_second, relaxed)
            found = self.constraints.values(flow)
            excess = found - limits - relaxed
            off = np.abs(found - value + slopes @ (cut + cut_second))[touched].max(initial=0.0)
            if excess.max() <= 0 and not short:
                feasible = self.seen[-1]
                stands = np.array_equal(left, before) and np.array_equal(left_second, before_second)
                if off < EXACT_PERCENT or stands:  # the next pass would be the same
                    break
            if done > 2 and not short:  # only rounding is left: tighten the limit by it
                tightened += np.where(excess > 0, excess + MARGIN_PERCENT / 10, 0.0)
        return feasible

    def _step(
        self, left: Ints, left_second: Ints, to: Ints, to_second: Ints, relaxed: Floats
    ) -> tuple[Ints, Ints, FlowResult, bool]:
        """Go where the linearisation says, or only part of the way where that has no flow or violates more.

        Returns:
            The amounts, their flow, and whether it was a part of the way.

        Raises:
            FlowError: No part of the way has a flow.
        """
        here = float((self.constraints.excess(self.seen[-1].flow) - relaxed).max())
        for halving in range(HALVINGS):
            part = 2**halving
            a, b = left + (to - left) // part, left_second + (to_second - left_second) // part
            try:
                flow = self.flow(a, b)
            except FlowError:
                if halving == HALVINGS - 1:
                    raise
                continue
            there = float((self.constraints.excess(flow) - relaxed).max())
            if there <= max(here, STEP_PERCENT) or halving == HALVINGS - 1:
                return a, b, flow, halving > 0
        raise AssertionError

    def common_share(self, *, within_limits: bool = True) -> tuple[Ints, Ints]:
        """The same fraction of everybody's amount, as large as keeps the limits.

        The second amounts are used only if all of the first fit. If the limits are broken without either,
        both are as large as does not make it worse.

        Args:
            within_limits: Whether limits are looked at; if not, the largest share that has a flow.

        Raises:
            FlowError: there is no power flow without any of them.
        """

        def amounts(share: int) -> tuple[Ints, Ints]:
            return (
                self.first * min(share, SHARES) // SHARES,
                self.second * max(share - SHARES, 0) // SHARES,
            )

        bare = self.constraints.values(self.flow(*amounts(0)))
        allowed = np.maximum(self.constraints.limits, bare) if within_limits else np.full(len(bare), np.inf)
        kept, beyond = 0, 2 * SHARES + 1
        while beyond - kept > 1:
            share = (kept + beyond) // 2
            try:
                fits = bool((self.constraints.values(self.flow(*amounts(share))) <= allowed).all())
            except FlowError:
                fits = False
            kept, beyond = (share, beyond) if fits else (kept, share)
        return amounts(kept)


def _whole(cut: Floats, most: Ints) -> Ints:
    """Cuts rounded up to whole units; below a thousandth of a unit a cut is solver noise and counts as 0."""
    return np.minimum(np.ceil(cut - 1e-3), most).astype(np.int64).clip(0)
