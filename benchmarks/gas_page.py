"""The page that tells what `gas.json` holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# The budget, in gas per participant and interval, or per call.
BUDGET = {
    ("attested", 1000): 11_000,
    ("attested", 100): 14_000,
    ("meter_signed", 1000): 17_000,
}

PER_PARTICIPANT = "gas_per_participant_interval"

HEAD = """# What the market costs in gas

Written by `make gas`; the figures are in `benchmarks/gas.json`, and a test measures some of them again.

Measured in steady state (second lap of the ring, accounts that hold balances) under Shanghai's rules. A
participant's interval includes everything: its order's calldata and signature check, its part of clearing,
report, readings and settlement of cash and energy. The participants' accounts are neighbours, as a relayer
that sorts its batches makes them. About half of the participants sell.
"""

BY_RULE = """
## Clear by pricing rule

Typical: for the auctions limits around one another, for the rules that set a price all bids at the top of the
ladder and all asks at its bottom, as the replay posts them. Worst: every tick of both sides occupied.
"""

FULL_BATCH = """
## A full batch at its dearest

As many orders as a market takes by default in one batch, of every fourth account, eight steps each, at the
steps' own limits, curtailed with a decision on each, on storage never used before. While it is settled, and
again while it is corrected, every account outgrows its place, which writes a word of its reserve. A
transaction has 16,777,216 gas (EIP-7825), and a test holds these three below it: what was posted can be
settled and corrected. A market for a chain that gives a transaction less, or more, sets `batchOrders` by the
last column.
"""

BASELINE = """
## Next to a textbook double auction

`benchmarks/TextbookAuction.sol`: structs in arrays, escrow when ordering, quicksort, a matching loop,
one token transfer per trade. It relays no signed orders, reads no meters, and asks no grid.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_shown(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _shown(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def page(gas: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    parts = [HEAD, "\n## Per participant and interval\n\n", _matrix(gas["rows"])]
    parts += ["\nWhere it goes, N = 1,000, one step, one batch, per participant:\n\n", _split(gas["rows"])]
    parts += ["\n## Calls\n\n", _calls(gas)]
    parts += [BY_RULE, "\n", _by_rule(gas["clear_by_rule"])]
    parts += [FULL_BATCH, "\n", _full_batch(gas["full_batch"])]
    parts += [BASELINE, "\n", _baseline(gas["baseline"])]
    sizes = sorted(gas["bytecode_bytes"].items(), key=lambda item: -item[1])
    parts += ["\n## Size\n\nThe limit is 24,576 bytes (EIP-170).\n\n", table(("contract", "bytes"), sizes)]
    return "".join(parts)


def _matrix(rows: Sequence[Mapping[str, Any]]) -> str:
    cells = {
        (row["participants"], row["steps"], row["readings"], row["batches"]): row[
            "gas_per_participant_interval"
        ]
        for row in rows
    }
    columns = sorted({key[1:] for key in cells}, key=lambda key: (key[1], key[0], key[2]))
    head = ["participants"] + [
        f"{readings.replace('_', '-')}, steps {steps}, batches {batches}"
        for steps, readings, batches in columns
    ]
    sizes = sorted({key[0] for key in cells})
    return table(head, [[size, *(cells.get((size, *column), "") for column in columns)] for size in sizes])


def _split(rows: Sequence[Mapping[str, Any]]) -> str:
    chosen = [row for row in rows if (row["participants"], row["steps"], row["batches"]) == (1000, 1, 1)]
    calls = ["post", "clear", "report", "attest", "overrule", "settle"]
    return table(
        ["readings", *calls, "total", "budget"],
        [
            [
                row["readings"].replace("_", "-"),
                *(round(row["gas_by_call"].get(call, 0) / 1000) for call in calls),
                row["gas_per_participant_interval"],
                BUDGET[row["readings"], 1000],
            ]
            for row in chosen
        ],
    )


def _calls(gas: Mapping[str, Any]) -> str:
    calls = gas["calls"]
    rows = [
        ("one order posted by its own wallet, into an open interval", calls["post_direct"], 80_000),
        ("the same as the first of its interval", calls["post_direct_first"], 80_000),
        ("report, 3 of 4 signatures", calls["report_3_of_4"], 85_000),
        ("report, 7 of 10 signatures", calls["report_7_of_10"], ""),
        ("operating envelope of a page (96 accounts), 3 of 4 signatures", calls["publish_envelope"], ""),
        ("its 92 orders posted under that envelope", calls["post_page_envelope"], ""),
        ("the same, the market has envelopes and none was published", calls["post_page_no_envelope"], ""),
        ("the same in a market without envelopes", calls["post_page"], ""),
    ]
    budget = {"typical": 120_000, "worst": 350_000}
    rows += [
        (f"clear, {each['book']} book of {each['orders']} orders", each["gas"], budget.get(each["book"], ""))
        for each in gas["clear"]
    ]
    return table(("call", "gas", "budget"), rows)


def _by_rule(rows: Sequence[Mapping[str, Any]]) -> str:
    return table(
        ("rule", "orders", "typical book", "worst book"),
        [(row["rule"], row["orders"], row["typical"], row["worst"]) for row in rows],
    )


def _full_batch(full: Mapping[str, int]) -> str:
    orders = full["orders"]
    rows = [(call, orders, full[call], round(full[call] / orders)) for call in ("post", "settle", "correct")]
    return table(("call", "orders", "gas", "per order"), rows)


def _baseline(baseline: Sequence[Mapping[str, Any]]) -> str:
    return table(
        ("participants", "clear", "total", "per participant and interval"),
        [
            (each["participants"], each["gas_clear"], each["gas_total"], each["gas_per_participant_interval"])
            for each in baseline
        ],
    )
