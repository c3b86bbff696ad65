"""A market whose margins do not cover its prices cannot be made."""

from dataclasses import replace
from typing import Any

import pytest

from peerwatt.market import MarketConfig, Pricing, Tariff
from peerwatt.market.errors import BadConfig, BadTariff

CONFIG = MarketConfig(
    interval_length=900,
    gate_lead=300,
    report_window=240,
    attest_window=600,
    overrule_window=300,
    correction_window=86400,
    open_ahead=2,
    ring_size=4,
    base_price=80,
    tick_size=1,
    margin_price=371,
    max_loss_rate=50_000,
)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"interval_length": 0}, "interval_length"),
        ({"gate_lead": -1}, "gate_lead"),
        ({"gate_lead": 1.5}, "gate_lead"),
        ({"open_ahead": 0}, "open_ahead"),
        ({"ring_size": 3}, "ring_size"),
        ({"ring_size": 4097}, "ring_size"),
        ({"base_price": 65_281}, "65536"),
        ({"tick_size": 257}, "65615"),
        ({"max_loss_rate": 1_000_001}, "max_loss_rate"),
        ({"max_network_fee": 65_536}, "max_network_fee"),
        ({"gate_lead": 1800}, "gate_lead is 1800"),
        ({"report_window": 1800}, "report_window is 1800"),
        ({"attest_window": 601}, "ring_size is 4: .* at least 5"),
        ({"overrule_window": 2101}, "ring_size is 4: .* at least 7"),
        ({"recovery_delay": 86_399}, "recovery_delay is 86399"),
    ],
)
def test_contradictory_parameters_are_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(BadConfig, match=named):
        replace(CONFIG, **change)


def test_price_ceiling_may_be_exactly_what_fits() -> None:
    assert replace(CONFIG, base_price=65_280).price_ceiling == 65_535


@pytest.mark.parametrize("prices", [(10, 11, 0), (65_536, 0, 0), (10, -1, 0), (10, 5, 1.5)])
def test_impossible_tariff_is_refused(prices: Any) -> None:
    with pytest.raises(BadTariff):
        Tariff(*prices)


def test_margin_covers_the_dearest_wh_to_the_base_unit() -> None:
    """Ceiling 335 + fee 20 + ceil(301 * 5 %) = 371; with retail above both: 355 + ceil(17.75) = 373."""
    CONFIG.check_tariff(Tariff(301, 80, 20))
    with pytest.raises(BadTariff, match="372"):
        CONFIG.check_tariff(Tariff(301, 80, 21))
    with pytest.raises(BadTariff, match="373"):
        CONFIG.check_tariff(Tariff(355, 80, 0))


def test_margin_covers_the_dearest_network_charge_of_buyers_and_of_sellers() -> None:
    """Ceiling 335 + charge 20 + ceil(301 * 5 %) = 371; a seller's Wh not delivered: 320 + 35 + 16 = 371."""
    replace(CONFIG, max_network_fee=20).check_tariff(Tariff(301, 80, 15))
    with pytest.raises(BadTariff, match="372"):
        replace(CONFIG, max_network_fee=21).check_tariff(Tariff(301, 80, 15))
    seller = replace(CONFIG, base_price=0, max_network_fee=35)
    seller.check_tariff(Tariff(320, 80, 15))
    with pytest.raises(BadTariff, match="373"):
        seller.check_tariff(Tariff(321, 80, 15))
    with pytest.raises(BadTariff, match="could not pay it"):
        replace(CONFIG, max_network_fee=9).check_tariff(Tariff(301, 80, 20))


@pytest.mark.parametrize("pricing", [Pricing.MID_MARKET_RATE, Pricing.SUPPLY_DEMAND_RATIO, Pricing.FIXED])
@pytest.mark.parametrize(("charge", "fee"), [(0, 15), (10, 15)])
def test_a_tariff_under_which_a_set_price_makes_somebody_lose_is_refused(
    pricing: Pricing, charge: int, fee: int
) -> None:
    """With a fee of 15 for buyers, or a charge of 10 for either, retail must leave that above feed-in."""
    fixed = 80 + charge if pricing == Pricing.FIXED else 0
    market = replace(CONFIG, max_network_fee=charge, pricing=pricing, fixed_price=fixed, margin_price=400)
    least = 80 + (2 * charge or fee)
    market.check_tariff(Tariff(least, 80, fee))
    with pytest.raises(BadTariff, match="by trading"):
        market.check_tariff(Tariff(least - 1, 80, fee))
    replace(market, pricing=Pricing.UNIFORM, fixed_price=0).check_tariff(Tariff(least - 1, 80, fee))


def test_a_fixed_price_lies_between_feed_in_and_retail_less_the_fee() -> None:
    market = replace(CONFIG, pricing=Pricing.FIXED, fixed_price=150)
    market.check_tariff(Tariff(165, 150, 15))
    for tariff in (Tariff(300, 151, 15), Tariff(164, 80, 15)):
        with pytest.raises(BadTariff, match="fixed_price 150"):
            market.check_tariff(tariff)


def test_energy_limit_is_power_times_time() -> None:
    assert CONFIG.energy_limit(40) == 1000
    five_minutes = replace(CONFIG, interval_length=300, attest_window=200, overrule_window=100)
    assert five_minutes.energy_limit(7) == 58  # 700 W: 58.3 Wh
    assert CONFIG.margin(40, 10) == 4 * 371 * (1000 + 250)


def test_clock_of_an_interval() -> None:
    assert (CONFIG.start(10), CONFIG.end(10)) == (9000, 9900)
    assert (CONFIG.gate_closure(10), CONFIG.report_deadline(10)) == (8700, 8940)
    assert (CONFIG.attest_deadline(10), CONFIG.readings_deadline(10)) == (10500, 10800)
    assert CONFIG.correction_deadline(10) == 9900 + 86400
    assert (CONFIG.last_open(8999), CONFIG.last_open(9000)) == (11, 12)
