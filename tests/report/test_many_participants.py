"""The page of a zone with a hundred participants: the feeder stays visible."""

from dataclasses import replace

from peerwatt.record.results import ReplayResult
from peerwatt.report.charts.feeder import MOST_NAMED, feeder_picture


def test_a_crowd_is_named_in_the_tips_alone(day: ReplayResult) -> None:
    assert day.feeder is not None
    node = next(node for node in day.feeder.nodes if node.participants)
    crowd = replace(node, participants=tuple(f"home-{k:03d}" for k in range(MOST_NAMED + 1)))
    nodes = tuple(crowd if n is node else n for n in day.feeder.nodes)
    few = feeder_picture(day.feeder, day.summary.limits, after=True).drawing
    many = feeder_picture(replace(day.feeder, nodes=nodes), day.summary.limits, after=True).drawing
    assert few.count("<text") > many.count("<text") == 0
    assert "home-030)" in many
