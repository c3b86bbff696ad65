"""Multi-agent proximal policy optimisation, small enough for one core and without a deep-learning library."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from peerwatt.designs.bidders import LEVELS, net_imports, phase_of_day, savings, shaded_book
from peerwatt.designs.design import Run, collect
from peerwatt.designs.neighbourhood import Neighbourhood
from peerwatt.designs.orders import FloatArray, IntArray
from peerwatt.designs.protocol import OFF_CHAIN
from peerwatt.designs.uniform import UniformPrice

PHASES = 8  # parts of the day
STATES = 2 * PHASES


@dataclass(frozen=True)
class PolicyGradientBidders:
    """Every home has a softmax policy over shading levels per state; a critic averages the reward of a state.

    The clipped objective min(r A, clip(r, 1 - e, 1 + e) A) of PPO is climbed by its exact gradient, which a
    softmax table has in closed form; one critic for all homes, as in multi-agent PPO.

    Attributes:
        iterations: Rollouts over the days.
        epochs: Gradient steps on each.
        step: Their size.
        clip: e, how far a policy may move on one rollout.
    """

    iterations: int = 30
    epochs: int = 4
    step: float = 0.5
    clip: float = 0.2
    name: str = "ppo"
    title: str = "uniform-price auction with multi-agent PPO bidders (tabular softmax)"
    source: str = "Schulman et al. 2017, arXiv:1707.06347; Yu et al., NeurIPS 35 (2022)"
    runs: str = OFF_CHAIN

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Practise, then run every interval at each policy's likeliest level."""
        random, homes = neighbourhood.terms.random(self.name), len(neighbourhood.names)
        net = net_imports(neighbourhood)
        states = np.array(
            [
                phase_of_day(t, neighbourhood.interval_s, PHASES) * 2 + (net[t] > 0)
                for t in range(neighbourhood.intervals)
            ]
        )
        logits = np.zeros((homes, STATES, LEVELS))
        everyone = np.arange(homes)
        for _ in range(self.iterations):
            chance = _softmax(logits)[everyone, states]  # (intervals, homes, levels)
            drawn = random.random((*net.shape, 1)) > chance.cumsum(axis=2)
            level = np.minimum(drawn.sum(axis=2), LEVELS - 1)
            reward = self._rewards(neighbourhood, net, level)
            advantage = _advantage(reward, states, net != 0)
            old = np.take_along_axis(chance, level[:, :, None], axis=2)[:, :, 0]
            for _ in range(self.epochs):
                logits += self.step * self._gradient(logits, states, level, advantage, old)
        best = logits.argmax(axis=2)[everyone, states]
        books = [shaded_book(net[t], best[t], neighbourhood.terms) for t in range(neighbourhood.intervals)]
        outcomes = [UniformPrice().clear(book, neighbourhood.terms) for book in books]
        run = collect(neighbourhood, books, outcomes, np.zeros(homes, dtype=np.int64))
        return replace(run, note=f"learned in {self.iterations} rollouts over the same days")

    def _rewards(self, neighbourhood: Neighbourhood, net: IntArray, level: IntArray) -> FloatArray:
        """Saving per Wh, in parts of the spread between the tariffs."""
        terms, reward = neighbourhood.terms, np.zeros(net.shape)
        spread = max(terms.retail - terms.network_fee - terms.feed_in, 1)
        for t in range(len(net)):
            book = shaded_book(net[t], level[t], terms)
            saved = savings(book, UniformPrice().clear(book, terms), terms, net.shape[1])
            reward[t] = saved / (np.maximum(np.abs(net[t]), 1) * spread)
        return reward

    def _gradient(
        self, logits: FloatArray, states: IntArray, level: IntArray, advantage: FloatArray, old: FloatArray
    ) -> FloatArray:
        """Of the clipped objective: A r (onehot - pi) where the clip does not bind, per visit of a state."""
        everyone = np.arange(logits.shape[0])
        chance = _softmax(logits)[everyone, states]
        ratio = np.take_along_axis(chance, level[:, :, None], axis=2)[:, :, 0] / old
        free = np.where(advantage > 0, ratio < 1 + self.clip, ratio > 1 - self.clip)
        direction = np.eye(LEVELS)[level] - chance
        gradient, visits = np.zeros_like(logits), np.zeros(logits.shape[:2])
        place = np.broadcast_to(everyone, states.shape), states
        np.add.at(gradient, place, (free * advantage * ratio)[:, :, None] * direction)
        np.add.at(visits, place, 1.0)
        return np.asarray(gradient / np.maximum(visits, 1)[:, :, None])


def _softmax(logits: FloatArray) -> FloatArray:
    powers = np.exp(logits - logits.max(axis=2, keepdims=True))
    return np.asarray(powers / powers.sum(axis=2, keepdims=True))


def _advantage(reward: FloatArray, states: IntArray, active: NDArray[np.bool_]) -> FloatArray:
    """Reward above the critic's average of the state, in standard deviations; 0 where nothing is at stake."""
    total, count = np.zeros(STATES), np.zeros(STATES)
    np.add.at(total, states[active], reward[active])
    np.add.at(count, states[active], 1.0)
    beyond = np.where(active, reward - (total / np.maximum(count, 1))[states], 0.0)
    spread = float(beyond[active].std()) if active.any() else 0.0
    return np.asarray(beyond / spread if spread > 0 else beyond)
