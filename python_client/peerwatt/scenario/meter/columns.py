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
    """

    name: str
    counted: Counted | None
    unit: Unit | None
    register: bool = False


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


COUNTED_WORDS: Final = {
    Counted.IMPORT: _set(
        "import bezug netzbezug strombezug verbrauch entnahme consumption usage withdrawal soutirage "
        "consommation consumo afname verbruik prelievo"
    ),
    Counted.EXPORT: _set(
        "export einspeisung netzeinspeisung lieferung rücklieferung überschuss surplus feed_in feedin "
        "injection teruglevering invoeding immissione vertido excedentes"
    ),
    Counted.PV: _set("pv erzeugung generation production produktion solar"),
    Counted.LOAD: _set("load last haushalt hausverbrauch"),
    Counted.POWER: _set("power leistung wirkleistung puissance potencia potenza"),
    Counted.ENERGY: _set("energy energie energía energia wert value arbeit wirkarbeit"),
}
"""Words of headers, in the order in which they are tried: direction before quantity."""

_OBIS: Final = re.compile(r"(?:\d+-\d+:)?(\d)\.(\d{1,2})\.\d(?:\*\d+)?")
_OBIS_COUNTED: Final = {"1": Counted.IMPORT, "2": Counted.EXPORT}
REGISTER_CODE: Final = "8"
"""OBIS group D of a register that only grows; 29 is an interval's energy, 5 its mean power (IEC 62056-61)."""

_UNIT: Final = re.compile(r"(?:^|[\s(\[/_,;-])([kM]?Wh?|[KM]?WH?|kwh?|mW[h]?)(?:$|[\s)\]/_,;-])")
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
    obis = _OBIS.search(name)
    if obis and obis[1] in _OBIS_COUNTED:
        return ValueColumn(name, _OBIS_COUNTED[obis[1]], unit, obis[2] == REGISTER_CODE)
    words = _words(name)
    counted = next((each for each, known in COUNTED_WORDS.items() if words & known), None)
    register = bool(words & REGISTER_WORDS)
    if counted is None and unit is None and not register:
        return None
    return ValueColumn(name, counted, unit, register)


def _unit(name: str) -> Unit | None:
    found = _UNIT.search(name)
    return None if found is None else unit_of(found[1])


def _words(name: str) -> set[str]:
    lower = GLUED.sub(r"\1 \2", name.lower().replace("feed-in", "feed_in"))
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
