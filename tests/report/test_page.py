"""The page stands alone, says the numbers of the result, and draws nothing that did not happen."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from peerwatt.record.results import AccountResult, ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.bills import bills
from peerwatt.report.charts.merit_order import busiest, hardest_cut, merit_order
from peerwatt.report.charts.price import price_and_volume
from peerwatt.report.charts.verdicts import verdict_strip
from peerwatt.report.headline import checks, headline
from peerwatt.report.html import render_page
from peerwatt.report.svg import nice_ticks
from peerwatt.report.tables import household_tables, summary_table
from peerwatt.verdict import Verdict

VOID = {"meta", "link", "br", "hr", "img", "input"}


def fetched(tag: str, attrs: list[tuple[str, str | None]]) -> list[str]:
    """What a tag fetches, links within the page left out."""
    found = [(name, value or "") for name, value in attrs if name in ("src", "href", "data")]
    return [f"{tag} {name}={value}" for name, value in found if not value.startswith("#")]


class Balance(HTMLParser):
    """Fails on a tag that is closed in the wrong place, and collects what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.figures = 0
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += fetched(tag, attrs)
        self.figures += tag == "figure"
        self.tables += tag == "table"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += fetched(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(day: ReplayResult) -> str:
    """The page of the day."""
    return render_page(day)


def parsed(page: str) -> Balance:
    """The page, well-formed."""
    balance = Balance()
    balance.feed(page)
    balance.close()
    assert balance.open == []
    return balance


def test_the_page_is_well_formed_and_fetches_nothing(page: str) -> None:
    assert parsed(page).fetched == []
    assert not re.search(r"https?://|url\((?!#)|@import|\bfetch\(|XMLHttpRequest", page)


def test_there_is_a_table_behind_every_figure(page: str) -> None:
    balance = parsed(page)
    # the feeder's two pictures share one table; the reasons add one or two of their own
    assert balance.tables >= balance.figures - 1
    assert "NaN" not in page
    assert "None" not in page


def test_light_and_dark_have_every_colour(page: str) -> None:
    light, dark = re.findall(r":root \{(.*?)\}", page, re.DOTALL)[:2]
    assert set(re.findall(r"(--[\w-]+):", light)) == set(re.findall(r"(--[\w-]+):", dark))
    used = set(re.findall(r"var\((--[\w-]+)\)", page)) - {"--lines", "--places"}  # each chart's own
    assert used <= set(re.findall(r"(--[\w-]+):", light))


def test_no_price_line_where_nothing_traded(day: ReplayResult) -> None:
    prices = [i.price for i in day.intervals]
    stretches = sum(p is not None and (k == 0 or prices[k - 1] is None) for k, p in enumerate(prices))
    assert None in prices
    assert price_and_volume(day).drawing.count('class="line price"') == stretches
    silent = tuple(replace(i, price=None, traded_wh=0, accepted_wh=0) for i in day.intervals)
    assert 'class="line price"' not in price_and_volume(replace(day, intervals=silent)).drawing


def test_the_strip_has_a_cell_per_interval_in_its_verdicts_class(day: ReplayResult) -> None:
    drawing = verdict_strip(day).drawing
    for verdict, count in day.summary.verdicts.items():
        assert drawing.count(f'class="fill verdict-{verdict}"') == count


def test_the_merit_orders_in_sight_are_the_busiest_and_the_hardest_cut(day: ReplayResult, page: str) -> None:
    most, cut = busiest(day), hardest_cut(day)
    assert most is not None
    assert cut is not None
    assert most.traded_wh == max(i.traded_wh for i in day.intervals)
    assert cut.verdict == Verdict.CURTAIL
    assert f'data-merit-order="{cut.interval}">' in page
    assert len(re.findall(r'data-merit-order="\d+" hidden>', page)) == page.count("data-merit-order=") - 1
    assert f'data-show="{most.interval}"' in page


def test_a_merit_orders_table_has_limit_beside_price(day: ReplayResult) -> None:
    at = busiest(day)
    assert at is not None
    steps = [step for step in day.orders if step.interval == at.interval]
    table = merit_order(at, steps).table
    assert len(table.rows) == len(steps)
    for row in table.rows:
        limit, clearing, filled = float(row[2]), float(row[3]), float(row[5])
        if filled:
            assert limit >= clearing if row[1] == "buy" else limit <= clearing


def test_bills_have_one_sign_on_the_page_and_their_lines_sum_to_them(day: ReplayResult, page: str) -> None:
    assert "positive is what the household pays, negative what it is paid" in page
    heads, rows = bills(day).table.heads, bills(day).table.rows
    for p, row in zip(day.participants, rows, strict=True):
        cells = dict(zip(heads, row, strict=True))
        assert p.lines.total == p.bill_market
        assert cells["bill (EUR)"] == words.money(p.bill_market)
        assert cells["peer purchases"] == words.money(p.lines.peer_purchases)
        assert p.lines.peer_purchases >= 0 >= p.lines.peer_sales
        assert p.lines.retail >= 0 >= p.lines.feed_in


def test_the_checks_name_skipped_orders_and_their_reasons(day: ReplayResult) -> None:
    skipped = tuple(
        replace(step, skipped=reason)
        for step, reason in zip(day.orders[:3], ("BelowMargin", "BelowMargin", "OverEnvelope"), strict=True)
    )
    with_skips = replace(day, orders=skipped, summary=replace(day.summary, skipped=3))
    people = {(step.interval, step.participant, step.skipped) for step in skipped}
    below = sum(reason == "BelowMargin" for *_, reason in people)
    assert f"3 orders skipped ({below} BelowMargin, 1 OverEnvelope)" in checks(with_skips)
    assert "0 orders skipped" in checks(day)


def test_every_cut_is_explained(day: ReplayResult, page: str) -> None:
    assert day.curtailments
    for reason in day.curtailments:
        assert reason.sentence in page


def test_a_day_without_trade_grid_trouble_or_picture_still_makes_a_page(day: ReplayResult) -> None:
    quiet = replace(
        day,
        intervals=tuple(
            replace(
                i,
                price=None,
                sell_price=None,
                bid_wh=0,
                offered_wh=0,
                traded_wh=0,
                accepted_wh=0,
                verdict=Verdict.ACCEPT,
            )
            for i in day.intervals[:4]
        ),
        orders=(),
        curtailments=(),
        feeder=None,
    )
    page = render_page(quiet)
    parsed(page)
    assert "The grid could carry everything" in page
    assert "Merit order" not in page


def test_a_week_has_dates_on_its_axis_and_only_notable_merit_orders(day: ReplayResult) -> None:
    week = tuple(
        replace(i, interval=i.interval + 96 * d, start=i.start.replace("06-17", f"06-{17 + d}"))
        for d in range(7)
        for i in day.intervals
    )
    page = render_page(replace(day, intervals=week))
    parsed(page)
    assert ">18 Jun<" in page
    assert page.count("data-merit-order=") == 96


def test_names_and_sentences_cannot_break_the_page(day: ReplayResult) -> None:
    evil = "</script><script>alert(1)</script>"
    spoiled = replace(
        day,
        summary=replace(day.summary, scenario=evil, description=evil, provenance=evil, chain=evil),
        participants=(replace(day.participants[0], participant=evil), *day.participants[1:]),
        curtailments=(replace(day.curtailments[0], sentence=evil, element=evil), *day.curtailments[1:]),
    )
    page = render_page(spoiled)
    parsed(page)
    assert evil not in page


def test_undefined_is_said_and_never_zero(page: str) -> None:
    assert page.count("<td>not defined</td>") == 5


def test_the_terminal_says_the_same(day: ReplayResult) -> None:
    assert summary_table(day).row_count > 10
    bills, consumed, generated = household_tables(day)
    assert bills.row_count == consumed.row_count == len(day.participants) > generated.row_count > 0


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0.998, 1.061, [1.0, 1.02, 1.04, 1.06]),
        (-7, 31, [0, 10, 20, 30]),
        (3, 3, [3]),
    ],
)
def test_axes_are_labelled_with_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high, 5) == pytest.approx(ticks)


