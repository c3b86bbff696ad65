"""What came of a replay in half sentences, which the headline, the tiles and the terminal share."""

from __future__ import annotations

from peerwatt.record.results import ReplayResult, Summary
from peerwatt.report import words


def saving(result: ReplayResult) -> int:
    """How much lower all bills are together, base units."""
    return sum(p.saving for p in result.participants)


def missed_in_words(result: ReplayResult) -> str:
    """What forecasts that missed cost of the saving."""
    missed = sum(p.forecast_error_cost for p in result.participants)
    return f"forecasts that missed cost {words.money(missed)} {result.summary.currency} of it"


def losers_in_words(result: ReplayResult) -> str:
    """How many pay more than without a market, and of these how many not for their forecasts alone."""
    poorer = sum(p.saving < 0 for p in result.participants)
    if not poorer:
        return "and no household pays more than without it"
    lose = sum(p.loses for p in result.participants)
    beside = "for its forecasts alone" if poorer == 1 else "for their forecasts alone"
    cause = beside if not lose else f"{lose} of them not only for forecasts"
    return f"and {poorer} of {len(result.participants)} households pay{'s' * (poorer == 1)} more, {cause}"


def saving_in_words(result: ReplayResult) -> str:
    """The saving of all, what it is against, what forecasts cost of it, and who lost."""
    return (
        f"{words.money(saving(result))} {result.summary.currency} by all households together, against no "
        f"market on the same feeder; {missed_in_words(result)}, {losers_in_words(result)}"
    )


def surplus_in_words(summary: Summary) -> str:
    """What was held back, with the market and without, and what flowed unpaid."""
    held, without = summary.curtailed_wh, summary.without_market_curtailed_wh
    same = "as without a market" if held == without else f"{words.kwh(without)} kWh without a market"
    return f"{words.kwh(held)} kWh held back ({same}), {words.kwh(summary.unpaid_wh)} kWh fed in unpaid"


def metered_in_words(summary: Summary) -> str:
    """The highest voltage as the meters counted, and how many intervals broke a limit."""
    highest = summary.voltage_max_pu_metered
    made = "nothing that was metered has a power flow"
    if highest is not None:
        made = f"the meters made it {words.pu(highest)} pu"
    beyond = summary.intervals_beyond_limits
    kept = "no interval" if not beyond else f"{beyond} interval{'s' * (beyond > 1)}"
    return f"{made}, {kept} beyond a limit"
