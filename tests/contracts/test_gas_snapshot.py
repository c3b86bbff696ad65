"""What the market costs is what `benchmarks/gas.json` says; whoever changes it runs `make gas`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

from full_batch import full_batch_gas  # noqa: E402
from measure_gas import ATTESTED, METER_SIGNED, SMALL, Bench, Row, envelope_gas, report_gas  # noqa: E402

from peerwatt.chain import TRANSACTION_GAS_CAP, load_artifact, open_network  # noqa: E402
from peerwatt.market.market_rules import BATCH_ORDERS  # noqa: E402

SNAPSHOT: dict[str, Any] = json.loads((BENCHMARKS / "gas.json").read_text())
TOLERANCE = 0.01
MAX_CONTRACT_BYTES = 24_576  # EIP-170


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with open_network() as network:
        yield Bench(network, SMALL)


@pytest.mark.parametrize("readings", [ATTESTED, METER_SIGNED])
@pytest.mark.parametrize(
    ("participants", "steps", "batches"), [(1, 1, 1), (10, 1, 1), (10, 5, 1), (10, 1, 10)]
)
def test_interval_costs_what_the_snapshot_says(
    bench: Bench, participants: int, steps: int, readings: str, batches: int
) -> None:
    [expected] = [
        row
        for row in SNAPSHOT["rows"]
        if (row["participants"], row["steps"], row["readings"], row["batches"])
        == (participants, steps, readings, batches)
    ]
    measured, by_call = bench.measure(Row(expected["name"], participants, steps, readings, batches))
    for call, gas in expected["gas_by_call"].items():
        assert by_call[call] == pytest.approx(gas, rel=TOLERANCE), f"{call}: run `make gas`"
    assert measured.gas_total == pytest.approx(expected["gas_total"], rel=TOLERANCE)


def test_report_costs_what_the_snapshot_says() -> None:
    measured = report_gas(4, 3, "eth-tester")
    assert measured == pytest.approx(SNAPSHOT["calls"]["report_3_of_4"], rel=TOLERANCE)


def test_envelope_of_a_page_and_posting_under_it_cost_what_the_snapshot_says() -> None:
    for call, gas in envelope_gas("eth-tester").items():
        assert gas == pytest.approx(SNAPSHOT["calls"][call], rel=TOLERANCE), f"{call}: run `make gas`"


def test_clearing_does_not_grow_with_the_orders() -> None:
    """Ten times the orders in the same ticks cost no more than the few words that they add."""
    typical = {entry["orders"]: entry["gas"] for entry in SNAPSHOT["clear"] if entry["book"] == "typical"}
    assert typical[1000] < 1.5 * typical[100]


def test_thousand_orders_fit_in_one_transaction() -> None:
    [row] = [row for row in SNAPSHOT["rows"] if row["name"] == f"n1000_steps1_{ATTESTED}_batches1"]
    for gas in row["gas_by_call"].values():
        assert gas < TRANSACTION_GAS_CAP


def test_whatever_was_posted_in_a_full_batch_can_be_settled_and_corrected() -> None:
    with open_network("anvil") as network:
        gas = full_batch_gas(network)
    assert gas["orders"] == BATCH_ORDERS
    assert max(gas["post"], gas["settle"], gas["correct"]) < TRANSACTION_GAS_CAP, gas


def test_sizes_are_the_snapshots_and_below_the_limit() -> None:
    for name, size in SNAPSHOT["bytecode_bytes"].items():
        assert len(load_artifact(name).deployed_bytecode) == pytest.approx(size, rel=TOLERANCE)
        assert size <= MAX_CONTRACT_BYTES