def test_a_limit_that_the_gate_could_not_keep_is_not_called_kept(day: ReplayResult) -> None:
    high = replace(day, summary=replace(day.summary, voltage_max_pu_after=1.0597))
    page = render_page(high)
    assert "promised at most 1.0597 pu" in page
    assert "comes from those who do not trade" in page
    assert "promised at most 1.0579 pu, the meters made it" in render_page(day)
    assert "comes from those who do not trade" not in render_page(day)


def test_what_the_community_keeps_is_said_beside_the_saving(day: ReplayResult) -> None:
    """Where buyers pay more than sellers earn, the households' saving alone would mislead."""
    community = AccountResult("community", 11_876_802, 0)
    assert "community's account kept" not in headline(day)
    kept = headline(replace(day, accounts=(*day.accounts, community)))
    assert f"; the community's account kept 11.88 {day.summary.currency} between them." in kept


def test_page_and_terminal_say_what_envelopes_did_and_nothing_where_there_were_none(
    day: ReplayResult,
) -> None:
    with_them = replace(day, summary=replace(day.summary, envelopes=96, envelope_shrunk=125))
    said = headline(with_them)
    assert "In 96 intervals the committee had published operating envelopes, the same share for all" in said
    assert "then of its connection: 125 orders were kept within them" in said
    assert "envelope" not in headline(day)
    assert summary_table(with_them).row_count == summary_table(day).row_count + 1


def test_page_and_terminal_say_that_orders_were_sealed_and_nothing_where_they_were_not(
    day: ReplayResult,
) -> None:
    sealed = replace(day, summary=replace(day.summary, sealed_batches=96, bond=9_180_850, reveal_window_s=60))
    assert "No order was public before gate closure: 96 batches" in headline(sealed)
    assert f"a bond of 9.18 {day.summary.currency} each" in headline(sealed)
    assert "gate closure" not in headline(day)
    assert summary_table(sealed).row_count == summary_table(day).row_count + 1
