"""The homes of a scenario bid whenever they expect to exchange energy, within their connection."""

from peerwatt.messages.vocabulary import Side
from peerwatt.scenario.bidding import expectation, order_of
from peerwatt.scenario.loading import load_scenario


def test_a_day_of_orders_is_canonical_priced_between_the_tariffs_and_within_the_connections() -> None:
    scenario = load_scenario("brooklyn-10")
    sides = set()
    for position in range(scenario.calendar.per_day):
        for participant in scenario.participants:
            net = expectation(scenario, participant, position, 1).net_import_wh
            order = order_of(scenario, participant, position, 1)
            assert (order is None) == (net == 0)
            if order is None:
                continue
            sides |= {step.side for step in order}
            assert order.is_canonical()
            assert order.participant == participant.account
            assert order.interval == scenario.calendar.first + position
            assert order.total(Side.BUY) <= scenario.connection(participant).import_wh
            assert order.total(Side.SELL) <= scenario.connection(participant).export_wh
            for step in order:
                price = scenario.market.price(step.tick)
                assert (
                    scenario.tariff.feed_in <= price <= scenario.tariff.retail - scenario.tariff.network_fee
                )
    assert sides == {Side.BUY, Side.SELL}


def test_what_is_expected_is_not_what_happens() -> None:
    scenario = load_scenario("brooklyn-10")
    works = next(p for p in scenario.participants if p.name == "works")
    errors = [
        expectation(scenario, works, k, 1).net_import_wh - (works.demand_wh[k] - works.generation_wh[k])
        for k in range(96)
    ]
    assert sum(1 for error in errors if error) > 80
    assert min(errors) < 0 < max(errors)
