"""`peerwatt grid hosting | n-1 | series`: what a network operator asks before anything flows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from peerwatt.cli.console import AsJson, print_json, say
from peerwatt.units import KILO

if TYPE_CHECKING:
    from peerwatt.grid.feeder import Feeder
    from peerwatt.grid.planning.contingencies import Contingency
    from peerwatt.grid.planning.hosting_capacity import HostingCapacity
    from peerwatt.grid.planning.series import SeriesResult

FeederFile = Annotated[
    Path, typer.Argument(metavar="FEEDER", help="Canonical feeder file (see grid import).")
]
_SHOWN = 10
_PERCENTILES = (5, 50, 95)


def register(app: typer.Typer) -> None:
    """Add the verbs to `peerwatt grid`."""
    app.command()(hosting)
    app.command("n-1")(outages)
    app.command()(series)


def hosting(
    feeder: FeederFile,
    injections: Annotated[
        Path | None,
        typer.Argument(metavar="[INJECTIONS.csv]", help="What flows already."),
    ] = None,
    node: Annotated[list[str] | None, typer.Option(help="A node to ask for; all unless given.")] = None,
    most: Annotated[float, typer.Option(min=0.1, help="Bound of the search, kW.")] = 1000.0,
    plant: Annotated[float, typer.Option(min=0.1, help="Size of a plant that comes at random, kW.")] = 10.0,
    draws: Annotated[int, typer.Option(min=0, max=10_000, help="How many random orders are tried.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 1,
    as_json: AsJson = False,
) -> None:
    """How much generation fits at each node, at all nodes alike, and in plants at random nodes."""
    import numpy as np

    from peerwatt.grid.planning.hosting_capacity import capacity_by_node, capacity_of_all, random_capacities

    solver, p, q = _state(feeder, injections)
    found = solver.feeder
    sources = {int(s) for s in found.data["source"]["node"]}
    ids = found.data["node"]["id"]
    chosen = (
        list(dict.fromkeys(found.node(name) for name in node))
        if node
        else [k for k in range(len(ids)) if int(ids[k]) not in sources]
    )
    nodes = np.array(chosen, dtype=np.int64)
    each = capacity_by_node(solver, p, q, nodes, round(most * KILO))
    alike = capacity_of_all(solver, p, q, nodes, round(most * KILO))
    random = random_capacities(solver, p, q, nodes, round(plant * KILO), draws, seed) if draws else None
    percentiles = (
        {}
        if random is None
        else {p: int(np.percentile(random, p, method="lower")) / KILO for p in _PERCENTILES}
    )
    if as_json:
        print_json(
            {
                "feeder": found.name,
                "searched_up_to_kw": most,
                "nodes": [_capacity(c) for c in each],
                "all_alike_kw": alike.capacity_w / KILO,
                "random_plants": {
                    "plant_kw": plant,
                    "draws": draws,
                    "seed": seed,
                    "total_kw_percentiles": {str(k): v for k, v in percentiles.items()},
                },
            }
        )
        return
    _print_hosting(each, alike, percentiles, most, plant, draws)


def _capacity(found: HostingCapacity) -> dict[str, Any]:
    broken = found.first_broken
    return {
        "node": found.place,
        "capacity_kw": found.capacity_w / KILO,
        "first_broken": None
        if broken is None
        else {
            "element": broken.element,
            "quantity": broken.quantity,
            "limit": broken.limit,
            "unit": broken.unit,
        },
    }


def _print_hosting(
    each: tuple[HostingCapacity, ...],
    alike: HostingCapacity,
    percentiles: dict[int, float],
    most: float,
    plant: float,
    draws: int,
) -> None:
    from peerwatt.report.terminal import show, table

    lines = table("node", "capacity\n(kW)", "what one step more breaks", long=1)
    for found in sorted(each, key=lambda c: c.capacity_w):
        lines.add_row(found.place, f"{found.capacity_w / KILO:.1f}", _beyond(found, most))
    show(lines)
    say(f"all alike   {alike.capacity_w / KILO:.1f} kW in total; then {_beyond(alike, most)}")
    if percentiles:
        said = ", ".join(f"{kw:g} kW at {share} %" for share, kw in percentiles.items())
        say(f"at random   plants of {plant:g} kW, {draws} orders: {said}")


def _beyond(found: HostingCapacity, most: float) -> str:
    """What one step more breaks."""
    from peerwatt.grid.planning.hosting_capacity import STEP_W

    at_bound = found.capacity_w + STEP_W > round(most * KILO)
    return str(found.first_broken or (f"nothing up to {most:g} kW" if at_bound else "no power flow beyond"))


def outages(
    feeder: FeederFile,
    injections: Annotated[Path, typer.Argument(metavar="INJECTIONS.csv", help="What flows.")],
    branch: Annotated[list[str] | None, typer.Option(help="A branch to take out; all unless given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take each line and transformer out of service, one at a time. Exit code 3 when one is not secure."""
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.grid.planning.contingencies import contingencies

    solver, p, q = _state(feeder, injections)
    found = contingencies(solver.feeder, p, q, branch)
    if as_json:
        print_json({"feeder": solver.feeder.name, "outages": [_outage(solver.feeder, c) for c in found]})
    else:
        _print_outages(found)
    if not all(c.secure for c in found):
        raise typer.Exit(ExitCode.VERDICT)


