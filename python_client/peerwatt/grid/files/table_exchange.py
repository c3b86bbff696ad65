"""A table of injections in the form that the grid gate, loss rules, charges and envelopes take.

A table states power, the grid gate counts energy. The interval is one hour long, so W and Wh are equal
numbers."""

from __future__ import annotations

import numpy as np

from peerwatt.grid.arrays import Ints
from peerwatt.grid.connection import spread
from peerwatt.grid.errors import InjectionError
from peerwatt.grid.files.injections import Injections
from peerwatt.grid.files.own_loads import own_elements, own_elements_in_state, together
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.gate.curtailment_rules import Curtailment
from peerwatt.grid.gate.operating_envelope import Envelope, operating_envelope
from peerwatt.grid.rounding import largest_remainder, largest_remainder_of
from peerwatt.grid.shares.loss_rules import LossRule
from peerwatt.units import HOUR_S


def exchange_of(table: Injections, nodes: int) -> Exchange:
    """Every injection of the table as export that found no buyer, every demand as import; in whole W over an
    hour.
    """
    power = np.rint(table.p_w).astype(np.int64)
    none = np.zeros_like(power)
    reactive = spread(table.q_var, table.nodes, table.phases, nodes)
    rest = spread(table.p_w - power, table.nodes, table.phases, nodes)
    return Exchange(
        HOUR_S,
        range(len(power)),
        table.nodes,
        none,
        none,
        np.maximum(power, 0),
        np.maximum(-power, 0),
        rest,
        reactive,
        table.phases,
    )


def shared_losses(
    solver: PowerFlow, table: Injections, rule: LossRule, hours: float
) -> tuple[tuple[str, ...], Ints, FlowResult]:
    """Load losses of a state among the table's rows and the feeder's own loads, in whole Wh that sum exactly.

    Returns:
        Names, shares, and the flow. Where a rule gives a relief (a negative share), that party pays nothing.
    """
    if solver.feeder.is_circuit:
        names, own = own_elements_in_state(solver, *table.per_node(solver.nodes))
    else:
        names, own = own_elements(solver.feeder)
    everything = together(table.elements, own)
    bare = PowerFlow(solver.feeder, own_loads=False)
    exact = rule(bare, everything, np.ones(len(everything.p_w), dtype=np.bool_)) * hours
    flow = bare.solve(*everything.injections(bare))
    total = max(round(float(flow.load_loss_w) * hours), 0)
    weights = np.maximum(exact, 0.0)
    if not weights.sum() > 0:
        total = 0
    return (*table.names, *names), largest_remainder(weights, total), flow


def matched(table: Injections) -> tuple[Ints, Ints]:
    """Trades between those who feed in and those who draw, W: the larger side is cut down in proportion."""
    power = np.rint(table.p_w).astype(np.int64)
    sell, buy = np.maximum(power, 0), np.maximum(-power, 0)
    volume = int(min(sell.sum(), buy.sum()))
    return largest_remainder_of(sell, volume), largest_remainder_of(buy, volume)


def envelope_of(solver: PowerFlow, table: Injections, rule: Curtailment) -> tuple[Ints, Envelope]:
    """The envelope of the rows that state connection limits; the others are the background.

    Returns:
        The rows' numbers, and their envelope.

    Raises:
        InjectionError: No row states a connection limit, or one states the limit of one direction alone.
    """
    limited = (table.export_limit_w >= 0) | (table.import_limit_w >= 0)
    rows, others = np.flatnonzero(limited), np.flatnonzero(~limited)
    if not len(rows):
        raise InjectionError(
            "no row has export_limit_kw or import_limit_kw; envelopes are of those that have"
        )
    for row in rows:
        has_export, has_import = table.export_limit_w[row] >= 0, table.import_limit_w[row] >= 0
        if has_export != has_import:
            has, lacks = ("export", "import") if has_export else ("import", "export")
            raise InjectionError(
                f"{table.names[row]}: has {has}_limit_kw and no {lacks}_limit_kw; state both, 0 where "
                "nothing may flow"
            )
    phases = table.phases
    theirs = None if phases is None else phases[others]
    p, q = (spread(x[others], table.nodes[others], theirs, solver.nodes) for x in (table.p_w, table.q_var))
    export, drawn = (np.maximum(x[rows], 0) for x in (table.export_limit_w, table.import_limit_w))
    mine = None if phases is None else phases[rows]
    return rows, operating_envelope(solver, table.nodes[rows], export, drawn, p, q, phases=mine, rule=rule)
