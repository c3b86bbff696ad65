"""What the columns of a meter's file are, from the words that their headers use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from peerwatt.scenario.quantity_columns import Counted, Unit, unit_of


class When(StrEnum):
    """What a column says about when."""

    MOMENT = "moment"
    DATE = "date"
    CLOCK = "clock"


@dataclass(frozen=True)
class WhenColumn:
    """A column that says when.

    Attributes:
        name: in the header.
        says: date and time, or one of them.
        end: whether of the start or the end of an interval; None where the header does not say.
    """

    name: str
    says: When
    end: bool | None


@dataclass(frozen=True)
class ValueColumn:
    """A column of energy or power.

    Attributes:
        name: in the header.
        counted: what it counts; None where its words do not say.
        unit: None where the header does not say.
        register: whether its OBIS code, or a word, is of a register that only grows.
        consumed: whether its word is of what a home uses, which need not be what it draws from the grid.
    """

    name: str
    counted: Counted | None
    unit: Unit | None
    register: bool = False
    consumed: bool = False


@dataclass(frozen=True)
class Columns:
    """The columns of a file by what they are.

    Attributes:
        when: that say when.
        values: of energy or power.
        units: the column that states each row's unit.
        others: with words that say neither.
    """

    when: tuple[WhenColumn, ...] = ()
    values: tuple[ValueColumn, ...] = ()
    units: str | None = None
    others: tuple[str, ...] = field(default=())


DATES: Final = frozenset(("date", "datum", "tag", "day", "fecha", "jour", "data", "dag"))
CLOCKS: Final = frozenset(("time", "zeit", "uhrzeit", "heure", "hora", "ora", "tijd", "stunde", "hour"))
MOMENTS: Final = frozenset(
    ("timestamp", "datetime", "interval", "zeitstempel", "zeitpunkt", "horodate", "tijdstip", "messzeitpunkt")
)
STARTS: Final = frozenset(("von", "start", "begin", "beginn", "from", "ab", "de", "inizio", "van", "debut"))
ENDS: Final = frozenset(("bis", "end", "ende", "to", "fin", "fine", "tot"))
UNIT_WORDS: Final = frozenset(("unit", "units", "einheit", "unité", "unidad", "eenheid"))
REGISTER_WORDS: Final = frozenset(
    ("zählerstand", "zaehlerstand", "stand", "register", "meterstand", "reading")
)
GLUED: Final = re.compile(r"(start|end|ab|bis|von)(datum|zeit|date|time)")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


CONSUMED_WORDS: Final = _set("verbrauch verbraucht consumption consumed usage consommation consumo verbruik")
COUNTED_WORDS: Final = {
    Counted.IMPORT: CONSUMED_WORDS
    | _set(
        "import imported purchased bezug bezogen netzbezug strombezug entnahme entnommen withdrawal "
        "soutirage afname prelievo prelevata prelevati"
    ),
    Counted.EXPORT: _set(
        "export exported einspeisung eingespeist netzeinspeisung lieferung rücklieferung überschuss surplus "
        "feed_in feedin injection teruglevering invoeding immissione immessa immessi vertido excedentes"
    ),
    Counted.PV: _set(
        "pv erzeugung erzeugt generation generated production produktion produced produziert yield ertrag "
        "solar opbrengst produzione producción"
    ),
    Counted.LOAD: _set("load last haushalt hausverbrauch"),
    Counted.POWER: _set("power leistung wirkleistung puissance potencia potenza"),
    Counted.ENERGY: _set("energy energie energía energia wert value valeur arbeit wirkarbeit"),
}
"""Words of headers, in the order in which they are tried: direction before quantity."""

OTHER_WORDS: Final = _set(
    "price prices preis strompreis prix prijs precio prezzo cost costs kosten coste costo "
    "blindarbeit blindleistung blindenergie reactive réactive kvarh kvar scheinleistung apparent kva kvah "
    "gas gaz battery batterie batteria batería batterij akku accu speicher powerwall "
    "self direct eigenverbrauch selbstverbrauch direktverbrauch autoconsommation autoconsumo zelfverbruik "
    "forecast prognose prévision max maximum maximal minimum minimal"
)
"""Words of what is not what a meter counted at a home's connection, whatever else a header says."""
PHRASES: Final = (
    (re.compile(r"\bfee?d[- ]in\b"), "feed_in"),
    (re.compile(r"\b(?:from|vom)[ _](?:grid|netz)\b"), "import"),
    (re.compile(r"\b(?:to|ins)[ _](?:grid|netz)\b"), "export"),
)

