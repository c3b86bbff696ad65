"""Settlement moves money and energy between accounts and makes none."""

from hypothesis import given
from hypothesis import strategies as st

from peerwatt.market import EnergyLimits, Metered, PeerCash, Position, Tariff, Terms, metered, settle_order
from peerwatt.market.settlement import Entries
from peerwatt.messages import NO_TRADE, Reading, ReadingStatus, Verdict

energy = st.one_of(st.integers(0, 20), st.integers(0, 1_700_000))
prices = st.integers(0, 65_535)
tariffs = st.tuples(prices, prices, prices).map(lambda p: Tariff(max(p[:2]), min(p[:2]), p[2]))
charges = st.integers(0, 1 << 40)
positions = st.builds(Position, energy, energy, energy, charges)
readings = st.builds(Metered, energy, energy)
verdicts = st.sampled_from(list(Verdict)[1:])
volumes = st.integers(0, (1 << 40) - 1)
all_terms = st.builds(Terms, st.just(NO_TRADE), verdicts, st.just(0), volumes, volumes, tariffs)


def at(price: int, position: Position) -> PeerCash:
    return PeerCash(price * position.sell, price * position.buy)


@given(positions, readings, prices, all_terms)
def test_cash_entries_sum_to_zero_and_energy_entries_to_what_was_delivered(
    position: Position, reading: Metered, price: int, terms: Terms
) -> None:
    entries = settle_order(position, reading, at(price, position), terms)
    cash = (
        entries.participant_cash,
        entries.grid_operator_cash,
        entries.community_cash,
        entries.supplier_cash,
    )
    assert sum(cash) == 0
    assert entries.delivered == min(position.sell, reading.exported)


@given(positions, readings, prices, all_terms)
def test_supplier_is_the_counterparty_of_imbalance_and_nothing_else(
    position: Position, reading: Metered, price: int, terms: Terms
) -> None:
    retail, feed_in = terms.tariff.retail, terms.tariff.feed_in
    delivered, used = min(position.sell, reading.exported), min(position.buy, reading.imported)
    earned = retail * (position.sell - delivered) + retail * (reading.imported - used)
    spent = feed_in * (position.buy - used)
    if terms.verdict in (Verdict.ACCEPT, Verdict.EXPIRED):
        spent += feed_in * (reading.exported - delivered)
    assert settle_order(position, reading, at(price, position), terms).supplier_cash == earned - spent


@given(positions, readings, prices, all_terms)
def test_grid_operator_earns_fees_and_losses_and_peers_pay_each_other(
    position: Position, reading: Metered, price: int, terms: Terms
) -> None:
    entries = settle_order(position, reading, at(price, position), terms)
    assert entries.grid_operator_cash == position.charge + terms.tariff.retail * position.loss
    assert entries.community_cash == price * (position.buy - position.sell)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=20), prices, tariffs, st.data())
def test_credits_never_exceed_what_was_delivered(
    bought: list[int], price: int, tariff: Tariff, data: st.DataObject
) -> None:
    volume = sum(bought)
    delivered = data.draw(st.integers(0, volume))
    terms = Terms(NO_TRADE, Verdict.ACCEPT, 0, volume, delivered, tariff)
    credits = [
        settle_order(
            Position(0, buy, 0, 0), Metered(buy, 0), PeerCash(0, price * buy), terms
        ).participant_energy
        for buy in bought
    ]
    assert delivered - len(bought) < sum(credits) <= delivered


@given(positions, readings, readings, prices, all_terms, volumes)
def test_correction_is_the_difference_of_two_settlements(
    position: Position, first: Metered, last: Metered, price: int, terms: Terms, delivered: int
) -> None:
    before = settle_order(position, first, at(price, position), terms)
    final = Terms(terms.clearing, terms.verdict, 0, terms.volume, delivered, terms.tariff, run=2)
    after = settle_order(position, last, at(price, position), final)
    correction = after - before
    for field in Entries.__dataclass_fields__:
        assert getattr(before, field) + getattr(correction, field) == getattr(after, field)


@given(positions, st.integers(0, 2000), st.integers(0, 2000), prices, all_terms, readings)
def test_a_missing_reading_never_pays(
    position: Position, imported: int, exported: int, price: int, terms: Terms, limits: Metered
) -> None:
    """The silent get no more than a seller that exported something, or a buyer that used what it bought."""
    connection = EnergyLimits(limits.imported, limits.exported)
    missing = metered(Reading(ReadingStatus.MISSING, imported, exported), position, connection)
    assert missing == Metered(imported=position.buy, exported=0)
    spoke = Metered(position.buy, exported)
    silent = settle_order(position, missing, at(price, position), terms)
    assert (
        silent.participant_cash <= settle_order(position, spoke, at(price, position), terms).participant_cash
    )


@given(st.sampled_from([ReadingStatus.ATTESTED, ReadingStatus.METER_SIGNED]), energy, energy, positions)
def test_readings_are_clamped_to_the_connection(
    status: ReadingStatus, imported: int, exported: int, position: Position
) -> None:
    read = metered(Reading(status, imported, exported), position, EnergyLimits(1000, 500))
    assert read == Metered(min(imported, 1000), min(exported, 500))


def test_what_is_claimed_beyond_the_accepted_volume_is_credited_to_nobody() -> None:
    """A correction may claim any delivery: a buyer's credit still ends at what it bought."""
    terms = Terms(NO_TRADE, Verdict.ACCEPT, 0, volume=100, delivered=250, tariff=Tariff(300, 80, 20), run=2)
    assert (
        settle_order(Position(0, 40, 0, 0), Metered(40, 0), PeerCash(0, 4000), terms).participant_energy == 40
    )
