"""Whether the files of an export are of one replay: all rows are there, and figures follow from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from peerwatt.errors import InputError
from peerwatt.market.market_rules import Tariff
from peerwatt.record.bills import interval_terms, participant_result
from peerwatt.record.results import Summary
from peerwatt.scenario.counterfactual import STATED
from peerwatt.scenario.participants import KINDS
from peerwatt.tables.problems import one_of
from peerwatt.verdict import Verdict

SUMMARY = "summary.json"
FOLLOWING = (
    "without_market_wh",
    "without_market_retail",
    "without_market_feed_in",
    "unpaid_surplus_wh",
    "curtailed_wh",
    "forecast_error_cost",
)
"""Of a participant, what no account on chain is compared with; Wh and base units."""

Tables = dict[str, tuple[Any, ...]]
"""Records by the name of their file, without .csv."""


def require_consistent(directory: Path, summary: Summary, tables: Tables) -> None:
    """Refuse an export whose files contradict one another.

    Args:
        directory: where they lie.
        summary: as it stands there.
        tables: all of them.

    Raises:
        InputError: rows are missing, twice or of another replay, or a figure does not follow from them.
    """
    _require_whole(directory, summary, tables)
    _require_metered(directory, summary, tables)
    _require_counterfactual(directory, summary, tables)


def require_typed(path: Path, summary: Summary) -> None:
    """Refuse a summary with a value that its field cannot have.

    Raises:
        InputError: there is one.
    """
    if summary.counterfactual not in STATED:
        raise InputError(
            f"{path}: counterfactual {str(summary.counterfactual)!r} must be {one_of(list(STATED))}"
        )
    for name, kind in get_type_hints(Summary).items():
        if not _is_of(getattr(summary, name), kind):
            raise InputError(
                f"{path}: {name} is {getattr(summary, name)!r}, which it cannot be; replay again"
            )


def _is_of(value: Any, kind: Any) -> bool:
    """Whether a value is of its field's type; JSON may write a float without decimals."""
    kinds = (kind,) if get_origin(kind) is Mapping else get_args(kind) or (kind,)
    if kind is float or float in kinds:
        kinds = (*kinds, int)
    plain = tuple(get_origin(each) or each for each in kinds)
    if isinstance(value, bool) or (isinstance(value, float) and not isfinite(value)):
        return False
    return isinstance(value, plain)


def _require_whole(directory: Path, summary: Summary, tables: Tables) -> None:
    """Refuse tables with rows missing, twice or of another replay: nobody would miss what is not compared."""
    listed = Counter((each.interval, each.participant) for each in tables["settlements"])
    expected = Counter(
        (interval.interval, participant.participant)
        for interval in tables["intervals"]
        for participant in tables["participants"]
    )
    for interval, participant in (expected - listed) | (listed - expected):
        raise InputError(
            f"{directory / 'settlements.csv'}: interval {interval}, {participant}: "
            f"{listed[interval, participant]} rows, not {expected[interval, participant]}; replay again"
        )
    _require_reasons(directory, tables)
    for name in (
        "traded_wh",
        "accepted_wh",
        "losses_wh",
        "unpaid_wh",
        "curtailed_wh",
        "without_market_curtailed_wh",
    ):
        summed, told = sum(getattr(each, name) for each in tables["intervals"]), getattr(summary, name)
        if summed != told:
            raise InputError(
                f"{directory / 'intervals.csv'}: its {name} add up to {summed}, and {SUMMARY} has {told}: "
                "replay again"
            )


def _require_metered(directory: Path, summary: Summary, tables: Tables) -> None:
    """Refuse a summary that tells of fewer broken limits, or of another voltage, than its intervals do."""
    intervals = tables["intervals"]
    followed = {
        "voltage_max_pu_metered": max(
            (i.voltage_max_pu_metered for i in intervals if i.voltage_max_pu_metered is not None),
            default=None,
        ),
        "intervals_beyond_limits": sum(i.beyond_limits_metered > i.beyond_limits_after for i in intervals),
    }
    for name, value in followed.items():
        if getattr(summary, name) != value:
            raise InputError(
                f"{directory / SUMMARY}: {name} is {getattr(summary, name)}, and from intervals.csv follows "
                f"{value}: replay again"
            )


def _require_counterfactual(directory: Path, summary: Summary, tables: Tables) -> None:
    """Refuse a bill without a market, or a cost of missed forecasts, that settlements do not lead to."""
    tariff = Tariff(summary.retail, summary.feed_in, summary.network_fee)
    try:
        terms = interval_terms(tables["intervals"], tables["orders"])
        for told in tables["participants"]:
            own = [each for each in tables["settlements"] if each.participant == told.participant]
            made = participant_result(told.participant, told.kind, told.node, own, terms, tariff)
            for name in FOLLOWING:
                if getattr(made, name) != getattr(told, name):
                    raise InputError(
                        f"{directory / 'participants.csv'}: {told.participant}: {name} {getattr(told, name)} "
                        f"is not the {getattr(made, name)} that follows from settlements.csv; replay again"
                    )
    except KeyError:
        return  # tables of different replays: what compares the bills says so


def _require_reasons(directory: Path, tables: Tables) -> None:
    """Refuse curtailments that say nothing of a curtailed interval, or name who took no part."""
    told = {(each.interval, each.participant) for each in tables["curtailments"]}
    reasoned = {interval for interval, _ in told}
    known = {participant.participant for participant in tables["participants"]}
    for interval in tables["intervals"]:
        if interval.verdict == Verdict.CURTAIL and interval.interval not in reasoned:
            raise InputError(
                f"{directory / 'curtailments.csv'}: has no reason for interval {interval.interval}, "
                "which the committee curtailed; replay again"
            )
    for _, name in sorted(told, key=str):
        if name not in known:
            raise InputError(f"{directory / 'curtailments.csv'}: {name!r} is no participant; replay again")
    for participant in tables["participants"]:
        if participant.kind not in KINDS:
            raise InputError(
                f"{directory / 'participants.csv'}: {participant.participant}: kind {participant.kind!r} "
                "must be "
                f"{one_of(list(KINDS))}"
            )
