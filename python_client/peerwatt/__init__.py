"""Peerwatt: a peer-to-peer energy market that the grid can trust.

The names below are what a program needs most; everything else is in the package's rooms. Each is imported
when it is first used, so `import peerwatt` itself takes a few milliseconds.

| name | what it is |
|---|---|
| `load_scenario`, `Scenario` | files to a checked neighbourhood |
| `replay`, `ReplayResult` | its market, interval by interval, on a chain |
| `compare`, `Comparison` | market designs on the same days |
| `frames` | a result as pandas DataFrames |
| `write_results`, `read_results` | a result as a report's directory, and back |
| `clear_book` | one auction on a list of bids and asks |
| `MarketTwin` | the contracts again in plain integers |
| `load_feeder`, `Feeder`, `power_flow`, `FlowResult` | a feeder and its voltages, loadings and losses |
| `PeerwattError`, `InputError`, `ChainError` | what a caller catches |
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from peerwatt.errors import ChainError, InputError, PeerwattError

if TYPE_CHECKING:
    from peerwatt.compare.result import Comparison
    from peerwatt.compare.run import compare
    from peerwatt.grid.feeder import Feeder
    from peerwatt.grid.files.feeder_file import load_feeder
    from peerwatt.grid.flow.power_flow import FlowResult, power_flow
    from peerwatt.market.clear_book import clear_book
    from peerwatt.market.energy_market import MarketTwin
    from peerwatt.record.results import ReplayResult
    from peerwatt.replay.run import replay
    from peerwatt.report.files import read_results, write_results
    from peerwatt.report.frames import frames
    from peerwatt.scenario.loading import load_scenario
    from peerwatt.scenario.scenario import Scenario

__version__ = "0.1.0"

__all__ = [
    "ChainError",
    "Comparison",
    "Feeder",
    "FlowResult",
    "InputError",
    "MarketTwin",
    "PeerwattError",
    "ReplayResult",
    "Scenario",
    "__version__",
    "clear_book",
    "compare",
    "frames",
    "load_feeder",
    "load_scenario",
    "power_flow",
    "read_results",
    "replay",
    "write_results",
]

_MODULE_OF: Final = {
    "Comparison": "peerwatt.compare.result",
    "Feeder": "peerwatt.grid.feeder",
    "FlowResult": "peerwatt.grid.flow.power_flow",
    "MarketTwin": "peerwatt.market.energy_market",
    "ReplayResult": "peerwatt.record.results",
    "Scenario": "peerwatt.scenario.scenario",
    "clear_book": "peerwatt.market.clear_book",
    "frames": "peerwatt.report.frames",
    "load_feeder": "peerwatt.grid.files.feeder_file",
    "load_scenario": "peerwatt.scenario.loading",
    "power_flow": "peerwatt.grid.flow.power_flow",
    "read_results": "peerwatt.report.files",
    "write_results": "peerwatt.report.files",
}
_CALLABLE_ROOMS: Final = ("compare", "replay")
"""Rooms that are called by their own name, see `callable_room`."""

if not TYPE_CHECKING:  # a type checker that saw it would take any name for one of ours

    def __getattr__(name: str) -> Any:
        if name in _CALLABLE_ROOMS:
            return import_module(f"peerwatt.{name}")
        if name in _MODULE_OF:
            found = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
            return found
        raise AttributeError(f"module 'peerwatt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
