"""The page of a zone with a hundred participants: no name is cut off, and the feeder stays visible."""

import re
from dataclasses import replace

from peerwatt.record.results import ReplayResult
from peerwatt.report.charts.bills import bills
from peerwatt.report.charts.energy import consumption_by_household
from peerwatt.report.charts.feeder import MOST_NAMED, feeder_picture
from peerwatt.report.svg import NAME_GLYPH

LONG = "household-with-a-long-name-001"


def test_a_long_name_has_its_room(day: ReplayResult) -> None:
    first, *others = day.participants
    renamed = replace(day, participants=(replace(first, participant=LONG), *others))
    for chart in (consumption_by_household(renamed), bills(renamed)):
        [x] = re.findall(rf'<text x="([\d.]+)"[^>]*>{LONG}<', chart.drawing)
        assert float(x) >= len(LONG) * NAME_GLYPH


def test_a_crowd_is_named_in_the_tips_alone(day: ReplayResult) -> None:
    assert day.feeder is not None
    node = next(node for node in day.feeder.nodes if node.participants)
    crowd = replace(node, participants=tuple(f"home-{k:03d}" for k in range(MOST_NAMED + 1)))
    nodes = tuple(crowd if n is node else n for n in day.feeder.nodes)
    few = feeder_picture(day.feeder, day.summary.limits, after=True).drawing
    many = feeder_picture(replace(day.feeder, nodes=nodes), day.summary.limits, after=True).drawing
    assert few.count("<text") > many.count("<text") == 0
    assert "home-030)" in many
