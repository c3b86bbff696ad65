"""Another day of a scenario is picked by its date, and is the day that a longer replay would come to."""

import pytest

from peerwatt.errors import InputError
from peerwatt.scenario.bidding import order_of
from peerwatt.scenario.excerpt import starting
from peerwatt.scenario.loading import load_scenario

WEEK = load_scenario("brooklyn-10")
THIRD = 2 * 96


@pytest.mark.parametrize("start", ["2016-06-19", "2016-06-19T00:00:00+00:00", "2016-06-19T02:00+02:00"])
def test_a_day_has_the_orders_that_it_has_in_its_week(start: str) -> None:
    found = starting(WEEK, start)
    assert (found.calendar.iso(0), found.calendar.days) == ("2016-06-19T00:00:00+00:00", 5)
    for index in (40, 50, 479):
        for home, same in zip(found.participants, WEEK.participants, strict=True):
            assert order_of(found, home, index, 1) == order_of(WEEK, same, THIRD + index, 1)
    assert found.active.at(7) == WEEK.active.at(THIRD + 7)


def test_a_day_may_begin_at_noon_and_leaves_whole_days() -> None:
    found = starting(WEEK, "2016-06-22T12:00:00+00:00")
    assert (found.calendar.iso(0), found.calendar.days) == ("2016-06-22T12:00:00+00:00", 1)


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ("2016-06-24", "has whole days from 2016-06-17T00:00:00+00:00 to 2016-06-23T00:00:00+00:00"),
        ("2015-06-17", "has whole days from"),
        ("2016-06-23T00:15:00+00:00", "has whole days from"),
        ("2016-06-19T00:10:00+00:00", "no interval of 900 s begins then"),
        ("2016-06-19T00:00:00", "has no offset"),
        ("tuesday", "is no date such as 2016-06-17"),
    ],
)
def test_what_is_no_day_of_the_scenario_is_refused_with_the_days_that_are(start: str, says: str) -> None:
    with pytest.raises(InputError, match=f"^--start {start.replace('+', r'[+]')}: ") as refused:
        starting(WEEK, start)
    assert says in str(refused.value)


def test_the_first_day_is_the_scenario_itself() -> None:
    assert starting(WEEK, "2016-06-17") == WEEK
