"""The comparison as one self-contained page that lets a community decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape

from peerwatt import __version__
from peerwatt.compare.charts import gains, prices, shades
from peerwatt.compare.result import Comparison, Row
from peerwatt.compare.settled import SETTLED
from peerwatt.report import words
from peerwatt.report.document import document
from peerwatt.report.figures import Card, bdi, card, figure, scroll, stacked_table
from peerwatt.report.words import NOT_DEFINED
from peerwatt.units import PERCENT, W_PER_KW


def render_page(comparison: Comparison) -> str:
    """The page as HTML. The same comparison gives the same bytes."""
    return document(
        f"{comparison.scenario}: {len(comparison.rows) - 1} market designs on the same {_days(comparison)}",
        facts=f"version {__version__}, seed {comparison.seed}",
        opening=f'<p class="lead">{_lead(comparison)}</p>'
        f'<p class="about">{escape(comparison.description)} Data of {_period(comparison)}.</p>',
        cards=_cards(comparison),
        footer=f"<p>{escape(comparison.provenance)}</p><p>Made with <code>compare.csv</code> and "
        "<code>compare.json</code> beside this page, which hold every number on it.</p>",
    )


def _cards(comparison: Comparison) -> list[Card]:
    return [
        card(
            "If this matters most to you",
            "Among the designs that leave everybody's use of energy as it is; then those that move energy.",
            _choices_table(comparison),
            short="Choose",
        ),
        card(
            "Who gains",
            "Against the tariff alone on the same feeder, all households together. Bold names run on chain, "
            "with a replay's figures.",
            figure(gains(comparison), wide=True) + _settled(comparison),
        ),
        card(
            "What each household saves",
            f"In {comparison.currency}; the darker the more. Orange: worse off than with the tariff alone.",
            scroll(shades(comparison), "What each household saves"),
            short="Households",
        ),
        card(
            "What a traded kWh costs",
            "A price near the feed-in tariff favours buyers, one near the retail tariff sellers.",
            figure(prices(comparison), wide=True),
            short="Prices",
        ),
        *_stability(comparison),
        card(
            "Side by side: money",
            "Empty where a measure is not defined.",
            _side_by_side(comparison, _MONEY, "Money, side by side"),
            short="Money",
        ),
        card(
            "Side by side: energy and the grid",
            "Within the network operator's limits; beyond them is what forecasts missed, and what designs "
            "that move energy in time do to the feeder.",
            _side_by_side(comparison, _ENERGY, "Energy and the grid, side by side"),
            short="Energy",
        ),
        card("The designs", "What each does, where it is from, and what it did here.", _designs(comparison)),
        card("What the measures mean", "", _terms(), short="Measures"),
        card("What to keep in mind", "", _caveats(comparison), short="Caveats"),
    ]


def _lead(comparison: Comparison) -> str:
    still = _still(comparison)
    kind = [row for row in still if row.measures.better_off == 1] or still
    best = max(kind, key=lambda row: int(row.measures.savings.sum()), default=None)
    on_chain = [row for row in comparison.rows if row.runs == "on chain"]
    if best is None:
        return "Only the tariff was run."
    text = (
        "Without moving a single appliance, sharing saves the households up to "
        f"<strong>{words.money(int(best.measures.savings.sum()))} {escape(comparison.currency)}</strong> "
        f"({escape(best.name)})."
    )
    if on_chain:
        top = max(on_chain, key=lambda row: int(row.measures.savings.sum()))
        text += (
            f" On chain, <strong>{escape(top.name)}</strong> saves "
            f"{words.money(int(top.measures.savings.sum()))}."
        )
    return text


def _still(comparison: Comparison) -> list[Row]:
    """The designs that did not change what flowed."""
    usual = comparison.rows[0].run
    return [
        row
        for row in comparison.rows[1:]
        if (row.run.imported == usual.imported).all()
        and (row.run.exported == usual.exported).all()
        and row.name != "tokens"
    ]


def _choices_table(comparison: Comparison) -> str:
    rows = [[escape(cell) for cell in row] for row in _choices(comparison)]
    return stacked_table(("you want", "design", "what it reaches"), rows, widths=("title", "", ""))


def _choices(comparison: Comparison) -> list[tuple[str, ...]]:
    """Criteria and who wins by each; ties go to the first in the list."""
    everybody = [row for row in _still(comparison) if row.measures.better_off == 1]
    found: list[tuple[str, ...]] = []

    def add(wish: str, rows: list[Row], score: Callable[[Row], float], tell: Callable[[Row], str]) -> None:
        if rows:
            best = max(rows, key=score)
            tied = [row.name for row in rows if abs(score(row) - score(best)) < 1e-9]
            found.append((wish, ", ".join(tied[:4]) + (" …" if len(tied) > 4 else ""), tell(best)))

    still = _still(comparison)

    def total(row: Row) -> float:
        return float(row.measures.savings.sum())

    def saved(row: Row) -> str:
        return f"{words.money(int(total(row)))} {comparison.currency} saved"

    add("the most saved together", still, total, saved)
    add(
        "the household that gains least gains most",
        still,
        lambda row: float(row.measures.savings.min()),
        lambda row: f"at least {words.money(int(row.measures.savings.min()))} {comparison.currency} each",
    )
    add(
        "the most equal savings, everybody better off",
        everybody,
        lambda row: -(row.measures.gini if row.measures.gini is not None else 1),
        lambda row: f"Gini {row.measures.gini or 0:.2f}; {saved(row)}",
    )
    add("on chain, the most saved", [row for row in still if row.runs == "on chain"], total, saved)
    add(
        "on chain, the most equal",
        [row for row in everybody if row.runs == "on chain"],
        lambda row: -(row.measures.gini if row.measures.gini is not None else 1),
        lambda row: f"Gini {row.measures.gini or 0:.2f}; {saved(row)}",
    )
    moved = [row for row in comparison.rows[1:] if row not in still]
    add("energy moved in time: the most saved", moved, total, saved)
    add(
        "energy moved in time: the lowest peak",
        moved,
        lambda row: -row.measures.peak,
        lambda row: (
            f"{row.measures.peak / W_PER_KW:.1f} kW, {row.measures.peak_reduction * PERCENT:.0f} % less"
        ),
    )
    return found


Column = tuple[str, Callable[[Row], str]]

_MONEY: tuple[Column, ...] = (
    ("runs", lambda row: row.runs),
    ("settled", lambda row: row.settled),
    ("saved", lambda row: words.money(int(row.measures.savings.sum()), plus=True)),
    ("kept", lambda row: words.money(row.measures.surplus, plus=True)),
    ("better off", lambda row: words.share(row.measures.better_off)),
    ("Gini", lambda row: "" if row.measures.gini is None else f"{row.measures.gini:.2f}"),
    ("Jain", lambda row: "" if row.measures.jain is None else f"{row.measures.jain:.2f}"),
    (
        "possible",
        lambda row: "" if row.measures.gain_share is None else words.share(row.measures.gain_share),
    ),
    ("of orders", lambda row: _percent(row.measures.order_efficiency)),
    ("a lie earns", lambda row: _percent(row.lie)),
    ("messages", lambda row: words.count(row.measures.messages)),
)
_ENERGY: tuple[Column, ...] = (
    ("traded kWh", lambda row: words.kwh(row.measures.traded)),
    ("self-suff.", lambda row: words.share(row.measures.self_sufficiency)),
    ("self-cons.", lambda row: words.share(row.measures.self_consumption)),
    ("peak kW", lambda row: f"{row.measures.peak / W_PER_KW:.1f}"),
    ("losses kWh", lambda row: "" if row.grid is None else words.kwh(row.grid.losses)),
    ("highest pu", lambda row: "" if row.grid is None else words.pu(row.grid.highest)),
    ("loading %", lambda row: "" if row.grid is None else words.percent(row.grid.loading)),
    ("to curtail kWh", lambda row: "" if row.grid is None else words.kwh(row.grid.curtailment)),
)


def _side_by_side(comparison: Comparison, columns: tuple[Column, ...], name: str) -> str:
    lines, family = [], ""
    for row in comparison.rows:
        if row.family != family:
            family = row.family
            wide = len(columns) + 1
            lines.append(
                f'<tr class="family"><th scope="rowgroup" colspan="{wide}">{escape(family)}</th></tr>'
            )
        cells = "".join(f"<td>{escape(write(row))}</td>" for _, write in columns)
        lines.append(f"<tr><th scope=row>{escape(row.name)}</th>{cells}</tr>")
    heads = "".join(
        f"<th scope=col>{escape(name)}</th>" for name in ("mechanism", *(name for name, _ in columns))
    )
    table = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return scroll(f'<table class="side">{table}</table>', name)


def _settled(comparison: Comparison) -> str:
    """What is not the same for all designs, beside the figure that puts them side by side."""
    told = []
    for word, sentence in SETTLED.items():
        names = [row.name for row in comparison.rows[1:] if row.settled == word]
        if names:
            told.append(f"<li><b>{escape(word)}</b> ({escape(', '.join(names))}): {escape(sentence)}.</li>")
    return f'<ul class="about">{"".join(told)}</ul>'


def _designs(comparison: Comparison) -> str:
    rows = [
        [escape(cell) for cell in (row.name, row.title, row.source, row.run.note)] for row in comparison.rows
    ]
    return stacked_table(("mechanism", "what it is", "source", "here"), rows, widths=("title", "", "", ""))


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * PERCENT:.1f} %"


def _stability(comparison: Comparison) -> list[Card]:
    """Whether some households would do better by leaving together; one card, or none where it is unknown."""
    if not comparison.objections:
        return []
    rows = [
        (
            escape(each.design),
            ", ".join(map(bdi, each.members)) if each.gain > 0 else "",
            words.money(each.gain) if each.gain > 0 else "",
        )
        for each in comparison.objections
    ]
    heads = ("design", "who would leave together", f"and gain ({comparison.currency})")
    return [
        card(
            "Would anybody leave?",
            "A group that shared among itself would save more than its part: the strongest such group of "
            "each design that shares everything. Empty: nobody would, the division lies in the core.",
            stacked_table(heads, rows, widths=("title", "", "")),
            short="Stability",
        )
    ]


def _terms() -> str:
    terms = {
        "saved": "the bills without a market on the same feeder, less the bills with it",
        "settled": "how far bills are a replay's: see Who gains",
        "kept": "what buyers paid and sellers did not get, and dues; below zero it needs a subsidy",
        "possible": "saved and kept, of what sharing every shareable Wh would bring; above 100 % only "
        "where storage, flexible demand or tokens move energy in time",
        "of orders": "gains from trade at the orders' limit prices, of the linear-programming optimum",
        "a lie earns": "the most that one false limit price earned its bidder on three small random books, "
        "of all gains from trade there; 0 is truthful",
        "Gini, Jain": "of the savings: Gini 0 and Jain 1 when all save the same",
        "self-suff., self-cons.": "demand met from own and neighbours' generation, and generation used "
        f"here; {NOT_DEFINED} without any",
        "to curtail": "export beyond the limits that forecasts gave, which the feeder could not carry",
        "messages": "orders, offers and answers sent",
        "on chain": "the market contract clears by this rule",
        "off-chain only": "can be run here, and settled by people who trust whoever runs it",
    }
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in terms.items())
    return f'<dl class="terms">{rows}</dl>'


def _caveats(comparison: Comparison) -> str:
    points = [
        *comparison.assumptions,
        "Vickrey, Huang and MUDA are truthful for homes with one order, McAfee for single units; the other "
        "auctions reward a shaded price, so real bids would differ from those compared here.",
        f"This is one neighbourhood, {_span(comparison)}, under one seed: try others before you decide.",
    ]
    return "<ul>" + "".join(f"<li>{escape(point)}</li>" for point in points) + "</ul>"


def _days(comparison: Comparison) -> str:
    return "day" if comparison.days == 1 else f"{comparison.days} days"


def _span(comparison: Comparison) -> str:
    return "one day" if comparison.days == 1 else _days(comparison)


def _period(comparison: Comparison) -> str:
    first = datetime.fromisoformat(comparison.start)
    last = first + timedelta(days=comparison.days - 1)
    one, other = words.date(first.isoformat()), words.date(last.isoformat())
    return one if one == other else f"{one} to {other}"