_OBIS: Final = re.compile(r"(?:\d+-\d+:)?(\d)\.(\d{1,2})\.\d(?:\*\d+)?")
_OBIS_COUNTED: Final = {"1": Counted.IMPORT, "2": Counted.EXPORT}
REGISTER_CODE: Final = "8"
"""OBIS group D of a register that only grows; 29 is an interval's energy, 5 its mean power (IEC 62056-61)."""

_UNIT: Final = re.compile(r"(?:^|[\s(\[/_,;-])([kM]?Wh?|[KM]?WH?|kwh?|mW[h]?)(?:$|[\s)\]/_,;-])")
_PER_HOUR: Final = re.compile(r"\s*/\s*h(?![^\W_])", re.IGNORECASE)
"""After a unit of energy: what is counted is a mean power."""
_PER_OTHER: Final = re.compile(r"\s*/\s*\w")
_MULTIPLE: Final = re.compile(r"(?:[x×*]\s*\d+(?:[.,]\d+)?|(?<![\d.:])0[.,]\d+)\s*$", re.IGNORECASE)
_MONEY_PER: Final = re.compile(
    r"(?:€|\$|£|\b(?:eur|euro|ct|cents?|c|p|chf|usd|gbp|aud|rp|k?g))\s*/\s*$", re.IGNORECASE
)
_WORDS: Final = re.compile(r"[^\W\d_]+(?:_[^\W\d_]+)*")


def find_columns(header: Sequence[str]) -> Columns:
    """The columns of a header by the words that they use."""
    when = [each for each in (_when(name) for name in header) if each is not None]
    spoken_for = {each.name for each in when}
    units = next((name for name in header if name not in spoken_for and _words(name) & UNIT_WORDS), None)
    values, others = [], []
    for name in header:
        if name in spoken_for or name == units:
            continue
        found = value_column(name)
        if found is None:
            others.append(name)
        else:
            values.append(found)
    return Columns(tuple(when), tuple(values), units, tuple(others))


def is_header(cells: Sequence[str]) -> bool:
    """Whether the cells of a line name at least when and how much."""
    found = find_columns([cell for cell in cells if cell])
    return bool(found.when) and bool(found.values) and not any(_looks_like_data(cell) for cell in cells)


def value_column(name: str) -> ValueColumn | None:
    """A column of energy or power; None where nothing in its header says so."""
    unit = _unit(name)
    code = counted_by_code(name)
    if code is not None:
        return ValueColumn(name, code[0], unit, code[1])
    words = _words(name)
    consumed = bool(words & CONSUMED_WORDS)
    # a share of what is used, such as the consumption of solar power, is no meter's reading
    share = consumed and bool(words & COUNTED_WORDS[Counted.PV])
    if words & OTHER_WORDS or share or _is_rate(name):
        return None
    counted = next((each for each, known in COUNTED_WORDS.items() if words & known), None)
    register = bool(words & REGISTER_WORDS)
    if counted is None and unit is None and not register:
        return None
    return ValueColumn(name, counted, unit, register, consumed)


def counted_by_code(text: str) -> tuple[Counted, bool] | None:
    """What an OBIS code in a text counts, and whether in a register that only grows; None without one."""
    obis = _OBIS.search(text)
    if obis is None or obis[1] not in _OBIS_COUNTED:
        return None
    return _OBIS_COUNTED[obis[1]], obis[2] == REGISTER_CODE


