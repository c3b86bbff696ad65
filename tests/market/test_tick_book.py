"""A lane is a queue that knows its total."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.market import TickBook, walk
from peerwatt.market.errors import LaneFull
from peerwatt.messages import MAX_LANE_TOTAL, MAX_STEP_QUANTITY, Side, Step

steps = st.builds(Step, st.sampled_from(Side), st.integers(0, 3), st.integers(1, 100))


@given(st.lists(steps, max_size=30))
def test_steps_of_a_lane_queue_without_gaps(posted: list[Step]) -> None:
    book = TickBook()
    placed = [book.post([step])[0] for step in posted]
    for lane in {step.lane for step in posted}:
        queue = [each for each in placed if each.step.lane == lane]
        ends = [0]
        for each in queue:
            assert each.offset == ends[-1]
            ends.append(each.offset + each.step.quantity)
        assert book.total(*lane) == ends[-1]


@given(st.lists(steps, max_size=30))
def test_merit_order_lists_every_lane_best_first(posted: list[Step]) -> None:
    book = TickBook()
    for step in posted:
        book.post([step])
    for side, falling in ((Side.BUY, True), (Side.SELL, False)):
        levels = book.merit_order(side)
        offered = {step.tick for step in posted if step.side == side}
        assert [level.price for level in levels] == sorted(offered, reverse=falling)
        assert sum(level.quantity for level in levels) == sum(s.quantity for s in posted if s.side == side)


def test_full_lane_takes_none_of_an_order() -> None:
    book = TickBook()
    for _ in range(MAX_LANE_TOTAL // MAX_STEP_QUANTITY):
        book.post([Step(Side.SELL, 9, MAX_STEP_QUANTITY)])
    room = MAX_LANE_TOTAL - book.total(Side.SELL, 9)
    with pytest.raises(LaneFull):
        book.post([Step(Side.BUY, 1, 5), Step(Side.SELL, 9, room + 1)])
    assert book.total(Side.BUY, 1) == 0
    book.post([Step(Side.BUY, 1, 5), Step(Side.SELL, 9, room)])
    assert book.total(Side.SELL, 9) == MAX_LANE_TOTAL


def test_walk_beyond_the_end_is_refused() -> None:
    book = TickBook()
    book.post([Step(Side.SELL, 1, 5)])
    with pytest.raises(ValueError, match="holds 5 Wh"):
        walk(book.merit_order(Side.SELL), 6)
