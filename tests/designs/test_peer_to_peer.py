"""Full, community and hybrid markets: optimal, the same when negotiated, and the paper's finding."""

from __future__ import annotations

import numpy as np
import pytest

from peerwatt.designs import Terms, mechanism
from peerwatt.designs.admm import ConsensusAdmm
from peerwatt.designs.central import Dispatch, solve_centrally
from peerwatt.designs.ieee14 import DESIGNS, network, peers_at, profiles, run, totals
from peerwatt.designs.innovation import ConsensusInnovation
from peerwatt.designs.messaging import Messaging
from peerwatt.designs.optimum import optimal_welfare
from peerwatt.designs.preferences import EnergyClass, class_cost, distance_cost
from peerwatt.designs.synthetic import random_book
from peerwatt.designs.trade_network import Peers, TradeNetwork, community_based, full_p2p
from peerwatt.errors import InputError

BETWEEN = {(0, 1): 0.3, (0, 2): 0.2, (1, 2): 0.1}


def peers(count: int, seed: int, grid: bool = False, curved: bool = True) -> Peers:
    """Producers with cost 5..10 and consumers with value 12..20 a unit; the grid at 11."""
    random, half = np.random.default_rng(seed), count // 2
    more = [0.0] if grid else []
    sizes = random.uniform(1, 8, count)
    selling = np.arange(count) < half
    return Peers(
        name=tuple(str(n) for n in range(count + len(more))),
        a=np.append(random.uniform(0.5, 2, count) * curved, more),
        b=np.append(
            np.where(selling, random.uniform(5, 10, count), random.uniform(12, 20, count)), [11.0] * grid
        ),
        lower=np.append(np.where(selling, 0, -sizes), [-np.inf] * grid),
        upper=np.append(np.where(selling, sizes, 0), [np.inf] * grid),
        community=np.append(random.integers(0, 3, count), [-1] * grid).astype(np.int64),
    )


def designs(count: int, seed: int, curved: bool = True) -> dict[str, TradeNetwork]:
    """The three designs on the same peers."""
    all_peers = peers(count, seed, grid=True, curved=curved)
    return {
        "full": full_p2p(all_peers, 0.01, 2.0),
        "community": community_based(all_peers, 0.01, 2.0),
        "hybrid": community_based(all_peers, 0.01, 2.0, BETWEEN),
    }


def assert_optimal(trading: TradeNetwork, dispatch: Dispatch, tolerance: float) -> None:
    """The Karush-Kuhn-Tucker conditions, which the solvers do not use."""
    agents, price, power = trading.peers, dispatch.price, trading.power(dispatch.flow)
    marginal = agents.a * power + agents.b
    above, below = power > agents.lower + tolerance, power < agents.upper - tolerance
    assert (price[above] >= marginal[above] - tolerance).all()
    assert (price[below] <= marginal[below] + tolerance).all()
    gain = price[trading.buyer] - price[trading.seller]
    used, back = dispatch.flow > tolerance, dispatch.flow < -tolerance
    assert (gain <= trading.fee + tolerance).all()
    assert np.allclose(gain[used], trading.fee[used], atol=tolerance)
    assert np.allclose(-gain[back], trading.fee[back], atol=tolerance)


@pytest.mark.parametrize("curved", [True, False])
@pytest.mark.parametrize("design", ["full", "community", "hybrid"])
@pytest.mark.parametrize("seed", range(3))
def test_the_central_solution_is_optimal(design: str, seed: int, curved: bool) -> None:
    trading = designs(12, seed, curved)[design]
    assert_optimal(trading, solve_centrally(trading), 2e-3)


@pytest.mark.parametrize("curved", [True, False])
@pytest.mark.parametrize("design", ["full", "community", "hybrid"])
@pytest.mark.parametrize("seed", range(3))
def test_negotiated_equals_central(design: str, seed: int, curved: bool) -> None:
    trading = designs(12, seed, curved)[design]
    central, negotiated = solve_centrally(trading), ConsensusAdmm().solve(trading)
    assert trading.welfare(negotiated.flow) == pytest.approx(trading.welfare(central.flow), rel=1e-6)
    assert trading.power(negotiated.flow) == pytest.approx(trading.power(central.flow), abs=1e-3)
    assert_optimal(trading, negotiated, 2e-3)


@pytest.mark.parametrize(
    "messaging", [Messaging(awake=0.5), Messaging(loss=0.3), Messaging(awake=0.7, loss=0.2)]
)
def test_asynchronous_and_lossy_negotiation_ends_at_the_same_place(messaging: Messaging) -> None:
    trading = full_p2p(peers(12, 1), 0.01)
    smooth = ConsensusAdmm().solve(trading)
    rough = ConsensusAdmm(messaging=messaging).solve(trading)
    assert rough.iterations > smooth.iterations
    assert trading.power(rough.flow) == pytest.approx(trading.power(smooth.flow), abs=1e-3)


def test_messages_and_bytes_are_counted() -> None:
    trading = full_p2p(peers(12, 1), 0.01)
    solved = ConsensusAdmm().solve(trading)
    assert solved.messages == solved.iterations * 2 * len(trading.seller)
    assert solved.bytes == 16 * solved.messages


