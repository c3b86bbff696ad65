"""The forecast of one interval as a file: what its operator writes and every member of the committee reads.

One JSON document per interval, elements named as the feeder names them. Integers are Wh; powers are W and
var, positive for demand and negative for feed-in, as in the background files of a scenario.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Protocol, Self, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from peerwatt.errors import InputError
from peerwatt.grid.feeder import Feeder
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.oracle.feeder_state import GridForecast
from peerwatt.tables.text_of_file import not_utf8, read_text

MAX_FILE_BYTES = 64 << 20
"""Far above the forecast of any low-voltage feeder; what is larger is no forecast."""

Document = TypeVar("Document", bound=BaseModel)
Wh = Annotated[int, Field(ge=0, lt=1 << 31)]
Power = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ExpectedFlow(_Strict):
    """One participant: its connection, and what it is expected to import and export, traded or not.

    Attributes:
        account: its account in the market.
        node: of the feeder.
        import_wh: expected import.
        export_wh: expected export.
        inverter_va: rating of its inverter, VA; 0 for none.
        phase: on a three-phase feeder 1 to 3, or 0 for all three.
    """

    account: Annotated[int, Field(ge=0, lt=1 << 16)]
    node: str
    import_wh: Wh
    export_wh: Wh
    inverter_va: Annotated[int, Field(ge=0, lt=1 << 31)] = 0
    phase: Annotated[int, Field(ge=0, le=3)] = 0


class NodePower(_Strict):
    """Mean power, W and var, of everything at a node that does not trade; reactive power is everybody's."""

    node: str
    active_w: Power
    reactive_var: Power


class ForecastDocument(_Strict):
    """What is expected to flow on the feeder in one interval.

    Attributes:
        format: `peerwatt-forecast-1`.
        interval: the interval.
        participants: everybody who may trade, each once.
        nodes: the rest of the feeder; a node that is not named draws nothing.
    """

    format: Literal["peerwatt-forecast-1"] = "peerwatt-forecast-1"
    interval: Annotated[int, Field(ge=0, lt=1 << 32)]
    participants: tuple[ExpectedFlow, ...]
    nodes: tuple[NodePower, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for kind, names in (
            ("account", [str(flow.account) for flow in self.participants]),
            ("node", [power.node for power in self.nodes]),
        ):
            twice = [name for name, times in Counter(names).items() if times > 1]
            if twice:
                raise ValueError(f"{kind} {twice[0]} is listed twice")
        return self

    @classmethod
    def of(cls, interval: int, forecast: GridForecast, feeder: Feeder) -> Self:
        """A forecast in the names of its feeder."""
        names = feeder.node_names
        var = np.asarray(forecast.background_var, dtype=float)
        return cls(
            interval=interval,
            participants=tuple(
                ExpectedFlow(
                    account=account,
                    node=names[forecast.nodes[account]],
                    import_wh=forecast.import_wh.get(account, 0),
                    export_wh=forecast.export_wh.get(account, 0),
                    inverter_va=forecast.inverter_va.get(account, 0),
                    phase=forecast.phases.get(account, 0),
                )
                for account in sorted(forecast.nodes)
            ),
            nodes=tuple(
                NodePower(node=name, active_w=-active + 0.0, reactive_var=-reactive + 0.0)
                for name, active, reactive in zip(
                    names, forecast.background_w.tolist(), var.tolist(), strict=True
                )
                if active or reactive
            ),
        )

    def within(self, limits: Mapping[int, EnergyLimits]) -> Self:
        """The forecast with inverters that keep to a published operating envelope.

        Args:
            limits: by account, Wh; who is not named feeds in what was expected.
        """
        kept = tuple(
            flow.model_copy(update={"export_wh": min(flow.export_wh, limits[flow.account].exported)})
            if flow.account in limits
            else flow
            for flow in self.participants
        )
        return self.model_copy(update={"participants": kept})

    def on(self, feeder: Feeder) -> GridForecast:
        """The forecast as the power flow takes it, W and var of injection per node of `feeder`.

        Raises:
            FeederError: the feeder has no node of a name.
        """
        active, reactive = np.zeros(len(feeder.node_names)), np.zeros(len(feeder.node_names))
        for power in self.nodes:
            active[feeder.node(power.node)] = -power.active_w
            reactive[feeder.node(power.node)] = -power.reactive_var
        return GridForecast(
            nodes={flow.account: feeder.node(flow.node) for flow in self.participants},
            import_wh={flow.account: flow.import_wh for flow in self.participants},
            export_wh={flow.account: flow.export_wh for flow in self.participants},
            background_w=active,
            background_var=reactive,
            inverter_va={flow.account: flow.inverter_va for flow in self.participants},
            phases={flow.account: flow.phase for flow in self.participants} if feeder.three_phase else {},
        )


class ForecastSource(Protocol):
    """Where a member takes its forecasts from."""

    def forecast(self, interval: int) -> ForecastDocument | None:
        """What is expected in an interval; None where nobody has said so yet.

        Raises:
            InputError: what was said cannot be used.
        """


class ForecastDirectory:
    """A directory with one file `<interval>.json` per interval."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            InputError: there is no such directory.
        """
        if not path.is_dir():
            raise InputError(f"{path}: no such directory of forecasts: create it, or name another one")
        self.path = path

    def file(self, interval: int) -> Path:
        """Where the forecast of an interval lies."""
        return self.path / f"{interval}.json"

    def forecast(self, interval: int) -> ForecastDocument | None:
        """The file of an interval, checked; None while there is none."""
        path = self.file(interval)
        if not path.exists():
            return None
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path}: larger than {MAX_FILE_BYTES} bytes, no forecast")
        try:
            text = read_text(path)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        if refused := not_utf8(text, "its names"):
            raise InputError(f"{path}: {refused}")
        found = parse_document(ForecastDocument, text.text, str(path))
        if found.interval != interval:
            raise InputError(f"{path}: interval: is {found.interval}, not that of the file's name; rename it")
        return found

    def write(self, document: ForecastDocument) -> Path:
        """Put a forecast there, in one piece: who reads finds all of it or nothing."""
        path = self.file(document.interval)
        partial = path.with_suffix(".partial")
        partial.write_text(document.model_dump_json() + "\n", encoding="utf-8")
        os.replace(partial, path)
        return path


def parse_document(model: type[Document], text: str | bytes, origin: str) -> Document:
    """Read a JSON document.

    Raises:
        InputError: it does not fit; the first mistake, with its place.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{origin}: {place + ': ' if place else ''}{first['msg']}") from None
