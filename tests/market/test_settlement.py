"""Settlement moves money and energy between accounts and makes none."""

from hypothesis import given
from hypothesis import strategies as st

from peerwatt.market import Accepted, EnergyLimits, Metered, PeerCash, Tariff, Terms, metered, settle_order
from peerwatt.market.settlement import Entries
from peerwatt.messages import NO_TRADE, Reading, ReadingStatus, Verdict

energy = st.one_of(st.integers(0, 20), st.integers(0, 1_700_000))
prices = st.integers(0, 65_535)
tariffs = st.tuples(prices, prices, prices).map(lambda p: Tariff(max(p[:2]), min(p[:2]), p[2]))
charges = st.integers(0, 1 << 40)
accepted_orders = st.builds(Accepted, energy, energy, energy, charges, charges, energy)
readings = st.builds(Metered, energy, energy)
verdicts = st.sampled_from(list(Verdict)[1:])
volumes = st.integers(0, (1 << 40) - 1)
all_terms = st.builds(Terms, st.just(NO_TRADE), verdicts, st.just(0), volumes, volumes, tariffs)


def at(price: int, accepted: Accepted) -> PeerCash:
    return PeerCash(price * accepted.sell, price * accepted.buy)


@given(accepted_orders, readings, prices, all_terms)
def test_cash_entries_sum_to_zero_and_energy_entries_to_what_was_delivered(
    accepted: Accepted, reading: Metered, price: int, terms: Terms
) -> None:
    entries = settle_order(accepted, reading, at(price, accepted), terms)
    cash = (
        entries.participant_cash,
        entries.grid_operator_cash,
        entries.community_cash,
        entries.supplier_cash,
    )
    assert sum(cash) == 0
    assert entries.delivered == min(accepted.sell, reading.exported)


@given(accepted_orders, readings, prices, all_terms)
def test_supplier_is_the_counterparty_of_imbalance_and_nothing_else(
    accepted: Accepted, reading: Metered, price: int, terms: Terms
) -> None:
    retail, feed_in = terms.tariff.retail, terms.tariff.feed_in
    delivered, used = min(accepted.sell, reading.exported), min(accepted.buy, reading.imported)
    earned = retail * (accepted.sell - delivered) + retail * (reading.imported - used)
    spent = feed_in * min(reading.exported - delivered, accepted.surplus)
    if terms.verdict in (Verdict.ACCEPT, Verdict.EXPIRED):
        spent += feed_in * (accepted.buy - used)
    assert settle_order(accepted, reading, at(price, accepted), terms).supplier_cash == earned - spent


@given(accepted_orders, readings, prices, all_terms)
def test_grid_operator_earns_fees_and_losses_and_peers_pay_each_other(
    accepted: Accepted, reading: Metered, price: int, terms: Terms
) -> None:
    entries = settle_order(accepted, reading, at(price, accepted), terms)
    assert entries.grid_operator_cash == accepted.charge + accepted.loss_cost
    assert entries.community_cash == price * (accepted.buy - accepted.sell)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=20), prices, tariffs, st.data())
def test_credits_never_exceed_what_was_delivered(
    bought: list[int], price: int, tariff: Tariff, data: st.DataObject
) -> None:
    volume = sum(bought)
    delivered = data.draw(st.integers(0, volume))
    terms = Terms(NO_TRADE, Verdict.ACCEPT, 0, volume, delivered, tariff)
    credits = [
        settle_order(
            Accepted(0, buy, 0, 0, 0, 0), Metered(buy, 0), PeerCash(0, price * buy), terms
        ).participant_energy
        for buy in bought
    ]
    assert delivered - len(bought) < sum(credits) <= delivered


@given(accepted_orders, readings, readings, prices, all_terms, volumes)
def test_correction_is_the_difference_of_two_settlements(
    accepted: Accepted, first: Metered, last: Metered, price: int, terms: Terms, delivered: int
) -> None:
    before = settle_order(accepted, first, at(price, accepted), terms)
    final = Terms(terms.clearing, terms.verdict, 0, terms.volume, delivered, terms.tariff, run=2)
    after = settle_order(accepted, last, at(price, accepted), final)
    correction = after - before
    for field in Entries.__dataclass_fields__:
        assert getattr(before, field) + getattr(correction, field) == getattr(after, field)


@given(accepted_orders, st.integers(0, 2000), st.integers(0, 2000), prices, all_terms, readings)
def test_a_missing_reading_never_pays(
    accepted: Accepted, imported: int, exported: int, price: int, terms: Terms, limits: Metered
) -> None:
    """The silent get no more than a seller that exported something, or a buyer that used what it bought."""
    connection = EnergyLimits(limits.imported, limits.exported)
    missing = metered(Reading(ReadingStatus.MISSING, imported, exported), accepted, connection)
    assert missing == Metered(imported=accepted.buy, exported=0)
    spoke = Metered(accepted.buy, exported)
    spoken = settle_order(accepted, spoke, at(price, accepted), terms)
    silent = settle_order(accepted, missing, at(price, accepted), terms)
    assert silent.participant_cash <= spoken.participant_cash


@given(st.sampled_from([ReadingStatus.ATTESTED, ReadingStatus.METER_SIGNED]), energy, energy, accepted_orders)
def test_readings_are_clamped_to_the_connection(
    status: ReadingStatus, imported: int, exported: int, accepted: Accepted
) -> None:
    read = metered(Reading(status, imported, exported), accepted, EnergyLimits(1000, 500))
    assert read == Metered(min(imported, 1000), min(exported, 500))


def test_what_is_claimed_beyond_the_accepted_volume_is_credited_to_nobody() -> None:
    """A correction may claim any delivery: a buyer's credit still ends at what it bought."""
    terms = Terms(NO_TRADE, Verdict.ACCEPT, 0, volume=100, delivered=250, tariff=Tariff(300, 80, 20), run=2)
    assert (
        settle_order(Accepted(0, 40, 0, 0, 0, 0), Metered(40, 0), PeerCash(0, 4000), terms).participant_energy
        == 40
    )
