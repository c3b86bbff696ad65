"""The page of many participants: the feeder stays visible, and the page can be opened."""

from dataclasses import replace

from peerwatt.record.results import ReplayResult
from peerwatt.report.charts.feeder import MOST_NAMED, feeder_picture
from peerwatt.report.charts.merit_order import MOST_STEPS, busiest, chosen_intervals, hardest_cut
from peerwatt.report.html import render_page
from tests.report.crowd import renamed


def test_a_crowd_is_named_in_the_tips_alone(day: ReplayResult) -> None:
    assert day.feeder is not None
    node = next(node for node in day.feeder.nodes if node.participants)
    crowd = replace(node, participants=tuple(f"home-{k:03d}" for k in range(MOST_NAMED + 1)))
    nodes = tuple(crowd if n is node else n for n in day.feeder.nodes)
    few = feeder_picture(day.feeder, day.summary.limits, after=True).drawing
    many = feeder_picture(replace(day.feeder, nodes=nodes), day.summary.limits, after=True).drawing
    assert few.count("<text") > many.count("<text") == 0
    assert "home-030)" in many


def test_a_thousand_participants_have_a_page_of_a_few_megabytes(day: ReplayResult) -> None:
    crowd = renamed(day, [f"household-{k:04d}" for k in range(1000)])
    chosen = chosen_intervals(crowd)
    assert busiest(crowd) in chosen
    assert hardest_cut(crowd) in chosen
    intervals = {i.interval for i in chosen}
    assert sum(step.interval in intervals for step in crowd.orders) <= MOST_STEPS
    page = render_page(crowd)
    assert len(page) < 5_000_000
    left = sum(1 for i in day.intervals if i.bid_wh and i.offered_wh) - len(chosen)
    assert f"{left} intervals more are in <code>orders.csv</code>" in page
