"""`peerwatt grid …`: what a network operator asks of a feeder and a table of injections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from peerwatt.cli import grid_planning
from peerwatt.cli.console import AsJson, print_json, say
from peerwatt.cli.verb_list import VerbList
from peerwatt.units import KILO, MEGA

app = typer.Typer(
    cls=VerbList,
    no_args_is_help=True,
    help="Power flow, curtailment, losses, charges and envelopes of a feeder.",
)

FeederFile = Annotated[
    Path, typer.Argument(metavar="FEEDER", help="Canonical feeder file (see grid import).")
]
Table = Annotated[
    Path,
    typer.Argument(
        metavar="INJECTIONS.csv", help="Columns node,kw[,kvar,phase,participant,…]; generation positive."
    ),
]
Draw = Annotated[Path | None, typer.Option("--draw", help="Draw the feeder to this .svg, .png or .pdf.")]


def register(parent: typer.Typer) -> None:
    """Add the group of verbs."""
    grid_planning.register(app)
    parent.add_typer(app, name="grid")


@app.command("import")
def import_(
    source: Annotated[
        str, typer.Argument(help="pandapower .json, OpenDSS .dss, MATPOWER .m, or a SimBench code.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Feeder file to write.")],
    v_min: Annotated[float, typer.Option(help="Lowest voltage, pu.")],
    v_max: Annotated[float, typer.Option(help="Highest voltage, pu.")],
    loading_max: Annotated[float, typer.Option(help="Highest loading, percent of the rating.")] = 100.0,
    band: Annotated[
        list[str] | None,
        typer.Option(metavar="V:MIN:MAX", help="A voltage level with limits of its own: rated V, pu, pu."),
    ] = None,
    unbalance_max: Annotated[
        float | None, typer.Option(help="Highest voltage unbalance, percent; EN 50160 has 2.")
    ] = None,
    reverse_flow_max: Annotated[
        float | None, typer.Option(help="Most power that may flow back upstream, kW.")
    ] = None,
    unlimited: Annotated[
        bool, typer.Option(help="Take MATPOWER branches without a rating as unlimited.")
    ] = False,
    control: Annotated[
        str,
        typer.Option(help="OpenDSS regulators and capacitors: as stated, or solved once more and frozen."),
    ] = "stated",
    tolerance: Annotated[
        float, typer.Option(help="Largest difference from the file's own engine that is accepted, pu.")
    ] = 2e-6,
    as_json: AsJson = False,
) -> None:
    """Turn a feeder as its owner has it into the canonical file. Needs the grid extra.

    The first flow, and two with injections at random, are compared with those of the file's own engine.
    """
    from peerwatt.cli.console import progress
    from peerwatt.cli.grid_output import comparison_as_dict, comparison_in_words
    from peerwatt.grid.errors import FeederError
    from peerwatt.grid.feeder_document import feeder_from_document
    from peerwatt.grid.files.feeder_file import write_feeder
    from peerwatt.grid.files.feeder_solves import check_solves
    from peerwatt.grid.files.importers import import_source
    from peerwatt.grid.files.importers.comparison import compare
    from peerwatt.grid.flow.power_flow import PowerFlow

    limits: dict[str, Any] = {"v_min_pu": v_min, "v_max_pu": v_max, "loading_max_percent": loading_max}
    if band:
        limits["bands"] = [_band(text) for text in band]
    if unbalance_max is not None:
        limits["unbalance_max_percent"] = unbalance_max
    if reverse_flow_max is not None:
        limits["reverse_flow_max_w"] = reverse_flow_max * KILO
    said: list[str] = []
    imported = import_source(source, limits=limits, unlimited=unlimited, control=control, notice=said.append)
    for line in said:
        progress().print(line)
    document = imported.document
    solver = PowerFlow(feeder_from_document(document, source))
    check_solves(solver.feeder, source)  # a feeder that does not solve is not written
    flow = solver.solve(solver.zero())
    found = None if imported.engine is None else compare(document, imported.engine)
    if found is not None and not found.agrees(tolerance):
        raise FeederError(
            f"{source}: not imported: compared with {found.engine} it differs by {found.voltage_pu:.1e} pu "
            f"at {found.node!r} and by {found.loss_share:.1e} of the losses; "
            f"accepted are {tolerance:.1e} pu (--tolerance)"
        )
    feeder = write_feeder(document, out)
    lowest, highest = float(flow.u_pu.min()), float(flow.u_pu.max())
    left_out = list(document.get("left_out", ()))
    if as_json:
        print_json(
            {
                "feeder": str(out),
                "nodes": len(feeder.node_names),
                "branches": len(feeder.branch_names),
                "voltage_min_pu": lowest,
                "voltage_max_pu": highest,
                "feeder_hash": feeder.feeder_hash.hex(),
                "left_out": left_out,
                "comparison": comparison_as_dict(found),
                "notices": said,
            }
        )
        return
    say(
        f"{out}: {len(feeder.node_names)} nodes, {len(feeder.branch_names)} branches, "
        f"{lowest:.4f} to {highest:.4f} pu, hash {feeder.feeder_hash.hex()}"
    )
    if found is not None:
        say(comparison_in_words(found))
    if left_out:
        say(f"left out, because nothing supplies them: {', '.join(left_out)}")


@app.command()
def strength(
    feeder: FeederFile,
    injections: Table,
    minimum: Annotated[
        float, typer.Option("--min", help="Smallest short-circuit ratio that is enough.")
    ] = 3.0,
    source_mva: Annotated[
        float | None, typer.Option(help="Short-circuit power of the upstream grid, MVA.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Short-circuit ratio at each node with inverters (column rating_kva). Exit code 3 when one is too
    weak.
    """
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.cli.grid_output import print_strength, strength_as_dict
    from peerwatt.errors import InputError
    from peerwatt.grid.flow.system_strength import check_strength

    solver, table = _load(feeder, injections)
    source_va = None if source_mva is None else source_mva * MEGA
    if not table.rating_va.any():
        raise InputError(f"{injections}: no row has a rating_kva: state that of each inverter")
    found = check_strength(solver.feeder, table.nodes, table.rating_va, minimum, source_va)
    if as_json:
        print_json(strength_as_dict(found))
    else:
        print_strength(found)
    if any(s.weak for s in found):
        raise typer.Exit(ExitCode.VERDICT)


