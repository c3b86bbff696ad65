"""The day of ten homes with other names, and with as many homes as there are names."""

from __future__ import annotations

from dataclasses import replace

from peerwatt.record.results import ReplayResult


def renamed(day: ReplayResult, names: list[str]) -> ReplayResult:
    """The day with other and perhaps more participants: its own ten, again and again."""
    old = [p.participant for p in day.participants]
    homes = [replace(day.participants[k % len(old)], participant=name) for k, name in enumerate(names)]
    new: dict[str, list[str]] = {}
    for k, name in enumerate(names):
        new.setdefault(old[k % len(old)], []).append(name)
    assert day.feeder is not None
    nodes = tuple(
        replace(node, participants=tuple(name for each in node.participants for name in new[each]))
        for node in day.feeder.nodes
    )
    return replace(
        day,
        summary=replace(day.summary, participants=len(homes)),
        participants=tuple(homes),
        orders=tuple(replace(o, participant=name) for o in day.orders for name in new[o.participant]),
        curtailments=tuple(
            replace(c, participant=name) for c in day.curtailments for name in new[c.participant]
        ),
        feeder=replace(day.feeder, nodes=nodes),
    )
