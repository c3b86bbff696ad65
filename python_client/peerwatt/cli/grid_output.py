"""How `peerwatt grid` shows states, cuts, shares and envelopes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.files.importers.comparison import Comparison
from peerwatt.grid.files.injections import Injections
from peerwatt.grid.flow.branch_currents import ends_of
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import Violation
from peerwatt.grid.flow.power_flow import FlowResult
from peerwatt.grid.flow.system_strength import Strength
from peerwatt.grid.gate.curtailment_rules import RULES
from peerwatt.grid.gate.decision import GridDecision
from peerwatt.grid.gate.operating_envelope import Envelope
from peerwatt.report.terminal import results, show, table
from peerwatt.units import KILO, MEGA, PERCENT

_PHASES = "abc"
_SHOWN = 10


def violation_as_dict(v: Violation) -> dict[str, Any]:
    """A limit that is broken, for JSON."""
    return {"element": v.element, "quantity": v.quantity, "value": v.value, "limit": v.limit, "unit": v.unit}


def state_as_dict(feeder: Feeder, flow: FlowResult, violations: Sequence[Violation]) -> dict[str, Any]:
    """A solved state with every node and branch; the units are in the names."""
    u: list[Any] = flow.u_pu.tolist()
    if feeder.three_phase:
        own = zip(u, feeder.node_phases, strict=True)
        u = [{_PHASES[p - 1]: phases[p - 1] for p in there} for phases, there in own]
    limits = feeder.limits
    return {
        "feeder": feeder.name,
        "feeder_hash": feeder.feeder_hash.hex(),
        "limits": {
            "v_min_pu": limits.v_min_pu,
            "v_max_pu": limits.v_max_pu,
            "loading_max_percent": limits.loading_max_percent,
            "bands": [asdict(band) for band in limits.bands],
            "unbalance_max_percent": limits.unbalance_max_percent,
            "reverse_flow_max_w": limits.reverse_flow_max_w,
            "source": limits.source,
        },
        "voltage_min_pu": float(flow.u_pu.min()),
        "voltage_max_pu": float(flow.u_pu.max()),
        "loading_max_percent": float(flow.loading_percent.max(initial=0.0)),
        "import_kw": float(flow.import_w) / KILO,
        "losses_kw": {
            "total": float(flow.loss_w) / KILO,
            "load_dependent": float(flow.load_loss_w) / KILO,
            "no_load": flow.no_load_loss_w / KILO,
        },
        "violations": [violation_as_dict(v) for v in violations],
        "unbalance_max_percent": float(flow.unbalance_percent.max()),
        "nodes": [
            {"node": n, "u_pu": x, "unbalance_percent": float(y)}
            for n, x, y in zip(feeder.node_names, u, flow.unbalance_percent, strict=True)
        ],
        "branches": [
            {"branch": n, "kind": k, "loading_percent": float(x), "current_a": a, "loss_w": float(y)}
            for n, k, x, a, y in zip(
                feeder.branch_names,
                feeder.branch_kinds,
                flow.loading_percent,
                _currents(feeder, flow),
                flow.branch_loss_w,
                strict=True,
            )
        ],
    }


def _currents(feeder: Feeder, flow: FlowResult) -> list[dict[str, Any]]:
    """Current at each end of each branch, A: one number, or one per phase."""
    found = []
    for kind, ends in zip(feeder.branch_kinds, flow.current_a.tolist(), strict=True):
        if feeder.three_phase:
            ends = [dict(zip(_PHASES, phases, strict=True)) for phases in ends]
        found.append(dict(zip(ends_of(kind), ends, strict=False)))
    return found


def _phase_of(feeder: Feeder, k: int) -> int:
    """Of a place in the voltages by node and phase; a phase that a node lacks repeats its first."""
    node, phase = divmod(k, 3)
    own = feeder.node_phases[node]
    return phase if phase + 1 in own else own[0] - 1


def print_state(feeder: Feeder, flow: FlowResult, violations: Sequence[Violation]) -> None:
    """A solved state in the words of the trade, the ten most strained elements, and every violation."""
    out = results()
    limits = feeder.limits
    out.print(
        f"feeder      {feeder.name}, {len(feeder.node_names)} nodes, hash {feeder.feeder_hash.hex()[:16]}…"
    )
    low, high = int(flow.u_pu.argmin()), int(flow.u_pu.argmax())
    width = 3 if feeder.three_phase else 1
    for word, k, extreme in (("lowest", low, flow.u_pu.min()), ("highest", high, flow.u_pu.max())):
        phase = f", phase {_PHASES[_phase_of(feeder, k)]}" if feeder.three_phase else ""
        out.print(f"voltage     {word} {extreme:.4f} pu at {feeder.node_names[k // width]}{phase}")
    out.print(
        f"limits      {limits.v_min_pu:g} to {limits.v_max_pu:g} pu, loading {limits.loading_max_percent:g} %"
    )
    for band in limits.bands:
        out.print(f"            {band.v_min_pu:g} to {band.v_max_pu:g} pu at {band.u_rated_v:g} V")
    if math.isfinite(limits.unbalance_max_percent):
        out.print(f"            unbalance {limits.unbalance_max_percent:g} %")
    if math.isfinite(limits.reverse_flow_max_w):
        out.print(f"            {limits.reverse_flow_max_w / KILO:g} kW back upstream")
    if feeder.three_phase:
        k = int(flow.unbalance_percent.argmax())
        out.print(f"unbalance   at most {flow.unbalance_percent[k]:.2f} % at {feeder.node_names[k]}")
    drawn = float(flow.import_w) / KILO
    way = f"import      {drawn:.3f} kW from" if drawn >= 0 else f"export      {-drawn:.3f} kW to"
    out.print(f"{way} the upstream grid")
    out.print(
        f"losses      {float(flow.loss_w) / KILO:.3f} kW: "
        f"load-dependent {float(flow.load_loss_w) / KILO:.3f}, "
        f"no-load {flow.no_load_loss_w / KILO:.3f}"
    )
    out.print(f"branches    {min(_SHOWN, len(feeder.branch_names))} with the highest loading:")
    phases = [f"{phase} (A)" for phase in _PHASES] if feeder.three_phase else []
    branches = table("branch", "kind", "loading (%)", *phases, "loss (W)", left=2)
    for k in flow.loading_percent.argsort(kind="stable")[::-1][:_SHOWN]:
        heaviest = int(np.argmax(flow.conductor_loading_percent[k])) // width
        amperes = [f"{x:.1f}" for x in flow.current_a[k, heaviest]] if feeder.three_phase else []
        branches.add_row(
            feeder.branch_names[k],
            feeder.branch_kinds[k],
            f"{flow.loading_percent[k]:.1f}",
            *amperes,
            f"{flow.branch_loss_w[k]:.1f}",
        )
    show(branches)
    if not violations:
        out.print("no limit is violated")
    for violation in violations[:_SHOWN]:
        out.print(f"violation   {violation}")
    if len(violations) > _SHOWN:
        out.print(f"            and {len(violations) - _SHOWN} more, all with --json")


def curtailment_as_dict(
    injections: Injections,
    exchange: Exchange,
    decision: GridDecision,
    policy: str,
    support_var: Floats | None = None,
) -> dict[str, Any]:
    """What stays of every injection, and why the rest was cut."""
    return {
        "feasible": not decision.violations_after,
        "policy": policy,
        "measure": RULES[policy].measure,
        "flags": list(decision.flags),
        "violations_before": [violation_as_dict(v) for v in decision.violations_before],
        "violations_after": [violation_as_dict(v) for v in decision.violations_after],
        "voltage_max_pu_before": float(decision.before.u_pu.max()),
        "voltage_max_pu_after": float(decision.after.u_pu.max()),
        "support_kvar": None if support_var is None else _by_name(injections, support_var / KILO),
        "cut_kw": int((exchange.surplus_wh - decision.surplus_wh).sum()) / KILO,
        "injections": [
            {
                "participant": n,
                "asked_kw": int(a) / KILO,
                "allowed_kw": int(b) / KILO,
                "kept_percent": PERCENT * int(b) / int(a),
            }
            for n, a, b in zip(injections.names, exchange.surplus_wh, decision.surplus_wh, strict=True)
            if a
        ],
        "reasons": [
            {
                "participant": injections.names[r.participant],
                "cut_kw": r.surplus_wh / KILO,
                "element": r.element,
                "value": r.value,
                "limit": r.limit,
                "unit": r.unit,
                "per_kw": r.per_kw,
            }
            for r in decision.reasons
        ],
    }


def print_curtailment(
    injections: Injections,
    exchange: Exchange,
    decision: GridDecision,
    policy: str,
    support_var: Floats | None = None,
) -> None:
    """The same as a table and sentences."""
    out = results()
    cut = int((exchange.surplus_wh - decision.surplus_wh).sum())
    out.print(f"cut         {cut / KILO:.3f} kW of {int(exchange.surplus_wh.sum()) / KILO:.3f} kW injected")
    before, after = float(decision.before.u_pu.max()), float(decision.after.u_pu.max())
    if "no_power_flow_before" in decision.flags:
        out.print(f"voltage     everything together has no power flow; at most {after:.4f} pu after")
    else:
        out.print(f"voltage     at most {before:.4f} pu before, {after:.4f} pu after")
    fair = policy == "fair"
    if fair:
        out.print(f"fair        {RULES[policy].measure}")
    lines = table(
        "participant", "asked\n(kW)", "allowed\n(kW)", *(["kept\n(%)"] if fair else []), "why", long=1
    )
    why = {r.participant: r for r in decision.reasons}
    for k, name in enumerate(injections.names):
        if exchange.surplus_wh[k]:
            r = why.get(k)
            reason = f"{r.element} {r.value:.4g} > {r.limit:g} {r.unit}, {r.per_kw:+.2g} per kW" if r else ""
            asked, allowed = int(exchange.surplus_wh[k]), int(decision.surplus_wh[k])
            share = [f"{PERCENT * allowed / asked:.1f}"] if fair else []
            lines.add_row(name, f"{asked / KILO:.3f}", f"{allowed / KILO:.3f}", *share, reason)
    show(lines)
    for name, kvar in _by_name(
        injections, np.zeros(0) if support_var is None else support_var / KILO
    ).items():
        out.print(f"support     {name}: {kvar:+.3f} kvar")
    for violation in decision.violations_after:
        out.print(f"remains     {violation}; cutting injections does not mend it, and no cut leaves less")


def _by_name(injections: Injections, values: Floats) -> dict[str, float]:
    return {name: float(x) for name, x in zip(injections.names, values, strict=False) if x}


def print_shares(names: Sequence[str], shares: Ints, unit: str, headline: str) -> None:
    """Whole shares that sum to what the headline says."""
    lines = table("participant", unit)
    for name, share in zip(names, shares, strict=True):
        lines.add_row(name, str(int(share)))
    results().print(headline)
    show(lines)


def envelope_as_dict(injections: Injections, rows: Ints, found: Envelope) -> dict[str, Any]:
    """The envelope by participant."""
    return {
        "violations": [violation_as_dict(v) for v in found.violations],
        "envelope": [
            {"participant": injections.names[k], "injection_kw": int(a) / KILO, "offtake_kw": int(b) / KILO}
            for k, a, b in zip(rows, found.injection_w, found.offtake_w, strict=True)
        ],
    }


def print_envelope(injections: Injections, rows: Ints, found: Envelope) -> None:
    """The envelope beside the connection limits."""
    lines = table("participant", "injection\n(kW)", "of\n(kW)", "offtake\n(kW)", "of\n(kW)")
    for k, a, b in zip(rows, found.injection_w, found.offtake_w, strict=True):
        lines.add_row(
            injections.names[k],
            f"{a / KILO:.1f}",
            f"{max(injections.export_limit_w[k], 0) / KILO:.1f}",
            f"{b / KILO:.1f}",
            f"{max(injections.import_limit_w[k], 0) / KILO:.1f}",
        )
    show(lines)
    for violation in found.violations:
        results().print(f"violated without any participant: {violation}")


def strength_as_dict(found: Sequence[Strength]) -> dict[str, Any]:
    """Short-circuit ratios, weakest first."""
    return {
        "nodes": [
            {
                "node": s.node,
                "short_circuit_mva": s.short_circuit_va / MEGA,
                "rating_kva": s.rating_va / KILO,
                "short_circuit_ratio": s.ratio,
                "minimum": s.minimum,
                "weak": s.weak,
            }
            for s in found
        ]
    }


def print_strength(found: Sequence[Strength]) -> None:
    """The same as a table."""
    nodes = table("node", "short-circuit\npower (MVA)", "inverters\n(kVA)", "ratio", "", long=1)
    for s in found:
        power, rating = f"{s.short_circuit_va / MEGA:.2f}", f"{s.rating_va / KILO:.1f}"
        nodes.add_row(s.node, power, rating, f"{s.ratio:.1f}", f"below {s.minimum:g}" if s.weak else "")
    show(nodes)


def comparison_as_dict(found: Comparison | None) -> dict[str, Any] | None:
    """How far the file's own engine is from the imported feeder; none where none was asked."""
    if found is None:
        return None
    return {
        "engine": found.engine,
        "states": found.states,
        "voltage_pu": found.voltage_pu,
        "node": found.node,
        "loss_share": found.loss_share,
    }


def comparison_in_words(found: Comparison) -> str:
    """The same as a line."""
    return (
        f"{found.engine}: voltages within {found.voltage_pu:.1e} pu (most at {found.node}), losses within "
        f"{found.loss_share:.1e} of themselves, in {found.states} states"
    )