@app.command()
def check(feeder: FeederFile, injections: Table, as_json: AsJson = False, draw: Draw = None) -> None:
    """Voltages, loadings, violations and losses. Exit code 3 when a limit is violated."""
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.cli.grid_output import print_state, state_as_dict
    from peerwatt.grid.flow.limits import find_violations

    solver, table = _load(feeder, injections)
    flow = solver.solve(*table.per_node(solver.nodes))
    violations = find_violations(solver.feeder, flow)
    _draw(solver.feeder, flow, draw)
    if as_json:
        print_json(state_as_dict(solver.feeder, flow, violations))
    else:
        print_state(solver.feeder, flow, violations)
    if violations:
        raise typer.Exit(ExitCode.VERDICT)


@app.command()
def curtail(
    feeder: FeederFile,
    injections: Table,
    policy: Annotated[
        str, typer.Option(help="least (total) or fair (the same share of every injection).")
    ] = "least",
    volt_var: Annotated[
        bool, typer.Option("--volt-var", help="Let inverters (column rating_kva) support the voltage first.")
    ] = False,
    as_json: AsJson = False,
    draw: Draw = None,
) -> None:
    """Curtailment of injections that keeps the limits on every phase, and why each is cut. Loads stay on.

    Exit code 3 when a violation remains that cutting does not mend.
    """
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.cli.grid_output import curtailment_as_dict, print_curtailment
    from peerwatt.grid.files.table_exchange import exchange_of
    from peerwatt.grid.gate.curtailment_rules import RULES
    from peerwatt.grid.gate.decision import decide
    from peerwatt.grid.gate.volt_var import decide_with_volt_var

    solver, table = _load(feeder, injections)
    exchange = exchange_of(table, solver.nodes)
    rule, support = _choose(RULES, policy, "--policy"), None
    if volt_var:
        decision, support = decide_with_volt_var(solver, exchange, table.rating_va, rule=rule)
    else:
        decision = decide(solver, exchange, rule=rule)
    _draw(solver.feeder, decision.after, draw)
    if as_json:
        print_json(curtailment_as_dict(table, exchange, decision, policy, support))
    else:
        print_curtailment(table, exchange, decision, policy, support)
    if decision.violations_after:
        raise typer.Exit(ExitCode.VERDICT)