def _outage(feeder: Feeder, outage: Contingency) -> dict[str, Any]:
    from peerwatt.cli.grid_output import violation_as_dict

    return {
        "branch": outage.branch,
        "secure": outage.secure,
        "solves": outage.solves,
        "unsupplied_nodes": [feeder.node_names[k] for k in outage.unsupplied],
        "unsupplied_demand_kw": outage.unsupplied_demand_w / KILO,
        "violations": [violation_as_dict(v) for v in outage.violations],
    }


def _print_outages(found: tuple[Contingency, ...]) -> None:
    from peerwatt.report.terminal import show, table

    secure = sum(c.secure for c in found)
    say(f"outages     {secure} of {len(found)} leave everybody supplied within every limit")
    lines = table("branch", "nodes\ndark", "demand\n(kW)", "what breaks elsewhere", long=1)
    for c in sorted(found, key=lambda c: (c.secure, -c.unsupplied_demand_w, -len(c.unsupplied))):
        if not c.secure:
            broken = "; ".join(map(str, c.violations[:2])) if c.solves else "no power flow"
            more = f"; {len(c.violations) - 2} more" if len(c.violations) > 2 else ""
            lines.add_row(
                c.branch, str(len(c.unsupplied)), f"{c.unsupplied_demand_w / KILO:.1f}", broken + more
            )
    if lines.row_count:
        show(lines)


def _state(feeder: Path, injections: Path | None) -> tuple[Any, Any, Any]:
    """The solver and what flows already, W and var."""
    from peerwatt.grid.files.feeder_file import load_feeder
    from peerwatt.grid.files.injections import read_injections
    from peerwatt.grid.flow.power_flow import PowerFlow

    solver = PowerFlow(load_feeder(feeder))
    if injections is None:
        return solver, solver.zero(), None
    return solver, *read_injections(injections, solver.feeder).per_node(solver.nodes)


def series(
    feeder: FeederFile,
    active: Annotated[
        Path,
        typer.Argument(
            metavar="ACTIVE.csv",
            help="TIME and a column per node, W, demand positive.",
        ),
    ],
    reactive: Annotated[Path | None, typer.Option(help="The same in var.")] = None,
    as_json: AsJson = False,
) -> None:
    """A week or a year: extremes, hours outside the limits, energy, and EN 50160's statistics of each week.

    Exit code 3 when a limit is broken in any interval.
    """
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.cli.progress import shown_progress
    from peerwatt.grid.files.feeder_file import load_feeder
    from peerwatt.grid.files.node_series import read_node_series
    from peerwatt.grid.flow.power_flow import PowerFlow
    from peerwatt.grid.planning.series import run_series

    solver = PowerFlow(load_feeder(feeder))
    given = read_node_series(active, reactive, solver.feeder)
    with shown_progress([(str(active), len(given.times))], "intervals") as advance:
        result = run_series(
            solver,
            given.p_w,
            given.q_var,
            given.interval_s,
            lambda solved: advance(0, solved, len(given.times)),
        )
    if as_json:
        print_json(_series(solver.feeder, given.times, result))
    else:
        _print_series(solver.feeder, given.times, result)
    if result.broken.any():
        raise typer.Exit(ExitCode.VERDICT)


