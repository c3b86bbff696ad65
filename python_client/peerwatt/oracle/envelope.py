"""What the committee publishes before gate closure: the envelopes that follow from forecast and connections.

Pure: whoever has the forecast, the connections and the feeder gets the same envelopes, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from peerwatt.errors import InputError
from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.operating_envelope import operating_envelope
from peerwatt.messages import NO_LIMITS, ROSTER_PAGE, EnvelopeLimits, OperatingEnvelope
from peerwatt.oracle.feeder_state import GridForecast
from peerwatt.units import CONNECTION_UNIT_W, HOUR_S


@dataclass(frozen=True)
class EnvelopeInputs:
    """What the envelopes of an interval follow from, next to the feeder.

    Attributes:
        interval: the interval.
        length_s: its length, s.
        connections: limits of every participant's connection, by account, units of 100 W.
        forecast: what is expected to flow.
    """

    interval: int
    length_s: int
    connections: Mapping[int, EnvelopeLimits]
    forecast: GridForecast

    @property
    def accounts(self) -> list[int]:
        """The participants, ascending."""
        return sorted(self.connections)

    def digest(self) -> bytes:
        """SHA-256 over every input, 32 bytes: integers and floats as 8 bytes big-endian."""
        h = hashlib.sha256(b"peerwatt-envelope-1")
        h.update(np.array([self.interval, self.length_s, len(self.connections)], dtype=">i8").tobytes())
        for values in (np.array(self.accounts, dtype=np.int64), *self._columns()):
            h.update(values.astype(">i8").tobytes())
        for power in (self.forecast.background_w, self.forecast.background_var):
            h.update((np.asarray(power, dtype=">f8") + 0.0).tobytes())
        return h.digest()

    def envelopes(self, solver: PowerFlow) -> tuple[OperatingEnvelope, ...]:
        """One envelope for every page of the registry, in their order.

        Capacity is shared by equal shares of what is expected, then of what connections could carry beyond.

        Raises:
            InputError: the forecast leaves out a participant.
            FlowError: the power flow has no solution.
        """
        nodes, phases, imports, exports, drawn, injected = self._columns()
        background_w, background_var = map(
            self._shaped, (self.forecast.background_w, self.forecast.background_var)
        )
        found = operating_envelope(
            solver,
            nodes,
            exports * CONNECTION_UNIT_W,
            imports * CONNECTION_UNIT_W,
            background_w,
            background_var,
            phases=phases if self.forecast.phases else None,
            expected_w=(self._watts(injected), self._watts(drawn)),
        )
        limits = {
            account: EnvelopeLimits(int(offtake) // CONNECTION_UNIT_W, int(injection) // CONNECTION_UNIT_W)
            for account, offtake, injection in zip(
                self.accounts, found.offtake_w, found.injection_w, strict=True
            )
        }
        last = max(self.accounts)
        return tuple(
            OperatingEnvelope(
                interval=self.interval,
                page=first // ROSTER_PAGE,
                feeder_hash=solver.feeder.feeder_hash,
                inputs_hash=self.digest(),
                limits=tuple(
                    limits.get(account, NO_LIMITS)
                    for account in range(first, min(first + ROSTER_PAGE, last + 1))
                ),
            )
            for first in range(0, last + 1, ROSTER_PAGE)
        )

    def _columns(self) -> tuple[Ints, ...]:
        """Node, phase, import and export limit, expected import and export of each participant."""
        found, forecast = self.connections, self.forecast
        for account in self.accounts:
            if account not in forecast.nodes:
                raise InputError(
                    f"the forecast of interval {self.interval} lacks account {account}: add its row"
                )
        rows = [
            (
                forecast.nodes[account],
                forecast.phases.get(account, 0),
                found[account].imported,
                found[account].exported,
                forecast.import_wh.get(account, 0),
                forecast.export_wh.get(account, 0),
            )
            for account in self.accounts
        ]
        return tuple(np.array(rows, dtype=np.int64).T)

    def _shaped(self, power: Floats) -> Floats:
        """A background as the feeder's flow takes it: with a phase axis where participants have phases."""
        return power[:, None].repeat(3, axis=1) / 3 if self.forecast.phases and power.ndim == 1 else power

    def _watts(self, energy_wh: Ints) -> Ints:
        """Mean power over the interval, W, rounded up."""
        return np.asarray(-(-energy_wh * HOUR_S // self.length_s))
