"""What is about to flow in one interval: every trader's cleared and forecast energy, and the background."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.connection import directions, spread
from peerwatt.grid.errors import InjectionError
from peerwatt.units import HOUR_S


@dataclass(frozen=True)
class Exchange:
    """One interval before the grid gate.

    All trader arrays have the length of `participants`; energy is in whole Wh.

    Attributes:
        interval_s: Length of the interval, s.
        participants: Participant ids, each once.
        nodes: Position of each participant's node in the feeder's nodal arrays.
        sell_wh: Cleared sells.
        buy_wh: Cleared buys.
        export_wh: Forecast physical export, traded or not; what was sold is exported at least.
        import_wh: Forecast physical import, traded or not. This is the load: a purchase beyond it is none,
            for nobody can draw what the feeder has to be relieved by.
        background_w: Injection of everything that does not trade, W, generation positive, `(nodes of the
            feeder,)`.
        background_var: Reactive injection of everything, var, or none.
        phases: On a three-phase feeder the phase of each participant, 1 to 3, 0 for all three; none: all
            three. Backgrounds may then have a phase axis, `(nodes of the feeder, 3)`.
        backed_wh: What of the sells was offered within the forecast; none: all of them.
    """

    interval_s: int
    participants: Sequence[int]
    nodes: Ints
    sell_wh: Ints
    buy_wh: Ints
    export_wh: Ints
    import_wh: Ints
    background_w: Floats
    background_var: Floats | None = None
    phases: Ints | None = None
    backed_wh: Ints | None = None

    def __post_init__(self) -> None:
        n = len(self.participants)
        if len(set(self.participants)) != n:
            raise InjectionError("a participant is listed twice; add its trades up")
        for name in ("nodes", "sell_wh", "buy_wh", "export_wh", "import_wh"):
            value = np.asarray(getattr(self, name))
            if value.shape != (n,) or (n and not np.issubdtype(value.dtype, np.integer)):
                raise InjectionError(f"{name} must hold {n} whole numbers, one per participant")
            if n and value.min() < 0:
                raise InjectionError(
                    f"{name} of participant {self.participants[int(value.argmin())]} is negative"
                )
            object.__setattr__(self, name, value.astype(np.int64))
        if n and int(self.nodes.max()) >= len(self.background_w):
            raise InjectionError("a participant's node is not on the feeder")
        if int(self.sell_wh.sum()) != int(self.buy_wh.sum()):
            raise InjectionError(
                f"cleared sells {self.sell_wh.sum()} Wh and buys {self.buy_wh.sum()} Wh differ"
            )
        if self.phases is not None and (
            self.phases.shape != (n,) or not np.isin(self.phases, (0, 1, 2, 3)).all()
        ):
            raise InjectionError("phases must be 0 (all three), 1, 2 or 3, one per participant")
        if self.backed_wh is not None and (
            self.backed_wh.shape != (n,)
            or (self.backed_wh < 0).any()
            or (self.backed_wh > self.sell_wh).any()
        ):
            raise InjectionError("backed_wh must be from 0 to what each sold")
        if self.interval_s <= 0:
            raise InjectionError(f"the interval's length is {self.interval_s} s, must be positive")

    @property
    def w_per_wh(self) -> float:
        """Mean power of one Wh in this interval, W."""
        return HOUR_S / self.interval_s

    @property
    def sold_within_forecast_wh(self) -> Ints:
        """What of the sells was offered within the forecast."""
        return self.sell_wh if self.backed_wh is None else self.backed_wh

    @cached_property
    def surplus_wh(self) -> Ints:
        """Forecast export that found no buyer."""
        return np.asarray(np.maximum(self.export_wh - self.sell_wh, 0))

    def injection_w(self, sell_wh: Ints, surplus_wh: Ints) -> Floats:
        """Injection when these sells and surpluses are exported, W, `(nodes of the feeder,)` or with
        phases.
        """
        own = self.spread_w((sell_wh + surplus_wh - self.import_wh) * np.float64(self.w_per_wh))
        base = np.asarray(self.background_w, dtype=np.float64)
        return own + (base if base.ndim == own.ndim else base[:, None] / 3)

    def spread_w(self, power_w: Floats) -> Floats:
        """Powers of the traders summed per node (and phase), W."""
        three = self.phases is None and self.background_w.ndim == 2
        phases = np.zeros_like(self.nodes) if three else self.phases
        return spread(power_w, self.nodes, phases, len(self.background_w))

    @property
    def reactive_var(self) -> Floats | None:
        """Reactive injections in the shape of `injection_w`, var."""
        shaped = self.phases is not None or self.background_w.ndim == 2
        q = self.background_var
        return q[:, None].repeat(3, axis=1) / 3 if q is not None and shaped and q.ndim == 1 else q

    @cached_property
    def connections(self) -> tuple[Floats, Ints]:
        """One watt at each distinct connection, and the connection of each trader; see `directions`."""
        three = self.phases is None and self.background_w.ndim == 2
        phases = np.zeros_like(self.nodes) if three else self.phases
        return directions(self.nodes, phases, len(self.background_w))

    def digest(self) -> bytes:
        """SHA-256 over every input, 32 bytes: integers and floats as 8 bytes big-endian, in the order of the
        attributes.
        """
        h = hashlib.sha256(b"peerwatt-exchange-1")
        head = np.array([self.interval_s, len(self.participants), len(self.background_w)], dtype=">i8")
        h.update(head.tobytes())
        h.update(np.asarray(self.participants, dtype=">i8").tobytes())
        for values in (self.nodes, self.sell_wh, self.buy_wh, self.export_wh, self.import_wh):
            h.update(values.astype(">i8").tobytes())
        for optional in (self.phases, self.backed_wh):
            if optional is not None:
                h.update(np.asarray(optional, dtype=">i8").tobytes())
        for power in (self.background_w, self.background_var):
            if power is not None:
                h.update((np.asarray(power, dtype=">f8") + 0.0).tobytes())
        return h.digest()
