"""Settlement of accepted energy, imbalance, fees and losses. Only the energy credit needs a division."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from peerwatt.market.accepted import Accepted, accepted_of, decisions_on
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.market.pro_rata import accepted_quantity
from peerwatt.market.terms import Terms
from peerwatt.messages import (
    MISSING,
    READING_LENGTH,
    Reading,
    ReadingStatus,
    Record,
    Side,
    Step,
    decode_readings,
)


@dataclass(frozen=True, slots=True)
class Metered:
    """The energy of one interval that an order is settled by, Wh.

    Attributes:
        imported: Energy drawn from the grid.
        exported: Energy fed into the grid.
    """

    imported: int
    exported: int


@dataclass(frozen=True, slots=True)
class Entries:
    """What one order's settlement books. The cash entries sum to zero, the energy entries to what was
    delivered.

    Attributes:
        participant_cash: To the participant, base units.
        grid_operator_cash: To the grid operator, base units.
        community_cash: To the pool that peer payments pass through, base units.
        supplier_cash: To the supplier, who is everybody's counterparty, base units.
        participant_energy: Peer energy credited to the participant, Wh.
        metering_operator_energy: Energy that meters recorded and nobody was credited yet, Wh; negative is its
            debt.
    """

    participant_cash: int = 0
    grid_operator_cash: int = 0
    community_cash: int = 0
    supplier_cash: int = 0
    participant_energy: int = 0
    metering_operator_energy: int = 0

    @property
    def delivered(self) -> int:
        """Peer energy that the order delivered, Wh."""
        return self.participant_energy + self.metering_operator_energy

    def __sub__(self, earlier: "Entries") -> "Entries":
        """The entries that correct an earlier settlement into this one."""
        return Entries(
            self.participant_cash - earlier.participant_cash,
            self.grid_operator_cash - earlier.grid_operator_cash,
            self.community_cash - earlier.community_cash,
            self.supplier_cash - earlier.supplier_cash,
            self.participant_energy - earlier.participant_energy,
            self.metering_operator_energy - earlier.metering_operator_energy,
        )


class PeerCash(NamedTuple):
    """What an order's peer trade comes to, base units.

    Attributes:
        income: For what it sold.
        cost: For what it bought.
    """

    income: int
    cost: int


def readings_of(data: bytes, orders: int) -> tuple[Reading, ...]:
    """The readings of a batch; all of them missing when the string is absent or of the wrong length.

    Args:
        data: The packed readings.
        orders: Number of orders in the batch.
    """
    return decode_readings(data) if len(data) == orders * READING_LENGTH else (MISSING,) * orders


def metered(reading: Reading, accepted: Accepted, limits: EnergyLimits) -> Metered:
    """The energy that a reading settles.

    Without a reading the order is settled as if it had drawn what it bought and delivered nothing, which
    a buyer that drew more than it bought gains by. Energy above the connection's limits is not settled.
    """
    if reading.status == ReadingStatus.MISSING:
        return Metered(imported=accepted.buy, exported=0)
    return Metered(min(reading.imported, limits.imported), min(reading.exported, limits.exported))


def delivered(accepted: Accepted, energy: Metered) -> int:
    """Peer energy that an order delivered, Wh: never more than it sold."""
    return min(accepted.sell, energy.exported)


def peer_cash(record: Record, accepted: Accepted, terms: Terms, config: MarketConfig) -> PeerCash:
    """What an order's accepted energy earns and costs among peers.

    Where every Wh is traded at its own limit and less is accepted than the steps were filled, the highest
    bids and the lowest asks are accepted first.

    Args:
        record: The order as it was posted.
        accepted: What of it is accepted.
        terms: What the interval is settled by.
        config: The market's price ladder.
    """
    clearing = terms.clearing
    if not clearing.at_limits:
        return PeerCash(clearing.sell_price * accepted.sell, clearing.buy_price * accepted.buy)
    cash = dict.fromkeys(Side, 0)
    left = {Side.SELL: accepted.sell, Side.BUY: accepted.buy}
    for placed in sorted(record.steps, key=lambda placed: merit(placed.step)):
        side, limit = placed.step.side, config.price(placed.step.tick)
        taken = min(accepted_quantity(placed, clearing), left[side])
        cash[side] += limit * taken
        left[side] -= taken
    return PeerCash(cash[Side.SELL], cash[Side.BUY])


def merit(step: Step) -> int:
    """Rank of a step on its side, the best first: bids fall, asks rise."""
    return -step.tick if step.side == Side.BUY else step.tick


def settle_order(accepted: Accepted, energy: Metered, peer: PeerCash, terms: Terms) -> Entries:
    """Settle one order. The two registers are settled separately, never netted.

    Args:
        accepted: What the order has accepted, its loss share, its network charge and its paid surplus.
        energy: What its meter recorded.
        peer: What its peer trade comes to.
        terms: What the interval is settled by.
    """
    tariff = terms.tariff
    sold, bought, charge = accepted.sell, accepted.buy, accepted.charge
    supplied = delivered(accepted, energy)
    used = min(bought, energy.imported)

    losses = accepted.loss_cost

    shortfall = tariff.retail * (sold - supplied)
    # Where the grid is constrained nobody is paid for a purchase that it does not draw.
    unused = tariff.feed_in * (bought - used) if terms.verdict.is_unconstrained else 0
    other_import = tariff.retail * (energy.imported - used)
    surplus = tariff.feed_in * min(energy.exported - supplied, accepted.surplus)

    participant = peer.income - peer.cost - charge - shortfall + unused + surplus - other_import - losses
    grid_operator = charge + losses
    community = peer.cost - peer.income
    credit = bought * min(terms.delivered, terms.volume) // terms.volume if terms.volume else 0
    return Entries(
        participant_cash=participant,
        grid_operator_cash=grid_operator,
        community_cash=community,
        supplier_cash=-(participant + grid_operator + community),
        participant_energy=credit,
        metering_operator_energy=supplied - credit,
    )


def accepted_by_batch(
    records: Sequence[Record], decisions: bytes, terms: Terms, config: MarketConfig
) -> tuple[Accepted, ...]:
    """What is accepted of every order of a batch.

    Args:
        records: The batch's orders.
        decisions: The packed decisions on it, empty when the report carried none.
        terms: What the interval is settled by.
        config: The market's parameters.
    """
    each = decisions_on(decisions, len(records)) or (None,) * len(records)
    return tuple(
        accepted_of(record, terms, decision, config) for record, decision in zip(records, each, strict=True)
    )


def settle_batch(
    records: Sequence[Record],
    decisions: bytes,
    readings: bytes,
    limits: Sequence[EnergyLimits],
    terms: Terms,
    config: MarketConfig,
) -> tuple[Entries, ...]:
    """Settle every order of a batch.

    Args:
        records: The batch's orders.
        decisions: The packed decisions on it, empty when the report carried none.
        readings: The packed readings of it, empty when nobody read a meter.
        limits: The energy limits of every order's connection, in the records' order.
        terms: What the interval is settled by.
        config: The market's parameters.

    Returns:
        One set of entries per order.
    """
    return tuple(
        settle_order(each, metered(reading, each, limit), peer_cash(record, each, terms, config), terms)
        for record, each, reading, limit in zip(
            records,
            accepted_by_batch(records, decisions, terms, config),
            readings_of(readings, len(records)),
            limits,
            strict=True,
        )
    )


def delivered_by_batch(
    records: Sequence[Record],
    decisions: bytes,
    readings: bytes,
    limits: Sequence[EnergyLimits],
    terms: Terms,
    config: MarketConfig,
) -> int:
    """Peer energy that a batch's sellers delivered by its readings, Wh; arguments as for ``settle_batch``."""
    return sum(
        delivered(each, metered(reading, each, limit))
        for each, reading, limit in zip(
            accepted_by_batch(records, decisions, terms, config),
            readings_of(readings, len(records)),
            limits,
            strict=True,
        )
    )
