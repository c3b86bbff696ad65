"""The cases that the contracts' tests read too."""

import json
from pathlib import Path
from typing import Any

import pytest

from peerwatt.market import (
    Accepted,
    EnergyLimits,
    Entries,
    MarketConfig,
    Pricing,
    Tariff,
    Terms,
    TickBook,
    accepted_quantity,
    clear,
    fill,
    gate,
    settle_batch,
)
from peerwatt.market.settlement import accepted_by_batch
from peerwatt.messages import (
    Clearing,
    Decision,
    MarginalTick,
    PlacedStep,
    Reading,
    ReadingStatus,
    Record,
    Side,
    Step,
    Verdict,
    decode_records,
    encode_decisions,
    encode_readings,
    encode_records,
)
from tests.market.conftest import TARIFF

CASES = Path(__file__).parent.parent / "cases"


def cases(folder: str) -> list[Any]:
    return [
        pytest.param(json.loads(path.read_text()), id=path.stem)
        for path in sorted((CASES / folder).glob("*.json"))
    ]


def step(case: dict[str, Any]) -> Step:
    return Step(Side[case["side"].upper()], case["tick"], case["quantity"])


def clearing(case: dict[str, Any]) -> Clearing:
    return Clearing(
        case["buy_price"],
        case["sell_price"],
        case["at_limits"],
        MarginalTick(**case["bid"]),
        MarginalTick(**case["ask"]),
    )


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@pytest.mark.parametrize("case", cases("auction"))
def test_auction(case: dict[str, Any]) -> None:
    book = TickBook()
    placed = [book.post([step(each)])[0] for each in case["steps"]]
    assert [each.offset for each in placed] == case["offsets"]
    cleared, volume = clear(book, config(case.get("market", {})), TARIFF)
    assert volume == case["volume"]
    assert cleared == clearing(case["clearing"])
    assert cleared.pack() == int(case["clearing_word"], 16)
    assert [fill(each, cleared) for each in placed] == case["fills"]
    for cap in case["caps"]:
        gated = gate(book, cleared, Verdict.CAP, cap["volume"])
        assert gated == clearing(cap["gated"])
        assert gated.pack() == int(cap["gated_word"], 16)
        assert [accepted_quantity(each, gated) for each in placed] == cap["accepted"]


def config(market: dict[str, Any]) -> MarketConfig:
    """The market of a case: what it does not say is as in most of them."""
    said = {"base_price": 100, "tick_size": 1, "max_loss_rate": 50_000, **market}
    said["pricing"] = Pricing[market.get("pricing", "uniform").upper()]
    return MarketConfig(
        interval_length=900,
        gate_lead=0,
        report_window=60,
        attest_window=60,
        overrule_window=60,
        correction_window=86400,
        open_ahead=2,
        ring_size=4,
        margin_price=2000,
        **said,
    )


@pytest.mark.parametrize("case", cases("settlement"))
def test_settlement(case: dict[str, Any]) -> None:
    records = tuple(
        Record(order["participant"], tuple(PlacedStep(step(each), each["offset"]) for each in order["steps"]))
        for order in case["orders"]
    )
    assert encode_records(records) == unhex(case["records"])
    assert decode_records(unhex(case["records"])) == records
    if case["metered"]:
        readings = [
            Reading(ReadingStatus[each["status"].upper()], each["imported"], each["exported"])
            for each in case["metered"]
        ]
        assert encode_readings(readings) == unhex(case["readings"])
    if case["decided"]:
        assert encode_decisions(Decision(**each) for each in case["decided"]) == unhex(case["decisions"])

    terms = case["terms"]
    applied = Terms(
        Clearing.unpack(int(terms["clearing_word"], 16)),
        Verdict[terms["verdict"].upper()],
        terms["loss_rate"],
        terms["volume"],
        terms["delivered"],
        Tariff(terms["retail"], terms["feed_in"], terms["network_fee"]),
    )
    limits = [EnergyLimits(order["import_limit"], order["export_limit"]) for order in case["orders"]]
    decisions, readings_string = unhex(case["decisions"]), unhex(case["readings"])
    market = config(case["market"])
    expected = tuple(Accepted(**each) for each in case["positions"])
    assert accepted_by_batch(records, decisions, applied, market) == expected
    booked = settle_batch(records, decisions, readings_string, limits, applied, market)
    assert booked == tuple(Entries(**each) for each in case["entries"])
