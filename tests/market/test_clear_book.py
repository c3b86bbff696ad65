"""A list of bids and asks is cleared like the market's own book, or refused by the entry's name."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.errors import InputError
from peerwatt.market import TickBook, clear, clear_book, fill
from peerwatt.messages import Side, Step
from tests.market.conftest import CONFIG, TARIFF


def entry(name: Any, side: str, price: Any, quantity: Any) -> dict[str, Any]:
    return {"id": name, "side": side, "price": price, "quantity": quantity}


def test_book_by_hand() -> None:
    """Ask 20 serves bid 30 and half of bid 25; 25 is the one price at which neither wants more."""
    book = [entry("a", "buy", 30, 1000), entry("b", "bid", 25, 1000), entry("c", "sell", 20, 1500)]
    assert clear_book(book) == {"price": 25, "volume": 1500, "fills": {"a": 1000, "b": 500, "c": 1500}}


def test_price_is_the_midpoint_in_base_units() -> None:
    assert clear_book([entry("b", "buy", 251, 7), entry("s", "ask", 200, 7)])["price"] == 225


@pytest.mark.parametrize(
    "book", [[], [entry("b", "buy", 9, 5)], [entry("b", "buy", 9, 5), entry("s", "sell", 10, 5)]]
)
def test_no_trade_has_no_price_and_fills_everybody_with_nothing(book: list[dict[str, Any]]) -> None:
    assert clear_book(book) == {"price": None, "volume": 0, "fills": {each["id"]: 0 for each in book}}


steps = st.builds(Step, st.sampled_from(Side), st.integers(0, 8), st.integers(1, 30))


@given(st.lists(steps, max_size=30))
def test_equals_the_market_where_prices_are_ticks(book_steps: list[Step]) -> None:
    tick_book = TickBook()
    placed = [tick_book.post([step])[0] for step in book_steps]
    clearing, volume = clear(tick_book, CONFIG, TARIFF)
    result = clear_book(
        [
            entry(number, step.side.name.lower(), step.tick, step.quantity)
            for number, step in enumerate(book_steps)
        ]
    )
    assert result["volume"] == volume
    assert result["price"] == (clearing.buy_price - CONFIG.base_price if volume else None)
    assert list(result["fills"].values()) == [fill(each, clearing) for each in placed]


def test_ten_thousand_entries_trade_all_that_they_can() -> None:
    draw = random.Random(7)
    book = [
        entry(f"e{n}", draw.choice(["buy", "sell"]), draw.randrange(10**5), draw.randint(1, 5000))
        for n in range(10_000)
    ]
    result = clear_book(book)
    price = result["price"]
    assert price is not None
    demand = sum(e["quantity"] for e in book if e["side"] == "buy" and e["price"] >= price)
    supply = sum(e["quantity"] for e in book if e["side"] == "sell" and e["price"] <= price)
    assert result["volume"] == min(demand, supply)
    for side in ("buy", "sell"):
        assert sum(result["fills"][e["id"]] for e in book if e["side"] == side) == result["volume"]


@pytest.mark.parametrize(
    ("book", "message"),
    [
        ({"a": 1}, "type dict"),
        (None, "type NoneType"),
        (["x"], r"Entry 1: it is 'x'"),
        ([entry("a", "buy", 1, 1), entry("a", "sell", 1, 1)], r"Entry 2: id 'a' is taken by entry 1"),
        ([entry("1", "buy", 1, 1), entry(1, "sell", 1, 1)], r"Entry 2: id 1 is taken by entry 1"),
        ([entry("a", "hold", 1, 1)], r"Entry 1 \(id 'a'\): side is 'hold'"),
        ([entry("a", ["buy"], 1, 1)], r"Entry 1 \(id 'a'\): side"),  # type: ignore[arg-type]
        ([entry("a", "buy", 1, 0)], r"Entry 1 \(id 'a'\): quantity is 0"),
        ([entry("a", "buy", 1, -5)], r"quantity is -5"),
        ([entry("a", "buy", 1, 2.0)], r"quantity is 2\.0"),
        ([entry("a", "buy", 1, "5")], r"quantity is '5'"),
        ([entry("a", "buy", 1, True)], r"quantity is True"),
        ([entry("a", "buy", 1, 1 << 40)], r"quantity is 1099511627776"),
        ([entry("a", "buy", -1, 1)], r"price is -1"),
        ([entry("a", "buy", 1.5, 1)], r"price is 1\.5"),
        ([entry("a", "buy", None, 1)], r"price is None"),
        ([entry("", "buy", 1, 1)], r"id must be"),
        ([entry(None, "buy", 1, 1)], r"id must be"),
        ([{**entry("a", "buy", 1, 1), "limit": 2}], r"Entry 1 \(id 'a'\): unknown key 'limit'"),
        ([{"id": "a", "side": "buy", "price": 1}], r"Entry 1 \(id 'a'\): quantity is missing"),
        ([{"side": "buy", "price": 1, "quantity": 1}], r"Entry 1: id is missing"),
    ],
)
def test_entry_that_cannot_be_used_is_named(book: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        clear_book(book)
