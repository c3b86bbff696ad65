"""Coalitions, Stackelberg and Nash: the textbook's answers, and solutions that are what they say."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest

from peerwatt.designs import Book, Terms, design, mechanism
from peerwatt.designs.coalition import (
    SharingGame,
    in_core,
    largest_objection,
    least_core,
    nucleolus,
    shapley,
    shapley_sampled,
)
from peerwatt.designs.design import PerInterval
from peerwatt.designs.flexible_demand import MicrogridGame, whole_profile
from peerwatt.designs.measures import measure
from peerwatt.designs.merge_split import merge_and_split
from peerwatt.designs.sharing import MidMarketRate
from peerwatt.designs.synthetic import random_book, random_neighbourhood
from peerwatt.errors import InputError

GLOVES = np.array([0, 0, 0, 0, 0, 1, 1, 1]) * 6  # players 0 and 1 hold a left glove, player 2 the right one
AIRPORT = np.array([0, 1, 2, 2, 3, 3, 3, 3])  # runways of cost 1, 2, 3: a cost game
BANKRUPTCY = np.array([0, 0, 0, 0, 0, 0, 100, 200])  # estate 200, claims 100, 200, 300 (Talmud)


def test_shapley_of_the_glove_game() -> None:
    assert shapley(GLOVES) == [1, 1, 4]


def test_shapley_of_the_airport_game() -> None:
    assert shapley(AIRPORT) == [Fraction(1, 3), Fraction(5, 6), Fraction(11, 6)]


def test_the_core_of_the_glove_game_is_one_point_and_it_is_the_nucleolus() -> None:
    assert in_core(GLOVES, np.array([0, 0, 6]))
    assert not in_core(GLOVES, shapley(GLOVES))
    assert largest_objection(GLOVES, shapley(GLOVES)) == (1, 0b101)
    assert nucleolus(GLOVES) == pytest.approx([0, 0, 6], abs=1e-6)


def test_nucleolus_of_the_talmuds_bankruptcy() -> None:
    # Aumann & Maschler 1985: an estate of 200 against claims of 100, 200 and 300 is divided 50, 75, 75.
    assert nucleolus(BANKRUPTCY) == pytest.approx([50, 75, 75], abs=1e-6)


def test_an_empty_core_has_a_positive_least_core() -> None:
    majority = np.array([0, 0, 0, 1, 0, 1, 1, 1])  # any two of three share 1
    epsilon, _ = least_core(majority)
    assert epsilon == pytest.approx(1 / 3)
    assert not in_core(majority, [Fraction(1, 3)] * 3)


@pytest.mark.parametrize("seed", range(3))
def test_shapley_is_the_average_over_all_arrivals(seed: int) -> None:
    game = SharingGame.of(random_neighbourhood(seed, 5, interval_s=3600))
    table, total = game.table(), [0] * 5
    for arrival in permutations(range(5)):
        present = 0
        for player in arrival:
            total[player] += int(table[present | 1 << player] - table[present])
            present |= 1 << player
    assert shapley(table) == [Fraction(amount, 120) for amount in total]


def test_the_table_lists_the_value_of_every_coalition() -> None:
    game = SharingGame.of(random_neighbourhood(1, 6, interval_s=3600))
    table = game.table()
    for coalition in range(64):
        members = np.array([i for i in range(6) if coalition >> i & 1], dtype=np.int64)
        assert table[coalition] == game.value(members)


def test_the_sampled_shapley_value_is_within_its_stated_error() -> None:
    game = SharingGame.of(random_neighbourhood(2, 12))
    exact = np.array([float(share) for share in shapley(game.table())])
    estimate, error = shapley_sampled(game, 1_000, seed=1)
    assert (np.abs(estimate - exact) < 4 * error).all()
    assert estimate.sum() == pytest.approx(exact.sum())
    assert (error < 0.05 * exact.max()).all()


def test_sharing_has_a_core_the_nucleolus_lies_in_it_and_the_mid_market_rate_does_not() -> None:
    neighbourhood = random_neighbourhood(1, 10)
    table = SharingGame.of(neighbourhood).table()
    epsilon, _ = least_core(table)
    assert epsilon <= 1e-6 * table[-1]
    shares = [Fraction(round(share)) for share in nucleolus(table)]
    shares[0] += int(table[-1]) - sum(shares)
    assert largest_objection(table, shares)[0] <= 10  # base units, from rounding
    savings = measure(neighbourhood, PerInterval(MidMarketRate(), metered=True).run(neighbourhood)).savings
    assert int(savings.sum()) == int(table[-1])
    assert largest_objection(table, savings)[0] > 0


@pytest.mark.parametrize("name", ["shapley", "nucleolus"])
def test_coalition_designs_pay_out_the_solution_to_the_base_unit(name: str) -> None:
    neighbourhood = random_neighbourhood(1, 8)
    table = SharingGame.of(neighbourhood).table()
    solution = shapley(table) if name == "shapley" else nucleolus(table)
    result = measure(neighbourhood, design(name).run(neighbourhood))
    assert result.savings == pytest.approx([float(share) for share in solution], abs=1.5)
    assert int(result.savings.sum()) == int(table[-1])


def test_too_many_players_are_refused() -> None:
    with pytest.raises(InputError, match="sampled"):
        shapley(np.zeros(1 << 13, dtype=np.int64))
    with pytest.raises(InputError, match="sample"):
        SharingGame(np.zeros((1, 17), dtype=np.int64), np.zeros((1, 17), dtype=np.int64), 1).table()


@pytest.mark.parametrize("pair_cost", [0, 20_000, 10**12])
def test_no_coalition_gains_by_merging_or_parting(pair_cost: int) -> None:
    game = SharingGame.of(random_neighbourhood(3, 8))
    coalitions = merge_and_split(game, pair_cost)
    assert sorted(member for each in coalitions for member in each) == list(range(8))

    def worth(members: tuple[int, ...]) -> int:
        return game.value(np.array(members)) - pair_cost * len(members) * (len(members) - 1) // 2

    for one in coalitions:
        for two in coalitions:
            assert one == two or worth(tuple(sorted(one + two))) <= worth(one) + worth(two)
        for split in range(1, 1 << (len(one) - 1)):
            left = tuple(member for i, member in enumerate(one) if split >> i & 1)
            right = tuple(member for i, member in enumerate(one) if not split >> i & 1)
            assert worth(left) + worth(right) <= worth(one)
    together = sum(map(worth, coalitions))
    if pair_cost == 0:
        assert together == int(game.table()[-1])  # nothing is left to gain by being one
    else:
        assert (len(coalitions) == 8) == (pair_cost == 10**12)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_posted_price_earns_the_leader_more(seed: int) -> None:
    book = random_book(seed, 8, 8, most=6, low=100, high=130)
    bids = np.sort(np.repeat(book.bids.price, book.bids.quantity))[::-1]
    asks = np.sort(np.repeat(book.asks.price, book.asks.quantity))

    def profit(volume: int, coordinator: bool) -> int:
        revenue = volume * bids[volume - 1]
        return int(revenue - (volume * asks[volume - 1] if coordinator else asks[:volume].sum()))

    most = [max(profit(v, lead) for v in range(1, min(len(bids), len(asks)) + 1)) for lead in (False, True)]
    sellers = mechanism("stackelberg-sellers").clear(book, Terms())
    coordinator = mechanism("stackelberg-coordinator").clear(book, Terms())
    assert int(sellers.received.sum() - sellers.sold @ book.asks.price) == max(most[0], 0)
    assert coordinator.surplus == max(most[1], 0)


def test_leading_sellers_withhold() -> None:
    book = Book.of([(0, 300, 10), (1, 120, 10)], [(2, 100, 20)])
    outcome = mechanism("stackelberg-sellers").clear(book, Terms())
    assert (outcome.price, outcome.volume) == (300, 10)
    assert mechanism("uniform").clear(book, Terms()).volume == 20


@pytest.mark.parametrize("seed", range(3))
def test_at_the_nash_equilibrium_nobody_gains_alone(seed: int) -> None:
    random = np.random.default_rng(seed)
    game = MicrogridGame(random.uniform(-2, 3, (12, 5)), random.uniform(1, 6, 5), np.full(5, 1.5), slope=0.1)
    placed, rounds = game.equilibrium()
    assert placed.sum(axis=0) == pytest.approx(game.flexible)
    assert ((placed >= 0) & (placed <= 1.5 + 1e-9)).all()
    assert rounds < 500
    assert game.largest_unilateral_gain(placed) < 1e-6
    spread = np.tile(game.flexible / 12, (12, 1))
    assert game.largest_unilateral_gain(spread) > 1e-3
    assert game.cost(placed).sum() < game.cost(spread).sum()


def test_flexible_demand_moves_but_is_neither_lost_nor_made() -> None:
    neighbourhood = random_neighbourhood(4, 6)
    run = design("nash-flexible").run(neighbourhood)
    used = run.imported - run.exported + neighbourhood.generation
    assert used.sum(axis=0).tolist() == neighbourhood.demand.sum(axis=0).tolist()
    assert measure(neighbourhood, run).peak_reduction > 0


def test_whole_profiles_keep_their_totals() -> None:
    energy = np.array([[0.4, 1.5], [0.4, 1.5], [0.2, 2.0]])
    assert whole_profile(energy, np.array([1, 5])).sum(axis=0).tolist() == [1, 5]