@pytest.mark.parametrize(("alpha", "messaging"), [(0.24, Messaging()), (0.06, Messaging(loss=0.1))])
def test_consensus_and_innovation_comes_close_to_central(alpha: float, messaging: Messaging) -> None:
    trading = full_p2p(peers(20, 3), 0.01)
    best = trading.welfare(solve_centrally(trading).flow)
    solved = ConsensusInnovation(alpha=alpha, messaging=messaging).solve(trading)
    assert trading.welfare(solved.flow) == pytest.approx(best, rel=1e-3)
    assert solved.gap < 5e-3


def test_consensus_and_innovation_refuses_what_it_cannot_solve() -> None:
    with pytest.raises(InputError, match="ADMM"):
        ConsensusInnovation().solve(community_based(peers(6, 0), 0.01))


def test_a_hundred_peers_negotiate() -> None:
    trading = full_p2p(peers(100, 2), 0.01)
    solved = ConsensusAdmm(penalty=3.0).solve(trading)
    assert trading.welfare(solved.flow) == pytest.approx(
        trading.welfare(solve_centrally(trading).flow), rel=1e-5
    )


def test_welfare_full_p2p_above_hybrid_above_community_and_the_cost_between_closes_the_gap() -> None:
    welfare = {design: totals(run(design, days=1)).welfare for design in DESIGNS}
    assert welfare["full P2P"] > welfare["hybrid"] > welfare["community"]
    gaps = [
        welfare["full P2P"] - totals(run("hybrid", days=1, between_scale=scale)).welfare
        for scale in (1.0, 0.3, 0.0)
    ]
    assert gaps[0] > gaps[1] > gaps[2]
    assert abs(gaps[2]) < 1e-4 * welfare["full P2P"]


def test_the_test_case_has_the_papers_prices() -> None:
    drawn = profiles(days=1)
    price = float(drawn.price[20])
    trading = network("community", peers_at(drawn.energy[20], price))
    solved = solve_centrally(trading)
    desks = [place for place, name in enumerate(trading.peers.name) if name.startswith("desk")]
    # A community imports at the market price plus the tariff, exports at the price minus it, or does neither.
    assert ((solved.price[desks] > price - 10.001) & (solved.price[desks] < price + 10.001)).all()
    assert len(trading.peers) == 19 + 1 + 6


def test_buyers_prefer_what_they_pay_extra_for() -> None:
    two_sellers = Peers(
        ("green", "grey", "buyer"),
        *(np.array(column, dtype=float) for column in ([0, 0, 0], [10, 10, 20], [0, 0, -5], [5, 5, 0])),
        community=np.zeros(3, dtype=np.int64),
    )
    trading = full_p2p(two_sellers, 0.0)
    premium = np.zeros((3, 3))
    premium[2, EnergyClass.GREEN] = 1.0
    classes = np.array([EnergyClass.GREEN, EnergyClass.GRID, EnergyClass.GRID])
    liked = trading.with_surcharge(class_cost(trading, classes, premium))
    assert solve_centrally(liked).flow.tolist() == [5, 0]
    assert ConsensusAdmm().solve(liked).flow == pytest.approx([5, 0], abs=1e-3)
    distance = np.array([[0, 0, 3], [0, 0, 1], [3, 1, 0]])
    near = trading.with_surcharge(distance_cost(trading, distance, 0.5))
    assert solve_centrally(near).flow.tolist() == [0, 5]


@pytest.mark.parametrize("seed", range(4))
def test_on_a_book_full_p2p_is_the_optimum_and_a_community_alone_is_less(seed: int) -> None:
    book, terms = random_book(seed, 20, 20), Terms(community=np.arange(40) % 3)
    welfare = {
        name: mechanism(name).clear(book, terms).welfare(book) for name in ("full-p2p", "hybrid", "community")
    }
    assert welfare["full-p2p"] == optimal_welfare(book)
    assert welfare["full-p2p"] >= welfare["hybrid"] > welfare["community"]


@pytest.mark.parametrize("name", ["full-p2p", "community", "hybrid", "p2p-admm"])
@pytest.mark.parametrize("seed", range(4))
def test_on_a_book_nobody_trades_beyond_its_limit_and_charges_are_the_only_surplus(
    name: str, seed: int
) -> None:
    book = random_book(seed, 15, 15)
    charge = np.random.default_rng(seed).integers(0, 30, (30, 30))
    outcome = mechanism(name).clear(book, Terms(community=np.arange(30) % 2, distance_fee=charge))
    assert outcome.volume > 0
    assert outcome.bought.sum() == outcome.sold.sum()
    assert (outcome.bought <= book.bids.quantity).all()
    assert (outcome.sold <= book.asks.quantity).all()
    assert (outcome.paid <= outcome.bought * book.bids.price).all()
    assert (outcome.received >= outcome.sold * book.asks.price).all()
    assert outcome.surplus >= 0


def test_rounding_loses_little_of_what_peers_negotiated() -> None:
    book = random_book(3, 20, 20, most=5_000)
    assert mechanism("p2p-admm").clear(book, Terms()).welfare(book) >= 0.99 * optimal_welfare(book)
