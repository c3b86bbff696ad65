"""Under every pricing rule the contracts' result is the twin's, and the surplus stays with the community."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onchain import CONFIG, OnChainMarket
from pair import MarketPair
from test_interval_against_twin import INTERVAL, examples, played_and_taken_back

from peerwatt.chain import open_network
from peerwatt.market import Pricing, SystemAccount
from peerwatt.messages import Side, Verdict

OTHERS = [rule for rule in Pricing if rule != Pricing.UNIFORM]
FIXED_PRICE = 123
SIZE = 6


@pytest.fixture(scope="module", params=OTHERS, ids=lambda rule: rule.name.lower())
def priced(request: pytest.FixtureRequest) -> Iterator[MarketPair]:
    """A market and its twin, priced by each of the rules in turn."""
    fixed = FIXED_PRICE if request.param == Pricing.FIXED else 0
    with open_network() as network:
        config = replace(CONFIG, pricing=request.param, fixed_price=fixed)
        yield MarketPair(OnChainMarket(network, SIZE, config=config))


@examples(8)
@given(data=st.data())
def test_any_interval_ends_as_in_the_twin(priced: MarketPair, data: st.DataObject) -> None:
    played_and_taken_back(priced, data)


SURPLUS = {
    # 300 Wh bid at 160 (and 200 more), 100 at 140; 250 asked at 110, 150 at 130: 400 trade.
    Pricing.PAY_AS_BID: 400 * 160 - (250 * 110 + 150 * 130),
    # The best left over: 100 of the bids at 160 and none asked, so the last Wh is given up.
    Pricing.MCAFEE: 399 * 160 - 399 * 130,
    Pricing.MID_MARKET_RATE: 0,
    Pricing.SUPPLY_DEMAND_RATIO: 0,
    Pricing.FIXED: 0,
}


def test_surplus_stays_with_the_community(priced: MarketPair) -> None:
    mark = priced.mark()
    chain = priced.chain
    priced.time = CONFIG.start(INTERVAL) - 1000
    posted = priced.post(
        INTERVAL,
        [
            chain.order(INTERVAL, 4, (Side.BUY, 60, 300)),
            chain.order(INTERVAL, 5, (Side.BUY, 40, 100), (Side.BUY, 60, 200)),
            chain.order(INTERVAL, 6, (Side.SELL, 10, 250), (Side.SELL, 30, 150)),
        ],
    )
    assert not posted.skipped
    before = priced.twin.ledger[SystemAccount.COMMUNITY].cash
    priced.time = CONFIG.gate_closure(INTERVAL)
    volume = priced.clear(INTERVAL)
    priced.report(chain.report_on(INTERVAL, Verdict.ACCEPT, volume))
    priced.time = CONFIG.readings_deadline(INTERVAL)
    priced.settle(INTERVAL, 0)
    priced.compare(INTERVAL)
    community = priced.twin.ledger[SystemAccount.COMMUNITY].cash - before
    assert community == SURPLUS[priced.twin.config.pricing]
    priced.back_to(mark)
