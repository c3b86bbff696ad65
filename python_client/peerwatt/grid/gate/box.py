"""The largest box of injections and offtakes in which every state is within limits.

Everybody may be anywhere between drawing its offtake limit and injecting its injection limit. A constraint
that is linear in the injections is worst at a corner: whoever raises it injects its limit, whoever lowers it
draws its limit. So a row of slopes `s` asks of the limits `e` and `d`

    value at no exchange + sum(max(s, 0) e) + sum(max(-s, 0) d) <= limit,

on one phase as on three, on a tree as on a ring. Networks are not linear, so each row is linearised where it
is worst: at corners that are found by following the signs of exact slopes, and, where a value is largest
inside, at the top of the parabola between two corners. The box is then solved anew, until the exact flows at
all of these states, and at corners and inner states drawn at random, keep every limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.errors import CurtailmentError, FlowError
from peerwatt.grid.gate.constraints import KEPT_PERCENT
from peerwatt.grid.gate.curtailment import MARGIN_PERCENT
from peerwatt.grid.gate.curtailment_rules import WEIGHS_PERCENT, Curtailment
from peerwatt.grid.gate.network import Network

PASSES, FOLLOWED = 24, 4
NEAR_VOLTAGE_PERCENT, NEAR_LOADING_PERCENT = 0.5, 15.0  # this near to its limit a row is linearised
ALL_CORNERS = 7  # up to so many participants every corner is checked
DRAWN, SHARES = 128, 64
SETTLED = 2  # units: a box that moves no more stands


@dataclass
class Box:
    """The search; limits are whole units, first everybody's injection, then everybody's offtake, `(2k,)`.

    Attributes:
        network: The network as the participants' injections meet it.
        first: Limits that are spared first.
        second: What limits may be beyond it.
        unit_w: Power of a unit, W.
        rule: How capacity is shared.
    """

    network: Network
    first: Ints
    second: Ints
    unit_w: float
    rule: Curtailment
    _points: dict[bytes, Floats] = field(default_factory=dict)
    _cuts: dict[bytes, tuple[Floats, Floats, Ints]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._k = len(self.first) // 2
        constraints = self.network.constraints
        idle = constraints.values(self.network.solve(np.zeros(self._k)))
        # what is violated without anybody must not become worse
        broken = idle > constraints.limits - MARGIN_PERCENT
        self._allowed = np.where(broken, idle + 2 * MARGIN_PERCENT, constraints.limits)
        n, rows = 2 * constraints.voltages, len(idle)
        self._near = np.where(np.arange(rows) < n, NEAR_VOLTAGE_PERCENT, NEAR_LOADING_PERCENT)
        self._tightened = np.zeros(rows)
        for share in (0.0, 1.0, -1.0):
            self._add(np.full(self._k, share))

    def largest(self) -> Ints:
        """The largest box by the rule, units, `(2k,)`.

        Raises:
            FlowError: There is no power flow without any participant.
        """
        best: Ints | None = None
        box, seen = self._begin(), set[bytes]()
        for turn in range(PASSES):
            worst = self._look(box)
            if worst <= 0.0 and (drawn := self._drawn_beyond(box, turn)):
                for point in drawn:
                    self._add(point)
                worst = self._look(box)
            if worst <= 0.0 and (best is None or self._rank(box) > self._rank(best)):
                best = box
            following = self._solved_box()
            if following is None:
                break
            if worst <= 0.0 and np.abs(following - box).max(initial=0) <= SETTLED:
                break
            seen.add(box.tobytes())
            box = self._with_flows(box, following)
            if best is not None and box.tobytes() in seen:  # round and round between equally good boxes
                break
        return self._shrunk(box) if best is None else best

    def _begin(self) -> Ints:
        """A box from the linearisation at no exchange, in which the corners have a flow."""
        zero = np.zeros(self._k)
        nothing = np.zeros_like(self.first)
        self._linearise(zero, nothing, everything=True)
        found = self._solved_box()
        self._cuts.clear()
        return self._with_flows(nothing, self.first + self.second if found is None else found)

    def _solved_box(self) -> Ints | None:
        """The rule's box under all linearised rows."""
        whole = self.first + self.second
        if not self._cuts:
            return whole
        rows = np.concatenate([coefficients for coefficients, _, _ in self._cuts.values()])
        value = np.concatenate([value for _, value, _ in self._cuts.values()])
        at = np.concatenate([row for _, _, row in self._cuts.values()])
        room = value + rows @ (whole * self.unit_w) - self._allowed[at] + MARGIN_PERCENT + self._tightened[at]
        touched = room > 0
        try:
            first_w, second_w = (np.float64(self.unit_w) * units for units in (self.first, self.second))
            cut, cut_second, _ = self.rule.cut(rows[touched], room[touched], first_w, second_w)
        except CurtailmentError:
            return None
        kept = whole - (cut + cut_second) / self.unit_w
        return np.asarray(np.floor(kept + 1e-3).astype(np.int64).clip(0, whole))

    def _state(self, point: Floats, box: Ints) -> Floats:
        """Injections at a point of the box, W: shares of injection limits, below 0 of offtake limits."""
        limit = np.where(point > 0, box[: self._k], box[self._k :])
        return np.asarray(point * limit * self.unit_w)

    def _values(self, points: list[Floats], box: Ints) -> Floats:
        """Values at points of a box, percent, `(points, constraints)`.

        Raises:
            FlowError: One of them has no flow.
        """
        return self.network.values([self._state(point, box) for point in points])

    def _with_flows(self, near: Ints, far: Ints) -> Ints:
        """The far box, or so much of the way to it from a box with flows at all points as has them too."""
        for part in (1, 2, 4, 8, 16, 32, 64):
            box = near + (far - near) // part
            try:
                self._values(list(self._points.values()), box)
            except FlowError:
                continue
            return np.asarray(box)
        return near

    def _look(self, box: Ints) -> float:
        """Look for the worst states of a box, linearise the rows that are near their limits there.

        Returns:
            The largest excess that was found, percent.
        """
        worst, done = -np.inf, set[bytes]()
        for _ in range(FOLLOWED):
            fresh = {key: point for key, point in self._points.items() if key not in done}
            if not fresh:
                break
            done |= set(fresh)
            try:
                values = self._values(list(fresh.values()), box)
            except FlowError:  # a corner that was just found has none: as bad as can be
                return np.inf
            excess = values - self._allowed
            worst = max(worst, float(excess.max()))
            self._tightened += np.where(
                (excess > KEPT_PERCENT) & (excess < 0.1), excess + MARGIN_PERCENT / 10, 0.0
            ).max(axis=0)
            for (key, point), value in zip(list(fresh.items()), values, strict=True):
                rows = np.flatnonzero(value > self._allowed - self._near)
                if len(rows) or key in self._cuts:
                    self._linearise(point, box, rows)
        return worst if worst > KEPT_PERCENT else min(worst, 0.0)

    def _linearise(
        self, point: Floats, box: Ints, rows: Ints | None = None, *, everything: bool = False
    ) -> None:
        """Keep the rows' linearisation at a point; add the points that they say are worse."""
        state = self._state(point, box)
        try:
            flow, slopes = self.network.linearise(state)
        except FlowError:
            return
        value = self.network.constraints.values(flow)
        if everything:
            rows = np.arange(len(value))
        elif (old := self._cuts.get(point.tobytes())) is not None:
            rows = np.union1d(rows if rows is not None else [], old[2]).astype(np.int64)
        assert rows is not None
        s, there = slopes[rows], value[rows] - slopes[rows] @ state
        if everything:  # a current may turn round: its negative is limited too
            turned = self.network.constraints.magnitudes[rows]
            s, there = np.concatenate([s, -s[turned]]), np.concatenate([there, -there[turned]])
            rows = np.concatenate([rows, rows[turned]])
        coefficients = np.hstack([np.maximum(s, 0), np.maximum(-s, 0)])
        self._cuts[point.tobytes()] = coefficients, there, rows
        if everything:
            return
        width = (box[: self._k] + box[self._k :]) * self.unit_w
        pull = s * width
        corners = np.where(np.abs(pull) < WEIGHS_PERCENT, 1.0, np.sign(s))
        for corner in np.unique(corners, axis=0):
            if corner.tobytes() in self._points:
                self._between(point, corner, slopes, rows, box)
            else:
                self._add(corner)

    def _between(self, point: Floats, corner: Floats, slopes: Floats, rows: Ints, box: Ints) -> None:
        """Add the top of the parabola between two points that each call the other one worse."""
        if np.array_equal(point, corner) or corner.tobytes() not in self._cuts:
            return
        way = self._state(corner, box) - self._state(point, box)
        other, _, others = self._cuts[corner.tobytes()]
        both = np.intersect1d(rows, others)
        if not len(both):
            return
        back = np.searchsorted(others, both)
        slopes_there = other[back, : self._k] - other[back, self._k :]
        up, down = slopes[both] @ way, slopes_there @ way
        inside = (up > WEIGHS_PERCENT) & (down < -WEIGHS_PERCENT)
        if inside.any() and len(self._points) < 4 * DRAWN:
            share = float(np.round(np.median(up[inside] / (up[inside] - down[inside])), 2))
            self._add(point + share * (corner - point))

    def _add(self, point: Floats) -> None:
        self._points.setdefault((point + 0.0).tobytes(), point + 0.0)

    def _drawn_beyond(self, box: Ints, turn: int) -> list[Floats]:
        """Corners and inner states, all or drawn, that break a limit: the worst of them."""
        rng = np.random.default_rng(turn)
        if self._k <= ALL_CORNERS:
            corners = 1.0 - 2.0 * (np.arange(2**self._k)[:, None] // 2 ** np.arange(self._k) % 2)
        else:
            corners = rng.choice([-1.0, 1.0], (DRAWN, self._k))
        points = [*corners, *rng.uniform(-1, 1, (DRAWN // 4, self._k))]
        try:
            excess = (self._values(points, box) - self._allowed).max(axis=1)
        except FlowError:
            excess = np.array([self._excess_or_infinite(point, box) for point in points])
        worst = np.argsort(-excess, kind="stable")[:8]
        return [points[k] for k in worst if excess[k] > KEPT_PERCENT]

    def _excess_or_infinite(self, point: Floats, box: Ints) -> float:
        try:
            return float((self._values([point], box) - self._allowed).max())
        except FlowError:
            return np.inf

    def _shrunk(self, box: Ints) -> Ints:
        """The largest share of a box within limits, by all points found and drawn."""
        kept, beyond = 0, SHARES + 1
        while beyond - kept > 1:
            share = (kept + beyond) // 2
            part = box * share // SHARES
            fits = self._look(part) <= 0.0 and not self._drawn_beyond(part, share)
            kept, beyond = (share, beyond) if fits else (kept, share)
        return np.asarray(box * kept // SHARES)

    def _rank(self, box: Ints) -> tuple[float, ...]:
        spared = np.minimum(box, self.first)
        return self.rule.rank(
            np.concatenate([spared, box - spared]), np.concatenate([self.first, self.second]), len(box)
        )
