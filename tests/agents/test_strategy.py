"""Orders are canonical, within the connection, never worse than the tariff, the same for the same seed."""

from collections import Counter
from dataclasses import replace

import pytest

from peerwatt.agents.draws import triangular, uniform
from peerwatt.agents.forecast import Forecast, ForecastError, forecast
from peerwatt.agents.strategies import STRATEGIES
from peerwatt.agents.strategy import Connection, Outlook, PriceBand, Prices, Strategy
from peerwatt.agents.zero_intelligence import ZeroIntelligence
from peerwatt.errors import InputError
from peerwatt.messages.order import Order
from peerwatt.messages.vocabulary import Side

PRICES = Prices(base_price=80, tick_size=1, retail=320, feed_in=82, seller_charge=0, buyer_charge=15)
BAND = PRICES.band
WIDE = Connection(import_wh=5000, export_wh=5000)
ERROR = ForecastError(demand_permille=150, generation_permille=100, weather_permille=150)


def each_strategy() -> list[Strategy]:
    return [made(PRICES, 4, ERROR, False) for made in STRATEGIES.values()]


def order(
    net_wh: int,
    seed: int = 1,
    interval: int = 9,
    connection: Connection = WIDE,
    strategy: Strategy | None = None,
) -> Order | None:
    expected = Forecast(demand_wh=max(net_wh, 0), generation_wh=max(-net_wh, 0))
    outlook = Outlook(expected, connection, seed, "home-3", interval)
    steps = (strategy or ZeroIntelligence(PRICES, 4)).steps(outlook)
    return Order(interval, 6, steps) if steps else None


def test_the_band_is_what_neither_side_loses_by() -> None:
    assert (BAND.lowest, BAND.highest) == (2, 225)
    assert replace(PRICES, tick_size=5).band == PriceBand(1, 45)
    assert replace(PRICES, base_price=100).band.lowest == 0
    assert replace(PRICES, seller_charge=20, buyer_charge=20).band == PriceBand(22, 220)


def test_a_market_whose_ticks_miss_the_tariffs_is_refused() -> None:
    with pytest.raises(InputError, match="tick"):
        replace(PRICES, base_price=400).band  # noqa: B018
    with pytest.raises(InputError, match="tick"):
        replace(PRICES, seller_charge=120, buyer_charge=120).band  # noqa: B018


@pytest.mark.parametrize("net", [1, 2, 3, 7, 999, 4999])
@pytest.mark.parametrize("sign", [1, -1])
def test_every_order_is_canonical_and_offers_the_whole_forecast(net: int, sign: int) -> None:
    for interval in range(30):
        got = order(sign * net, interval=interval)
        assert got is not None
        assert got.is_canonical()
        side = Side.BUY if sign > 0 else Side.SELL
        assert got.total(side) == net
        assert got.total(Side(1 - side)) == 0
        assert all(BAND.lowest <= step.tick <= BAND.highest for step in got)


def test_who_takes_a_price_that_a_rule_sets_takes_any_that_does_not_lose() -> None:
    pool = ZeroIntelligence(PRICES, 4, takes_the_price=True)
    bought, sold = order(500, strategy=pool), order(-500, strategy=pool)
    assert bought is not None
    assert sold is not None
    assert [(step.tick, step.quantity) for step in bought] == [(BAND.highest, 500)]
    assert [(step.tick, step.quantity) for step in sold] == [(BAND.lowest, 500)]


@pytest.mark.parametrize("strategy", each_strategy(), ids=[*STRATEGIES])
def test_an_order_stays_within_the_connection(strategy: Strategy) -> None:
    small = Connection(import_wh=100, export_wh=60)
    bought, sold = (order(net, connection=small, strategy=strategy) for net in (500, -500))
    assert bought is not None
    assert sold is not None
    assert bought.total(Side.BUY) == 100
    assert sold.total(Side.SELL) == 60


@pytest.mark.parametrize("strategy", each_strategy(), ids=[*STRATEGIES])
def test_who_expects_nothing_orders_nothing(strategy: Strategy) -> None:
    assert order(0, strategy=strategy) is None


def test_the_same_seed_bids_the_same_and_another_seed_does_not() -> None:
    assert [order(500, interval=i) for i in range(20)] == [order(500, interval=i) for i in range(20)]
    assert [order(500, interval=i) for i in range(20)] != [order(500, 2, i) for i in range(20)]


def test_draws_are_the_same_on_every_machine() -> None:
    assert [uniform(0, 999, 1, "home-1", k) for k in range(5)] == DRAWN


DRAWN = [822, 734, 851, 499, 660]


def test_draws_cover_their_range_evenly() -> None:
    seen = Counter(uniform(3, 7, 1, "x", k) for k in range(5000))
    assert set(seen) == {3, 4, 5, 6, 7}
    assert all(850 < count < 1150 for count in seen.values())
    spread = [triangular(10, 1, "y", k) for k in range(5000)]
    assert (min(spread), max(spread)) == (-10, 10)
    assert abs(sum(spread)) < 5000


def test_forecast_errors_are_bounded_and_real() -> None:
    got = [forecast(1000, 2000, ERROR, 1, "home-1", i) for i in range(200)]
    assert all(850 <= f.demand_wh <= 1150 for f in got)
    assert all(1500 <= f.generation_wh <= 2500 for f in got)
    assert len({f.demand_wh for f in got}) > 50
    assert forecast(1000, 2000, ForecastError(0, 0, 0), 1, "home-1", 3) == Forecast(1000, 2000)


def test_neighbours_share_the_weather_and_nothing_else() -> None:
    weather_only = ForecastError(0, 0, 200)
    one = [forecast(0, 10_000, weather_only, 1, "a", i).generation_wh for i in range(40)]
    two = [forecast(0, 10_000, weather_only, 1, "b", i).generation_wh for i in range(40)]
    assert one == two
    assert len(set(one[:4])) == 1
    assert len(set(one)) > 5
    own = [forecast(10_000, 0, ERROR, 1, name, 3).demand_wh for name in ("a", "b", "c")]
    assert len(set(own)) == 3