def is_code(text: str) -> bool:
    """Whether a cell is an OBIS code and nothing else."""
    return bool(_OBIS.fullmatch(text))


def _unit(name: str) -> Unit | None:
    """The unit in a header; none where it is multiplied, or per something that is no hour."""
    found = _UNIT.search(name)
    if found is None or _MULTIPLE.search(name[: found.start(1)]):
        return None
    unit, after = unit_of(found[1]), name[found.end(1) :]
    if unit is not None and unit.energy and _PER_HOUR.match(after):
        return unit_of(unit.name[:-1])
    return None if _PER_OTHER.match(after) else unit


def _is_rate(name: str) -> bool:
    """Whether a header is of money, or mass, per unit of energy."""
    found = _UNIT.search(name)
    return found is not None and bool(_MONEY_PER.search(name[: found.start(1)]))


def _words(name: str) -> set[str]:
    lower = GLUED.sub(r"\1 \2", name.lower())
    for phrase, word in PHRASES:
        lower = phrase.sub(word, lower)
    found = set(_WORDS.findall(lower.replace("-", " ").replace("/", " ")))
    return found | {part for word in found for part in word.split("_")}


def _when(name: str) -> WhenColumn | None:
    words = _words(name)
    if _unit(name) is not None:
        return None
    end = True if words & ENDS else False if words & STARTS else None
    dates, clocks = bool(words & DATES), bool(words & CLOCKS)
    if words & MOMENTS or (dates and clocks):
        return WhenColumn(name, When.MOMENT, end)
    if dates or clocks:
        return WhenColumn(name, When.DATE if dates else When.CLOCK, end)
    return None if end is None or len(words) > 1 else WhenColumn(name, When.MOMENT, end)


def _looks_like_data(cell: str) -> bool:
    return bool(re.fullmatch(r"[-+.,:/ 0-9T]+", cell)) and any(digit in cell for digit in "0123456789")


def stated_columns(header: Sequence[str], stated: Iterable[tuple[str, str]]) -> Columns:
    """The columns as somebody stated them; what was not stated is not used.

    Args:
        header: names in the file.
        stated: a column's name, or its number from 1 on, and what it is: `time`, `date`, `clock`, `start`,
            `end`, or one of `Counted`, the latter with or without a unit as in `import:kWh`.

    Raises:
        ValueError: there is no such column, or nothing is called so.
    """
    when, values, used = [], [], set()
    for key, what in stated:
        name = _named(header, key)
        used.add(name)
        word, _, unit_name = what.partition(":")
        word = word.lower()
        if word in WHEN_WORDS:
            says, end = WHEN_WORDS[word]
            when.append(WhenColumn(name, says, end))
            continue
        if word.upper() not in Counted.__members__:
            raise ValueError(f"{what!r} is nothing that a column can be: {', '.join(ROLES)}")
        known = value_column(name)
        unit = unit_of(unit_name) if unit_name else known.unit if known else None
        if unit_name and unit is None:
            raise ValueError(f"{unit_name!r} is no unit: W, kW, MW, Wh, kWh or MWh")
        values.append(ValueColumn(name, Counted(word.upper()), unit, known.register if known else False))
    return Columns(tuple(when), tuple(values), None, tuple(name for name in header if name not in used))


WHEN_WORDS: Final = {
    "time": (When.MOMENT, None),
    "date": (When.DATE, None),
    "clock": (When.CLOCK, None),
    "start": (When.MOMENT, False),
    "end": (When.MOMENT, True),
}
ROLES: Final = (*WHEN_WORDS, *(each.value.lower() for each in Counted))


def _named(header: Sequence[str], key: str) -> str:
    if key in header:
        return key
    if key.isascii() and key.isdigit() and 1 <= int(key) <= len(header):
        return header[int(key) - 1]
    raise ValueError(f"there is no column {key!r}; the file has {', '.join(header)}")
