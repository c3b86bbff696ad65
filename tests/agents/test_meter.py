"""A meter's registers only grow, are never netted, and their difference is the energy of the intervals."""

from itertools import pairwise

import pytest

from peerwatt.agents.home import metered_flow
from peerwatt.agents.meter import Meter
from peerwatt.errors import InputError
from peerwatt.messages import MAX_REGISTER
from peerwatt.messages.domain import Domain
from peerwatt.messages.signature import address_of

DOMAIN = Domain(chain_id=1, market="0x" + "11" * 20)


def test_registers_are_the_running_sum_of_the_intervals() -> None:
    meter = Meter(participant=4, import_register=1000, export_register=50)
    readings = [meter.read(interval, 3 * interval, interval) for interval in range(10, 20)]
    assert readings[-1].import_register == 1000 + sum(r.imported for r in readings)
    assert readings[-1].export_register == 50 + sum(r.exported for r in readings)
    assert all(b.import_register >= a.import_register for a, b in pairwise(readings))


def test_import_and_export_of_one_interval_are_not_netted() -> None:
    reading = Meter(participant=4).read(1, imported=70, exported=30)
    assert (reading.imported, reading.exported) == (70, 30)


def test_the_device_key_signs_the_reading() -> None:
    key = bytes([7]) * 32
    reading = Meter(participant=4).read(1, 70, 30)
    assert reading.recover(DOMAIN, reading.sign(DOMAIN, key)) == address_of(key)


@pytest.mark.parametrize(("imported", "exported"), [(-1, 0), (0, -1), (MAX_REGISTER + 1, 0)])
def test_a_register_never_runs_back_or_over(imported: int, exported: int) -> None:
    with pytest.raises(InputError, match="participant 4, interval 1"):
        Meter(participant=4).read(1, imported, exported)


def test_an_interval_is_counted_once() -> None:
    meter = Meter(participant=4)
    meter.read(5, 1, 1)
    with pytest.raises(InputError, match="already read"):
        meter.read(5, 1, 1)


@pytest.mark.parametrize(
    ("demand", "generation", "limit", "flow"),
    [
        (100, 0, None, (0, 100, 0, 0)),
        (100, 40, None, (40, 60, 0, 0)),
        (100, 400, None, (100, 0, 300, 0)),
        (100, 400, 120, (100, 0, 120, 180)),
        (100, 400, 0, (100, 0, 0, 300)),
        (100, 150, 500, (100, 0, 50, 0)),
    ],
)
def test_a_home_uses_its_own_first_and_its_inverter_obeys_the_limit(
    demand: int, generation: int, limit: int | None, flow: tuple[int, int, int, int]
) -> None:
    got = metered_flow(demand, generation, limit)
    assert (got.own, got.imported, got.exported, got.curtailed) == flow
    assert got.own + got.imported == demand
    assert got.own + got.exported + got.curtailed == generation