def _series(feeder: Feeder, times: tuple[str, ...], result: SeriesResult) -> dict[str, Any]:
    from peerwatt.cli.grid_output import violation_as_dict

    return {
        "feeder": feeder.name,
        "first": times[0],
        "last": times[-1],
        "intervals": len(times),
        "interval_s": result.interval_s,
        "hours_outside": result.hours_broken,
        "voltage_max_pu": float(result.highest_pu.max()),
        "voltage_max_at": times[int(result.highest_pu.argmax())],
        "voltage_min_pu": float(result.lowest_pu.min()),
        "voltage_min_at": times[int(result.lowest_pu.argmin())],
        "import_wh": result.import_wh,
        "export_wh": result.export_wh,
        "loss_wh": result.loss_wh,
        "peak_import_kw": float(result.import_w.max()) / KILO,
        "peak_export_kw": float(max(-result.import_w.min(), 0.0)) / KILO,
        "violations": [violation_as_dict(v) | {"at": times[k]} for v, k in result.worst],
        "branches": [
            {"branch": name, "loading_percent": float(x)}
            for name, x in zip(feeder.branch_names, result.loading_percent, strict=True)
        ],
        "en50160": [
            {
                "week": w.week,
                "node": w.node,
                "kept": w.kept,
                "within_10_percent": w.within_percent,
                "lowest_pu": w.lowest_pu,
                "highest_pu": w.highest_pu,
                "unbalance_within_2_percent": w.unbalance_within_percent,
                "highest_unbalance_percent": w.highest_unbalance_percent,
            }
            for w in result.weeks
        ],
    }


def _print_series(feeder: Feeder, times: tuple[str, ...], result: SeriesResult) -> None:
    from peerwatt.grid.planning.voltage_quality import TEN_MINUTES_S

    high, low = int(result.highest_pu.argmax()), int(result.lowest_pu.argmin())
    say(f"series      {len(times)} intervals of {result.interval_s} s, {times[0]} to {times[-1]}")
    say(f"voltage     highest {result.highest_pu[high]:.4f} pu at {times[high]}")
    say(f"            lowest {result.lowest_pu[low]:.4f} pu at {times[low]}")
    peak, back = float(result.import_w.max()) / KILO, float(max(-result.import_w.min(), 0.0)) / KILO
    say(f"import      {result.import_wh / KILO:.1f} kWh, at most {peak:.1f} kW")
    say(f"export      {result.export_wh / KILO:.1f} kWh, at most {back:.1f} kW")
    say(f"losses      {result.loss_wh / KILO:.1f} kWh")
    if len(result.loading_percent):
        k = int(result.loading_percent.argmax())
        say(f"loading     at most {result.loading_percent[k]:.1f} % in {feeder.branch_names[k]}")
    say(f"outside     {result.hours_broken:g} h with a limit broken")
    for violation, k in result.worst[:_SHOWN]:
        say(f"violation   {violation}, worst at {times[k]}")
    if len(result.worst) > _SHOWN:
        say(f"            and {len(result.worst) - _SHOWN} more, all with --json")
    failed = [w for w in result.weeks if not w.kept]
    weeks, bad = ({w.week for w in those} for those in (result.weeks, failed))
    say(f"EN 50160    kept at all nodes in {len(weeks) - len(bad)} of {len(weeks)} weeks")
    if result.interval_s != TEN_MINUTES_S:
        say(f"            judged by means of {result.interval_s} s; the standard's are of 600 s")
    for w in failed[:_SHOWN]:
        say(
            f"            week {w.week + 1}, {w.node}: {w.within_percent:.1f} % within 10 %, "
            f"{w.lowest_pu:.3f} to {w.highest_pu:.3f} pu, "
            f"unbalance {w.unbalance_within_percent:.1f} % within 2 %"
        )
