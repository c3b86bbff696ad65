"""The comparison as one self-contained page that lets a community decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape
from importlib.resources import files

from peerwatt import __version__
from peerwatt.report import words
from peerwatt.report.charts.chart import Table
from peerwatt.report.compare.charts import gains, prices, shades
from peerwatt.report.compare.result import Comparison, Row
from peerwatt.report.figures import card, figure, html_table
from peerwatt.report.words import NOT_DEFINED

_STYLE = """
table.shades td { text-align: right; } table.shades th { text-align: right; }
table.shades th:first-child { text-align: left; font-weight: 500; color: var(--ink); }
.s0 { background: color-mix(in srgb, var(--neighbours) 4%, var(--card)); }
.s1 { background: color-mix(in srgb, var(--neighbours) 14%, var(--card)); }
.s2 { background: color-mix(in srgb, var(--neighbours) 25%, var(--card)); }
.s3 { background: color-mix(in srgb, var(--neighbours) 37%, var(--card)); }
.s4 { background: color-mix(in srgb, var(--neighbours) 49%, var(--card)); }
.s5 { background: color-mix(in srgb, var(--neighbours) 62%, var(--card)); }
.s-loss { background: color-mix(in srgb, var(--curtailed) 30%, var(--card)); }
table.side td { text-align: right; } table.side td.text { text-align: left; white-space: normal; min-width: 15em; }
table.side tr.family td { font-weight: 640; color: var(--soft); text-align: left; padding-top: 14px; border: 0; }
.chain { color: var(--neighbours); font-weight: 620; } .offchain { color: var(--faint); }
"""


def render_page(comparison: Comparison) -> str:
    """The page as HTML. The same comparison gives the same bytes."""
    title = (
        f"{comparison.scenario}: {len(comparison.rows) - 1} market designs on the same {_days(comparison)}"
    )
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Peerwatt: {escape(title)}</title>",
            f"<style>\n{_style()}{_STYLE}</style>",
            "</head>",
            "<body>",
            '<header class="top">',
            f'<div class="mark">Peerwatt<span>version {escape(__version__)}, seed {comparison.seed}</span></div>',
            f"<h1>{escape(title)}</h1>",
            f'<p class="lead">{_lead(comparison)}</p>',
            f'<p class="about">{escape(comparison.description)} From {_period(comparison)}.</p>',
            "</header>",
            "<main>",
            *_cards(comparison),
            "</main>",
            f"<footer><p>{escape(comparison.provenance)}</p><p>Made with <code>compare.csv</code> and "
            "<code>compare.json</code> beside this page, which hold every number on it.</p></footer>",
            "</body>",
            "</html>",
            "",
        )
    )


def _cards(comparison: Comparison) -> list[str]:
    return [
        card(
            "If this matters most to you",
            "Among the designs that leave everybody's use of energy as it is; those that move energy are below.",
            f'<div class="scroll">{html_table(_choices(comparison))}</div>',
        ),
        card(
            "Who gains",
            "Against the tariff alone, over all households. Bold names run on chain, the others off-chain only.",
            figure(gains(comparison), wide=True),
        ),
        card(
            "What each household saves",
            f"In {comparison.currency}; the darker the more. Orange: worse off than with the tariff alone.",
            shades(comparison),
        ),
        card(
            "What a traded kWh costs",
            "A price near the feed-in tariff favours buyers, one near the retail tariff sellers.",
            figure(prices(comparison), wide=True),
        ),
        card(
            "Side by side",
            "Every design with its measures; empty where one is not defined.",
            _side_by_side(comparison),
        ),
        card("What the measures mean", "", _terms()),
        card("What to keep in mind", "", _caveats(comparison)),
    ]


def _lead(comparison: Comparison) -> str:
    best = _best(comparison, lambda row: float(row.measures.savings.sum()))
    on_chain = [row for row in comparison.rows if row.runs == "on chain"]
    if best is None:
        return "Only the tariff was run."
    text = (
        f"Without moving a single appliance, sharing saves the households up to "
        f"<strong>{words.money(int(best.measures.savings.sum()))} {escape(comparison.currency)}</strong> "
        f"({escape(best.name)})."
    )
    if on_chain:
        top = max(on_chain, key=lambda row: int(row.measures.savings.sum()))
        text += (
            f" Of the designs whose pricing rule the market contract can run, <strong>{escape(top.name)}"
            f"</strong> leaves them most: {words.money(int(top.measures.savings.sum()))}."
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


def _best(comparison: Comparison, score: Callable[[Row], float]) -> Row | None:
    return max(_still(comparison), key=score, default=None)


def _choices(comparison: Comparison) -> Table:
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
        lambda row: f"{row.measures.peak / 1000:.1f} kW, {row.measures.peak_reduction * 100:.0f} % less",
    )
    return Table(("you want", "design", "what it reaches"), tuple(found))


def _side_by_side(comparison: Comparison) -> str:
    with_grid = comparison.rows[0].grid is not None
    heads = [
        "mechanism",
        "runs",
        "saved",
        "market keeps",
        "better off",
        "Gini",
        "Jain",
        "possible gain",
        "of orders",
    ]
    heads += ["traded kWh", "self-sufficiency", "self-consumption", "peak kW"]
    heads += ["losses kWh", "highest pu", "curtailment needed kWh"] if with_grid else []
    heads += ["messages", "what it is"]
    lines, family = [], ""
    for row in comparison.rows:
        if row.family != family:
            family = row.family
            lines.append(f'<tr class="family"><td colspan="{len(heads)}">{escape(family)}</td></tr>')
        lines.append(f"<tr>{_cells(row, with_grid)}</tr>")
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in heads)
    return (
        f'<div class="scroll"><table class="side"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cells(row: Row, with_grid: bool) -> str:
    m, grid = row.measures, row.grid
    numbers = [
        words.money(int(m.savings.sum()), plus=True),
        words.money(m.surplus, plus=True),
        words.share(m.better_off),
        "" if m.gini is None else f"{m.gini:.2f}",
        "" if m.jain is None else f"{m.jain:.2f}",
        "" if m.gain_share is None else words.share(m.gain_share),
        "" if m.order_efficiency is None else f"{m.order_efficiency * 100:.1f} %",
        words.kwh(m.traded),
        words.share(m.self_sufficiency),
        words.share(m.self_consumption),
        f"{m.peak / 1000:.1f}",
    ]
    if with_grid and grid is not None:
        numbers += [words.kwh(grid.losses), words.pu(grid.highest), words.kwh(grid.curtailment)]
    numbers.append(words.count(m.messages))
    told = f"{escape(row.title)}. {escape(row.source)}." + (
        f" {escape(row.run.note)}." if row.run.note else ""
    )
    chain = "chain" if row.runs == "on chain" else "offchain"
    return (
        f'<td>{escape(row.name)}</td><td class="{chain}">{escape(row.runs)}</td>'
        + "".join(f"<td>{number}</td>" for number in numbers)
        + f'<td class="text">{told}</td>'
    )


def _terms() -> str:
    terms = {
        "saved": "the tariff-only bills less the bills with the market, on the scenario's own meter readings",
        "market keeps": "what buyers paid and sellers did not get, and dues; negative: the market must be subsidised",
        "possible gain": "saved and kept together, of what sharing every shareable Wh would bring; above 100 % "
        "only where storage, flexible demand or tokens move energy in time",
        "of orders": "gains from trade at the orders' limit prices, of the linear-programming optimum",
        "Gini, Jain": "of the savings: Gini 0 and Jain 1 when all save the same",
        "self-sufficiency": f"demand met from own and neighbours' generation; {NOT_DEFINED} without demand",
        "curtailment needed": "export that the feeder could not carry, by exact power flow and least curtailment",
        "messages": "orders, offers and answers sent",
        "on chain": "the market contract's books can be cleared by this pricing rule; "
        "off-chain only: run it here, it does not settle on chain",
    }
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in terms.items())
    return f'<dl class="terms">{rows}</dl>'


def _caveats(comparison: Comparison) -> str:
    points = [
        *comparison.assumptions,
        "Truthfulness is a promise about what lying would earn, which these days cannot show: Vickrey, Huang and "
        "MUDA are truthful for homes with one order, McAfee for single units; all others reward a shaded price.",
        f"{_days(comparison).capitalize()} of one neighbourhood, under one seed: try another before you decide.",
    ]
    return "<ul>" + "".join(f"<li>{escape(point)}</li>" for point in points) + "</ul>"


def _days(comparison: Comparison) -> str:
    return "day" if comparison.days == 1 else f"{comparison.days} days"


def _period(comparison: Comparison) -> str:
    first = datetime.fromisoformat(comparison.start)
    last = first + timedelta(days=comparison.days - 1)
    one, other = words.date(first.isoformat()), words.date(last.isoformat())
    return one if one == other else f"{one} to {other}"


def _style() -> str:
    return files("peerwatt.report").joinpath("page", "style.css").read_text(encoding="utf-8")
