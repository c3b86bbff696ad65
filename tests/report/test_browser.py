"""The pages in a real browser: on a desk and in a hand, by day and by night, with everything unfolded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from peerwatt.compare import compare
from peerwatt.compare.page import render_page as comparison_page
from peerwatt.record.results import ReplayResult
from peerwatt.report.html import render_page
from peerwatt.report.zones import zone_figures
from peerwatt.report.zones_page import write_zones_page
from peerwatt.scenario.loading import load_scenario
from picture_report import chromium
from tests.browser import opened
from tests.report.crowd import renamed

HOMES = 100
DESK, HAND = 1400, 390
STATES = [(width, scheme) for width in (DESK, HAND) for scheme in ("light", "dark")]
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt; ' \" \\",
    "=cmd|' /C calc'!A0",
    "Ünïcödé-Łódź-Straße",
    "家庭の太陽光発電所",
    "\u202eoverridden\u202c",
    "בית-עם-פאנלים",
    "🏡☀️🔋",
    "a" * 64,
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this file."""
    with sync_playwright() as playwright:
        started = chromium(playwright)
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(day: ReplayResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the day."""
    return written(tmp_path_factory, render_page(day))


@pytest.fixture(scope="module")
def crowd(day: ReplayResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a hundred homes."""
    return written(tmp_path_factory, render_page(renamed(day, [f"household-{k:03d}" for k in range(HOMES)])))


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a comparison."""
    designs = ["uniform", "pay-as-bid", "bill-sharing", "mid-market"]
    made = compare(load_scenario("brooklyn-10"), designs, seed=1)
    return written(tmp_path_factory, comparison_page(made))


def written(tmp_path_factory: pytest.TempPathFactory, page: str) -> Path:
    """A page as a file."""
    file = tmp_path_factory.mktemp("pages") / "page.html"
    file.write_text(page, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def pilot(day: ReplayResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a pilot with zones, beside the report of one of them."""
    folder = tmp_path_factory.mktemp("pilot")
    (folder / "north side").mkdir()
    (folder / "north side" / "report.html").write_text(render_page(day), encoding="utf-8")
    zones = [zone_figures(name, day) for name in ("north side", "<b>south", "x" * 64)]
    return write_zones_page("pilot", zones, folder)


def test_the_page_of_a_pilot_leads_to_its_zones_reports(pilot: Path, browser: Browser) -> None:
    with opened(browser, pilot, HAND) as tab:
        tab.page.get_by_role("link", name="north side").first.click()
        assert tab.page.url == (pilot.parent / "north side" / "report.html").as_uri()
        assert tab.page.locator("h1").inner_text().startswith("brooklyn-10")


@pytest.mark.parametrize(("width", "scheme"), STATES)
@pytest.mark.parametrize("kind", ["report", "comparison", "pilot"])
def test_a_page_fits_is_legible_and_accessible_with_everything_unfolded(
    kind: str, width: int, scheme: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    file: Path = request.getfixturevalue(kind)
    with opened(browser, file, width, scheme) as tab:
        assert tab.overflow() == []
        tab.open_everything()
        assert tab.overflow() == []
        assert tab.low_contrasts() == {}
        assert tab.violations() == []
        assert tab.requests == [file.as_uri()]
        assert tab.complaints == []


@pytest.mark.parametrize("width", [DESK, HAND])
def test_a_hundred_homes_fit_and_one_of_them_is_found(width: int, crowd: Path, browser: Browser) -> None:
    with opened(browser, crowd, width) as tab:
        assert tab.overflow() == []
        assert tab.page.evaluate("document.documentElement.scrollHeight") < (
            8_000 if width == DESK else 12_600
        )
        tab.page.get_by_label("Household", exact=True).fill("-045")
        shown = tab.page.locator(".row:visible")
        assert shown.count() == 2  # consumption and bill; number 45 generates nothing
        assert set(shown.locator(".name").all_inner_texts()) == {"household-045"}
        assert tab.page.locator("#household-count").inner_text() == "1 found"
        tab.open_everything()
        assert tab.overflow() == []
        named = tab.page.locator("tr[data-name]:visible td:first-child bdi").all_inner_texts()
        assert set(named) == {"household-045"}
        tab.page.get_by_label("Household", exact=True).fill("")
        assert tab.page.locator(".row:visible").count() > 2 * HOMES
        assert tab.complaints == []


@pytest.mark.parametrize("width", [DESK, HAND])
def test_why_a_trade_was_cut_is_on_the_screen(width: int, report: Path, browser: Browser) -> None:
    with opened(browser, report, width) as tab:
        boxes = [box.bounding_box() for box in tab.page.locator(".cuts .sentence:visible").all()]
        assert len(boxes) >= 8
        for box in filter(None, boxes):
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width


def test_a_tap_on_a_chart_picks_its_interval_and_the_page_stays_where_it_is(
    report: Path, day: ReplayResult, browser: Browser
) -> None:
    with opened(browser, report, HAND) as tab:
        page = tab.page
        sensor = page.locator(".sensor").nth(3)
        sensor.scroll_into_view_if_needed()
        before = page.evaluate("window.scrollY")
        box = sensor.bounding_box()
        assert box is not None
        x = 200.0
        page.touchscreen.tap(x, box["y"] + box["height"] / 2)
        k = int((x - box["x"]) / box["width"] * len(day.intervals))
        assert page.evaluate("window.scrollY") == before
        start = day.intervals[k].start[11:16]
        assert page.locator("#readout").is_visible()
        assert page.locator("#readout b").inner_text().startswith(f"{start} UTC")
        assert page.locator("#reading b").inner_text().startswith(f"{start} UTC")
        seen = page.locator("#readout").bounding_box()
        assert seen is not None
        assert seen["x"] >= 0
        assert seen["x"] + seen["width"] <= HAND
        traded = {str(i.interval) for i in day.intervals if i.bid_wh and i.offered_wh}
        interval = str(day.intervals[k].interval)
        assert interval in traded
        assert page.locator("[data-merit-order]:visible").get_attribute("data-merit-order") == interval
        page.keyboard.press("Escape")
        assert not page.locator("#readout").is_visible()


def test_the_day_is_read_with_the_arrow_keys(report: Path, browser: Browser) -> None:
    with opened(browser, report) as tab:
        page = tab.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "To the content"
        page.keyboard.press("Enter")
        for _ in range(3):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "slot":
                break
        page.keyboard.press("Home")
        assert page.locator("#reading b").inner_text().startswith("00:00 UTC, accept")
        page.keyboard.press("ArrowRight")
        assert page.locator("#reading b").inner_text().startswith("00:15 UTC")
        assert (page.locator("#slot").get_attribute("aria-valuetext") or "").startswith("00:15 UTC")


@pytest.mark.parametrize(("clock", "own"), [("UTC", 0), ("Asia/Kathmandu", 1)])
def test_who_reads_the_day_elsewhere_also_gets_the_time_of_their_clock(
    clock: str, own: int, report: Path, browser: Browser
) -> None:
    with opened(browser, report, clock=clock) as tab:
        tab.page.locator("#slot").fill("40")
        assert tab.page.locator("#reading b").inner_text().startswith("10:00 UTC")
        small = tab.page.locator("#reading small")
        assert small.count() == own
        if own:
            assert small.inner_text().strip() == "15:45 GMT+5:45 on your clock"


def test_without_its_script_the_page_says_the_same_and_offers_nothing_dead(
    report: Path, browser: Browser
) -> None:
    with opened(browser, report, script=False) as tab:
        assert tab.page.locator(":is(input, select, button):visible").count() == 0
        assert tab.page.locator("[data-merit-order]:visible").count() == 1
        tab.page.locator("summary").first.click()
        assert tab.page.locator("details[open] td:visible").count() > 96
        assert tab.page.get_by_text("other intervals' orders are in orders.csv").is_visible()


def test_on_paper_nothing_scrolls_and_nothing_can_be_pressed(report: Path, browser: Browser) -> None:
    with opened(browser, report) as tab:
        tab.page.emulate_media(media="print")
        for gone in ("nav", ".reader", ".picker"):
            assert not tab.page.locator(gone).first.is_visible()
        assert tab.page.evaluate("getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"


@pytest.mark.parametrize(("motion", "expected"), [("reduce", "auto"), ("no-preference", "smooth")])
def test_who_wants_no_motion_gets_none(motion: str, expected: str, report: Path, browser: Browser) -> None:
    with opened(browser, report) as tab:
        tab.page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
        assert tab.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == expected


@pytest.mark.parametrize("width", [DESK, HAND])
def test_names_of_any_kind_are_shown_as_they_are_and_do_nothing(
    width: int, day: ReplayResult, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(render_page(renamed(day, list(HOSTILE))), encoding="utf-8")
    with opened(browser, file, width) as tab:
        tab.page.on("dialog", lambda dialog: tab.complaints.append(dialog.message))
        tab.open_everything()
        assert tab.overflow() == []
        names = tab.page.evaluate(
            "[...document.querySelectorAll('#bills-with-and-without-the-market .row .name')]"
            ".map((each) => each.textContent)"
        )
        assert names == list(HOSTILE)
        assert tab.requests == [file.as_uri()]
        assert tab.complaints == []