@app.command()
def losses(
    feeder: FeederFile,
    injections: Table,
    rule: Annotated[
        str, typer.Option(help="aumann_shapley, marginal, pro_rata or tracing.")
    ] = "aumann_shapley",
    hours: Annotated[float, typer.Option(help="Length of the period, h.")] = 1.0,
    as_json: AsJson = False,
    draw: Draw = None,
) -> None:
    """Who causes the load losses: whole Wh that sum to the exact AC loss."""
    from peerwatt.cli.grid_output import print_shares
    from peerwatt.grid.files.table_exchange import shared_losses
    from peerwatt.grid.shares.loss_rules import LOSS_RULES

    solver, table = _load(feeder, injections)
    names, shares, flow = shared_losses(solver, table, _choose(LOSS_RULES, rule, "--rule"), hours)
    no_load = round(float(flow.no_load_loss_w) * hours)
    total = {"rule": rule, "load_loss_wh": int(shares.sum()), "no_load_loss_wh": no_load}
    _draw(solver.feeder, flow, draw)
    if as_json:
        rows = [{"participant": n, "loss_wh": int(x)} for n, x in zip(names, shares, strict=True)]
        print_json(total | {"shares": rows})
    else:
        print_shares(
            names, shares, "loss (Wh)", f"load losses {int(shares.sum())} Wh by {rule}, no-load {no_load} Wh"
        )


@app.command()
def charges(
    feeder: FeederFile,
    injections: Table,
    total: Annotated[int, typer.Option(help="What must be recovered, base units.")],
    rule: Annotated[
        str, typer.Option(help="uniform, distance_thevenin, distance_ptdf, or zone (column zone).")
    ] = "uniform",
    as_json: AsJson = False,
    draw: Draw = None,
) -> None:
    """Network charges of the trades between those who feed in and those who draw: they sum to the total."""
    from peerwatt.cli.grid_output import print_shares
    from peerwatt.grid.files.table_exchange import matched
    from peerwatt.grid.shares.network_charges import CHARGE_RULES, by_zone, network_charges

    solver, table = _load(feeder, injections)
    zones = dict(zip((solver.feeder.node_names[k] for k in table.nodes), table.zones, strict=True))
    rules = CHARGE_RULES | {"zone": by_zone({node: zone for node, zone in zones.items() if zone})}
    sell, buy = matched(table)
    shares = network_charges(solver.feeder, table.nodes, sell, buy, total, _choose(rules, rule, "--rule"))
    _draw(solver.feeder, solver.solve(*table.per_node(solver.nodes)), draw)
    if as_json:
        rows = [
            {"participant": n, "sold_w": int(s), "bought_w": int(b), "charge": int(x)}
            for n, s, b, x in zip(table.names, sell, buy, shares, strict=True)
        ]
        print_json({"rule": rule, "total": int(shares.sum()), "charges": rows})
    else:
        print_shares(table.names, shares, "charge (base units)", f"{int(shares.sum())} base units by {rule}")


@app.command()
def envelope(
    feeder: FeederFile,
    injections: Table,
    policy: Annotated[
        str, typer.Option(help="fair (the same share of every connection limit) or least (largest total).")
    ] = "fair",
    as_json: AsJson = False,
    draw: Draw = None,
) -> None:
    """How much each row with connection limits may inject and draw, whatever the others do within theirs.

    Rows without connection limits are the background.
    Exit code 3 when the background alone violates a limit.
    """
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.cli.grid_output import envelope_as_dict, print_envelope
    from peerwatt.grid.files.table_exchange import envelope_of
    from peerwatt.grid.gate.curtailment_rules import RULES

    solver, table = _load(feeder, injections)
    rows, found = envelope_of(solver, table, _choose(RULES, policy, "--policy"))
    _draw(solver.feeder, solver.solve(*table.per_node(solver.nodes)), draw)
    if as_json:
        print_json(envelope_as_dict(table, rows, found))
    else:
        print_envelope(table, rows, found)
    if found.violations:
        raise typer.Exit(ExitCode.VERDICT)


def _band(text: str) -> dict[str, float]:
    from peerwatt.errors import InputError

    try:
        rated, low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise InputError(f"--band {text!r}: give three numbers such as 20000:0.96:1.04") from None
    return {"u_rated_v": rated, "v_min_pu": low, "v_max_pu": high}


def _load(feeder: Path, injections: Path) -> tuple[Any, Any]:
    from peerwatt.grid.files.feeder_file import load_feeder
    from peerwatt.grid.files.injections import read_injections
    from peerwatt.grid.flow.power_flow import PowerFlow

    found = load_feeder(feeder)
    return PowerFlow(found), read_injections(injections, found)


def _choose(choices: dict[str, Any], name: str, option: str) -> Any:
    from peerwatt.errors import InputError

    if name not in choices:
        raise InputError(f"{option} {name!r}: choose one of {', '.join(sorted(choices))}")
    return choices[name]


def _draw(feeder: Any, flow: Any, path: Path | None) -> None:
    if path:
        from peerwatt.cli.console import progress
        from peerwatt.grid.files.drawing import draw_feeder

        draw_feeder(feeder, flow, path)
        progress().print(f"drawn to {path}")
