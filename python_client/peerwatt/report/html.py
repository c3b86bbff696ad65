"""The report: one self-contained page, no request to anywhere, made from a `ReplayResult` alone."""

from __future__ import annotations

import json
from html import escape

from peerwatt.record.results import ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.bills import bills
from peerwatt.report.charts.day import Day
from peerwatt.report.charts.duration import price_duration
from peerwatt.report.charts.energy import consumption_by_household, energy_by_source, generation_by_household
from peerwatt.report.charts.price import price_and_volume
from peerwatt.report.charts.verdicts import verdict_strip
from peerwatt.report.charts.voltage import voltage_band
from peerwatt.report.document import document
from peerwatt.report.figures import Card, card, figure
from peerwatt.report.grid_section import cuts_card, feeder_card
from peerwatt.report.headline import checks, headline, tiles
from peerwatt.report.local_time import in_local_time
from peerwatt.report.merit_order_section import merit_order_card
from peerwatt.scenario.counterfactual import STATED


def render_page(result: ReplayResult) -> str:
    """The page as HTML. The same result gives the same bytes."""
    result = in_local_time(result)
    summary = result.summary
    return document(
        f"{summary.scenario}, {_period(result)}",
        facts=f"version {summary.version}, chain {summary.chain}, seed {summary.seed}",
        opening=f'{headline(result)}<p class="about">{escape(summary.description)}</p>',
        before=tiles(result) + checks(result),
        cards=_cards(result),
        footer=_footer(result),
        households=len(result.participants),
        data=_slots(result),
    )


def _cards(result: ReplayResult) -> list[Card]:
    day = Day(result.intervals, result.summary.interval_length_s)
    cards = [
        card(
            "What the grid said",
            "After each auction a power flow of everything that was cleared decides what may execute.",
            figure(verdict_strip(result), wide=True, below=_reader(day)),
            short="Verdicts",
        ),
        card(
            "Price and volume",
            _price_note(result),
            figure(price_and_volume(result), wide=True),
            short="Price",
        ),
        card(
            "Voltage, before and after the gate",
            "The feeder's highest and lowest node voltage. Dashed: what was cleared, had it been executed. "
            "The table has what the meters then made of it.",
            figure(voltage_band(result), wide=True),
            short="Voltage",
        ),
        cuts_card(result),
        feeder_card(result),
        card(
            "Where the energy came from",
            "Own generation never passes the meter; neighbours and grid sum to the import, to the Wh.",
            figure(energy_by_source(result), wide=True)
            + '<div class="pair">'
            + f"<div><h3>Used</h3>{figure(consumption_by_household(result))}</div>"
            + f"<div><h3>Generated</h3>{figure(generation_by_household(result))}</div></div>",
            short="Energy",
        ),
        card(
            "Bills, with and without the market",
            f"Both bills are of the same home on the same feeder: {STATED[result.summary.counterfactual]}. "
            "Every line of the bill is in the table: positive is what the household pays, negative what it "
            "is paid.",
            figure(bills(result), wide=True),
            short="Bills",
        ),
        merit_order_card(result),
        card(
            "How often which price",
            "Prices of the intervals that traded, highest first.",
            f'<div class="pair"><div>{figure(price_duration(result))}</div><div>{_terms(result)}</div></div>',
            short="Prices and words",
        ),
    ]
    return [each for each in cards if each is not None]


def _reader(day: Day) -> str:
    """What a thumb or the arrow keys move through the day: the same cursor that a mouse has in the charts."""
    last = len(day.intervals) - 1
    if last < 1:
        return ""
    return (
        '<div class="reader with-script" hidden><label for="slot">Read an interval</label>'
        f'<input type="range" id="slot" min="0" max="{last}" value="0"><output id="reading" for="slot">'
        "</output></div>"
    )


def _price_note(result: ReplayResult) -> str:
    """What the price chart shows, by the market's rule."""
    if any(i.price != i.sell_price for i in result.intervals):
        return (
            "What buyers pay and, dashed, what sellers get; the community keeps the difference. "
            "No line where nothing traded."
        )
    return "One price per interval, between what the grid pays and charges. No line where nothing traded."


def _terms(result: ReplayResult) -> str:
    summary = result.summary
    terms = {
        "own": "generated and consumed behind the same meter",
        "neighbours": "bought in the market and consumed: the smaller of accepted and metered",
        "grid": "imported beyond that, at the retail tariff",
        "self-sufficiency": "own over consumed; not defined without generation",
        "self-consumption": "own over generated; not defined without generation",
        "network fee": "what the network costs a trade: the buyer's fee, or the charge that the report names",
        "shortfall": "sold and not delivered, bought back at the retail tariff",
        "unused": "bought and not consumed, handed on at the feed-in tariff",
        "saving": "the bill without a market less the bill with it",
        "forecasts missed": "sold and not delivered, bought and not drawn: its cost beyond what it earned",
        "held back": "generated and not fed in, for the limit of what each may feed in",
    }
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in terms.items())
    tariff = (
        f"Retail {words.ct(summary.retail)}, feed-in {words.ct(summary.feed_in)}, network fee on trades "
        f"{words.ct(summary.network_fee)} ct/kWh ({escape(summary.currency)})."
    )
    rules = f"The grid's rules: {escape(summary.grid_rules)}."
    return f'<h3>Words</h3><dl class="terms">{rows}</dl><p class="slot-facts">{tariff} {rules}</p>'


def _footer(result: ReplayResult) -> str:
    day = Day(result.intervals, result.summary.interval_length_s)
    return (
        f"<p>{escape(result.summary.provenance)}</p><p>Times are {escape(_zone(result, day))}, intervals "
        "half-open, the files in UTC. "
        "This page was made from the files beside it; <code>peerwatt report DIR</code> makes it again.</p>"
    )


def _zone(result: ReplayResult, day: Day) -> str:
    name = result.summary.time_zone
    return day.zone if name in (day.zone, "UTC") else f"of {name} ({day.zone})"


def _period(result: ReplayResult) -> str:
    if not result.intervals:
        return words.date(result.summary.start)
    first, last = words.date(result.intervals[0].start), words.date(result.intervals[-1].start)
    return first if first == last else f"{first} to {last}"


def _slots(result: ReplayResult) -> str:
    """What the cursor reads out, as JSON that is safe inside a script element."""
    day = Day(result.intervals, result.summary.interval_length_s)
    slots = [
        {
            "interval": str(i.interval),
            "start": i.start,
            "head": f"{day.stamp(i)}, {i.verdict}",
            "rows": [
                ["price", f"{words.prices(i.price, i.sell_price)} ct/kWh"],
                ["traded", f"{words.kwh(i.traded_wh)} kWh"],
                ["accepted", f"{words.kwh(i.accepted_wh)} kWh"],
                ["own", f"{words.kwh(i.own_wh)} kWh"],
                ["neighbours", f"{words.kwh(i.neighbours_wh)} kWh"],
                ["grid", f"{words.kwh(i.grid_wh)} kWh"],
                [
                    "highest voltage",
                    f"{words.pu(i.voltage_max_pu_before)} → {words.pu(i.voltage_max_pu_after)} pu",
                ],
                ["metered", f"{words.pu_if_any(i.voltage_max_pu_metered)} pu"],
                ["held back", f"{words.kwh(i.curtailed_wh)} kWh"],
            ],
        }
        for i in result.intervals
    ]
    return json.dumps(slots, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
