"""The frame that every page has: one file, styles and script inside, landmarks, a menu of its sections."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from peerwatt.report.figures import Card

MANY = 12
"""From so many households on, a page has a field that finds one."""

_MARK = (
    '<svg viewBox="0 0 26 26" aria-hidden="true"><circle cx="13" cy="13" r="12" fill="none" '
    'stroke="var(--neighbours)" stroke-width="2"/><path d="M14.5 5 8 14.5h4.2L11 21l7-9.8h-4.4z" '
    'fill="var(--own)"/></svg>'
)
_HATCH = (
    '<svg class="patterns" aria-hidden="true"><defs><pattern id="hatch" width="6" height="6" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="ground" width="6" height="6"/>'
    '<rect class="stripe" width="2" height="6"/></pattern></defs></svg>'
)


def document(
    title: str,
    *,
    facts: str,
    opening: str,
    before: str = "",
    cards: Sequence[Card],
    footer: str,
    households: int = 0,
    data: str = "",
) -> str:
    """A page as HTML. What it says works without its script; with it, charts can be read with a cursor.

    Args:
        title: heading, as text.
        facts: version and the like, as text.
        opening: what stands under the heading, as HTML.
        before: what stands before the first section, as HTML.
        cards: the sections.
        footer: as HTML.
        households: how many rows a table of households has.
        data: what the script reads, as JSON that is safe inside a script element.
    """
    links = "".join(f'<li><a href="#{card.anchor}">{escape(card.short)}</a></li>' for card in cards)
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>Peerwatt: {escape(title)}</title>",
            f"<style>\n{_asset('style.css')}</style>",
            "</head>",
            "<body>",
            '<a class="skip" href="#content">To the content</a>',
            '<header class="top">',
            f'<div class="mark">{_MARK}Peerwatt<span>{escape(facts)}</span></div>',
            f"<h1>{escape(title)}</h1>",
            opening,
            "</header>",
            f'<nav aria-label="Sections"><div><ul>{links}</ul>{_finder(households)}</div></nav>',
            '<main id="content">',
            before,
            *(card.html for card in cards),
            "</main>",
            f"<footer>{footer}</footer>",
            _HATCH,
            *((f'<script type="application/json" id="slots">{data}</script>',) if data else ()),
            f"<script>\n{_asset('page.js')}</script>",
            "</body>",
            "</html>",
            "",
        )
    )


def _finder(households: int) -> str:
    """The field that narrows every table and chart of households to those whose name has some letters."""
    if households < MANY:
        return ""
    return (
        '<div class="finder with-script" hidden><label for="household-filter">Household</label>'
        f'<input type="search" id="household-filter" placeholder="all {households}" autocomplete="off" '
        'spellcheck="false"><output id="household-count" for="household-filter"></output></div>'
    )


def _asset(name: str) -> str:
    return files("peerwatt.report").joinpath("page", name).read_text(encoding="utf-8")
