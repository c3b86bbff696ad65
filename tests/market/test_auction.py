"""The auction trades the most that is individually rational, at a price that leaves no envy, to the Wh."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from peerwatt.market import Auctioned, TickBook, clear, cross, fill, walk
from peerwatt.messages import PlacedStep, Side, Step
from tests.market.conftest import CONFIG, TARIFF

# Few ticks and small quantities, so that books cross and ties are common.
ticks = st.one_of(st.integers(0, 8), st.sampled_from([0, 127, 254, 255]))
quantities = st.one_of(st.integers(1, 12), st.integers(1, (1 << 23) - 1))
small_steps = st.builds(Step, st.sampled_from(Side), ticks, st.integers(1, 12))
steps = st.builds(Step, st.sampled_from(Side), ticks, quantities)
small_books = st.lists(small_steps, max_size=25)
books = st.lists(steps, max_size=25)


def posted(book_steps: list[Step]) -> tuple[TickBook, list[PlacedStep]]:
    book = TickBook()
    return book, [book.post([step])[0] for step in book_steps]


def cleared(book_steps: list[Step]) -> tuple[Auctioned, list[int]]:
    book, placed = posted(book_steps)
    auctioned = clear(book, CONFIG, TARIFF)
    return auctioned, [fill(each, auctioned.clearing) for each in placed]


def volume_by_units(book_steps: list[Step]) -> int:
    """Match the best unit of energy bid with the best unit asked, the second with the second, and so on."""
    bids = sorted((s.tick for s in book_steps if s.side == Side.BUY for _ in range(s.quantity)), reverse=True)
    asks = sorted(s.tick for s in book_steps if s.side == Side.SELL for _ in range(s.quantity))
    return sum(bid >= ask for bid, ask in zip(bids, asks, strict=False))


def volume_by_price(book_steps: list[Step]) -> int:
    """The most that a single price can trade: the shorter of what bids and what asks are content with it."""
    return max(
        min(
            sum(s.quantity for s in book_steps if s.side == Side.BUY and s.tick >= price),
            sum(s.quantity for s in book_steps if s.side == Side.SELL and s.tick <= price),
        )
        for price in range(256)
    )


def side_sums(book_steps: list[Step], fills: list[int]) -> list[int]:
    return [
        sum(got for step, got in zip(book_steps, fills, strict=True) if step.side == side) for side in Side
    ]


@given(small_books)
def test_volume_is_what_matching_unit_by_unit_gives(book_steps: list[Step]) -> None:
    assert cleared(book_steps)[0].volume == volume_by_units(book_steps)


@given(books)
def test_volume_is_the_largest_that_any_price_allows(book_steps: list[Step]) -> None:
    assert cleared(book_steps)[0].volume == volume_by_price(book_steps)


@given(books)
def test_bought_and_sold_are_the_volume_exactly(book_steps: list[Step]) -> None:
    (_, volume), fills = cleared(book_steps)
    assert side_sums(book_steps, fills) == [volume, volume]
    assert all(0 <= got <= step.quantity for step, got in zip(book_steps, fills, strict=True))


@given(books)
def test_price_is_individually_rational_and_leaves_no_envy(book_steps: list[Step]) -> None:
    (clearing, volume), fills = cleared(book_steps)
    if volume == 0:
        assert clearing.pack() == 0
        return
    assert clearing.buy_price == clearing.sell_price
    for step, got in zip(book_steps, fills, strict=True):
        gain = CONFIG.price(step.tick) - clearing.buy_price
        if step.side == Side.SELL:
            gain = -gain
        if gain < 0:
            assert got == 0, "traded at a loss"
        if gain > 0:
            assert got == step.quantity, "would have liked more at this price"


@given(small_books)
def test_price_is_the_midpoint_of_all_that_clear(book_steps: list[Step]) -> None:
    (clearing, volume), fills = cleared(book_steps)
    if volume == 0:
        return

    def clears(price: int) -> bool:
        """Whether everybody, at this price, trades what it wishes, or does not care."""
        return all(
            got == (step.quantity if (step.tick > price) == (step.side == Side.BUY) else 0)
            for step, got in zip(book_steps, fills, strict=True)
            if step.tick != price
        )

    clearing_prices = [price for price in range(256) if clears(price)]
    assert clearing.buy_price == CONFIG.price((clearing_prices[0] + clearing_prices[-1]) // 2)


@given(books)
def test_marginal_shares_are_proportional_to_less_than_a_wh(book_steps: list[Step]) -> None:
    (clearing, volume), fills = cleared(book_steps)
    if volume == 0:
        return
    for step, got in zip(book_steps, fills, strict=True):
        marginal = clearing.marginal(step.side)
        if step.tick == marginal.tick:
            assert abs(got - Fraction(step.quantity * marginal.filled, marginal.total)) < 1


@given(books.filter(bool), st.data())
def test_splitting_a_step_changes_nothing_for_anybody(book_steps: list[Step], data: st.DataObject) -> None:
    whole = data.draw(st.integers(0, len(book_steps) - 1))
    step = book_steps[whole]
    cut = data.draw(st.integers(0, step.quantity))
    parts = [Step(step.side, step.tick, part) for part in (cut, step.quantity - cut)]
    _, fills = cleared(book_steps)
    _, split = cleared(book_steps[:whole] + parts + book_steps[whole + 1 :])
    assert split[:whole] == fills[:whole]
    assert split[whole] + split[whole + 1] == fills[whole]
    assert split[whole + 2 :] == fills[whole + 1 :]


@given(books, st.data())
def test_one_that_offers_more_never_trades_less(book_steps: list[Step], data: st.DataObject) -> None:
    step = data.draw(small_steps)
    _, fills = cleared([*book_steps, step])
    _, larger = cleared([*book_steps, Step(step.side, step.tick, step.quantity + data.draw(quantities) // 2)])
    assert larger[-1] >= fills[-1]


@given(books)
def test_crossing_is_the_clearing(book_steps: list[Step]) -> None:
    book, _ = posted(book_steps)
    clearing, volume = clear(book, CONFIG, TARIFF)
    crossing = cross(book.merit_order(Side.BUY), book.merit_order(Side.SELL))
    if crossing is None:
        assert volume == 0
        return
    assert (clearing.buy_price, volume) == (CONFIG.price(crossing.price), crossing.volume)
    for side, marginal in ((Side.BUY, crossing.bid), (Side.SELL, crossing.ask)):
        assert walk(book.merit_order(side), crossing.volume) == marginal
