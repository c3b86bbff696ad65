"""An offer has one canonical form."""

import pytest

from peerwatt.messages import Order, Side, Step

BUY, SELL = Side.BUY, Side.SELL


def order(*steps: tuple[Side, int, int]) -> Order:
    return Order(1, 4, tuple(Step(*step) for step in steps))


@pytest.mark.parametrize(
    ("offer", "canonical"),
    [
        (order((BUY, 5, 1)), True),
        (order((BUY, 5, 1), (BUY, 6, 1), (SELL, 7, 1)), True),
        (order(*((BUY, tick, 1) for tick in range(8))), True),
        (order(), False),
        (order(*((BUY, tick, 1) for tick in range(9))), False),
        (order((BUY, 5, 0)), False),
        (order((BUY, 5, 1), (BUY, 5, 1)), False),
        (order((BUY, 6, 1), (BUY, 5, 1)), False),
        (order((SELL, 5, 1), (BUY, 6, 1)), False),
        (order((BUY, 5, 1), (BUY, 6, 1), (SELL, 6, 1)), False),
        (order((BUY, 5, 1), (BUY, 9, 1), (SELL, 6, 1), (SELL, 12, 1)), False),
        (order((BUY, 255, 1), (SELL, 0, 1)), False),
    ],
    ids=[
        "one",
        "both sides",
        "eight",
        "none",
        "nine",
        "empty step",
        "same tick",
        "descending",
        "sell first",
        "crossing at one tick",
        "crossing",
        "crossing at the ends",
    ],
)
def test_canonical_form(offer: Order, canonical: bool) -> None:
    assert offer.is_canonical() is canonical
