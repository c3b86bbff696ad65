"""OpenDSS scripts as the commands that describe a circuit, and nothing else.

The scripts are read here, redirects followed, and every line is written anew from the words that it was
understood as. OpenDSS receives these commands one by one; it opens no file and sees no line of a script."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from peerwatt.grid.errors import FeederError
from peerwatt.grid.files.importers import opendss_words as words
from peerwatt.grid.files.importers.opendss_files import Folder
from peerwatt.grid.files.importers.opendss_tokens import Parameter, abbreviated, elements_of, parameters

_DEEPEST = 30
_PLAIN = re.compile(r"[\w.:+*-]+\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NUMBER = re.compile(r"-?\d{1,6}\Z")


@dataclass(frozen=True)
class Command:
    """One command for OpenDSS.

    Attributes:
        text: The command.
        where: Script and line that it comes from.
    """

    text: str
    where: str


@dataclass
class Script:
    """What a circuit's scripts come to.

    Attributes:
        commands: In order.
        coordinates: x and y of each bus that has any, by its name in lower case.
        left_out: What was left out of it and why, with how often.
    """

    commands: list[Command] = field(default_factory=list)
    coordinates: dict[str, tuple[float, float]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


def read_script(path: Path, properties: Mapping[str, tuple[str, ...]]) -> Script:
    """Read a circuit's master script and what it redirects to.

    Args:
        path: The master script.
        properties: The properties of each class, the class in lower case, in the engine's order.

    Raises:
        FeederError: A line would read, run or change what an import must not, or is not understood; named by
            script and line.
    """
    reader = _Reader(Folder(path), properties)
    reader.read(path.resolve(), path.name, codes_only=False, depth=0)
    return reader.script


class _Reader:
    def __init__(self, folder: Folder, properties: Mapping[str, tuple[str, ...]]) -> None:
        self.script = Script()
        self._folder = folder
        self._properties = dict(properties) | {"circuit": properties["vsource"]}
        self._beside = folder.root
        self._where = ""
        self._codes_only = False
        self._class = ""
        self._active = ""  # class of the object that `~` goes on with; empty where it is not passed on
        self._timed = self._begun = False

    def read(self, path: Path, where: str, *, codes_only: bool, depth: int) -> None:
        """Read one file into the script."""
        if depth > _DEEPEST:
            raise FeederError(f"{where}: files redirect to each other more than {_DEEPEST} times")
        text = self._folder.read(path, where)
        name = self._folder.name(path) if depth else where
        before = self._beside, self._codes_only
        self._beside, self._codes_only = path.parent, codes_only
        for number, line in _lines(text):
            self._where = f"{name}, line {number}"
            try:
                self._line(line, depth)
            except _Odd as odd:
                if codes_only:  # what stands there is not shown
                    raise FeederError(
                        f"{self._where}: a file above the circuit's folder may hold codes alone"
                    ) from None
                shown = " ".join(line.split())[:60]
                raise FeederError(f"{self._where}: {odd}; the line is {shown!r}") from None
        self._beside, self._codes_only = before

    def _line(self, line: str, depth: int) -> None:
        given = list(parameters(_CONTROL.sub(" ", line)))
        if not given:
            return
        first, rest = given[0], given[1:]
        if first.name:
            self._assign(first, rest)
            return
        verb = abbreviated(first.value, words.VERBS)
        if verb is None:
            raise _Odd(f"{first.value!r} is no command of OpenDSS")
        if self._codes_only and verb not in ("New", "More", "M", "~", "//"):
            raise _Odd("holds more than codes")
        if verb in words.REFUSED_VERBS:
            raise _Odd(f"{verb!r} {words.REFUSED_VERBS[verb]}; an import does not")
        if verb in ("Redirect", "Compile"):
            if rest:
                file, codes_only = self._folder.find(rest[0].value, self._beside, self._where)
                self.read(file, self._where, codes_only=codes_only, depth=depth + 1)
                if verb == "Compile":
                    self._beside = file.parent
        elif verb in ("Buscoords", "LatLongCoords"):
            self._coordinates(rest, swapped=verb == "LatLongCoords")
        elif verb in ("New", "Edit", "BatchEdit", "Select"):
            self._object(verb, rest)
        elif verb in ("More", "M", "~"):
            self._more(rest)
        elif verb == "Set":
            self._set(rest)
        elif verb == "Solve":
            self._set(rest)
            if self._timed:
                self._leave_out(
                    "solve over time or with a study's mode: an import takes the state without it"
                )
            else:
                self._pass("solve")
        elif verb in words.PASSED_VERBS:
            self._plain(verb, rest)
        elif verb != "//":
            self._leave_out(f"{verb.lower()}: changes nothing of the circuit")

    def _plain(self, verb: str, rest: list[Parameter]) -> None:
        if verb in ("Enable", "Disable", "Open", "Close"):
            if not rest:
                raise _Odd(f"{verb} names no element")
            kind, name = self._split(rest[0])
            if kind in words.MEASURING:
                return
            numbers = [parameter.value for parameter in rest[1:]]
            if not all(_NUMBER.match(number) for number in numbers):
                raise _Odd(f"{verb} takes an element, a terminal and a conductor")
            self._active = kind
            self._pass(" ".join([verb, _reference(kind, name), *numbers]))
        elif verb == "SetkVBase":
            for parameter in rest:
                self._check_value(parameter)
            texts = [f"{p.name}={p.text}" if p.name else p.text for p in rest]
            self._pass(" ".join([verb, *texts]))
        else:
            if verb.startswith("Clear"):
                self.script.coordinates.clear()
                self._timed = self._begun = False
            self._pass(verb)

    def _object(self, verb: str, rest: list[Parameter]) -> None:
        if not rest:
            raise _Odd(f"{verb} names no element")
        kind, name = self._split(rest[0])
        if self._codes_only and kind not in words.CODES:
            raise _Odd("holds more than codes")
        self._class = kind
        if kind == "circuit" and verb in ("Edit", "BatchEdit", "Select"):
            raise _Odd("a circuit is edited as Vsource.source")
        if kind == "circuit":
            if self._begun:
                raise _Odd("a second circuit begins here; give each a file of its own, or clear before it")
            self._begun = True
        if kind in words.MEASURING:
            self._active = kind
            self._leave_out(f"{kind}: measures or describes dynamics, and changes no steady state")
            return
        if kind in words.SHAPES:
            self._active = kind
            if verb == "New" and name.lower() != "default":
                self._pass(f"New {_reference(kind, name)} {words.SHAPES[kind]}")
            return
        self._active = "" if verb == "BatchEdit" else kind
        written = () if verb == "Select" else self._written(kind, rest[1:])
        self._pass(" ".join([verb, _reference(kind, name), *written]))

    def _more(self, rest: list[Parameter]) -> None:
        if not self._active:
            raise _Odd("continues no element")
        if self._active in words.MEASURING or self._active in words.SHAPES:
            return
        texts = list(self._written(self._active, rest))
        if texts:
            self._pass(" ".join(["~", *texts]))

    def _assign(self, first: Parameter, rest: list[Parameter]) -> None:
        """`class.name.property=value …`, `name.property=value …` or `property=value …`."""
        if self._codes_only:
            raise _Odd("holds more than codes")
        *target, word = first.name.split(".", 2)
        given = [Parameter(word, first.value, first.quote or '"'), *rest]
        if not target:
            self._more(given)
            return
        if len(target) == 1:
            target = [self._class, *target]
        kind, name = self._split(Parameter("", ".".join(target)))
        self._object("Edit", [Parameter("", f"{kind}.{name}"), *given])

    def _split(self, parameter: Parameter) -> tuple[str, str]:
        """Class, in lower case, and name of the element that a parameter names."""
        if parameter.name and not "object".startswith(parameter.name.lower()[:6]):
            raise _Odd("the first parameter must be object=Class.Name")
        kind, dot, name = parameter.value.partition(".")
        if not dot:
            kind, name = self._class, kind
        kind = kind.lower()
        if kind not in self._properties:
            raise _Odd(f"{kind!r} is no class of OpenDSS")
        if not name or '"' in name or name.startswith("@"):
            raise _Odd(f"the name {name!r} is not understood")
        return kind, name

    def _written(self, kind: str, given: Iterable[Parameter]) -> Iterator[str]:
        """Properties with their full names, what does not concern a steady state left out."""
        names = self._properties[kind]
        index = -1
        for parameter in given:
            if parameter.name:
                name = abbreviated(parameter.name, names)
                if name is None:
                    raise _Odd(f"{kind} has no property {parameter.name!r}")
                index = names.index(name)
            else:
                index += 1
                if index >= len(names):
                    raise _Odd(f"{kind} has only {len(names)} properties")
            name = names[index]
            if name in words.REFUSED_PROPERTIES:
                raise _Odd(f"{name} loads a program; an import does not")
            if name.lower().endswith("file"):
                raise _Odd(f"{name} reads a file; write its values into the script")
            if name in words.DROPPED_PROPERTIES:
                continue
            if kind in words.PROTECTION and name not in words.PROTECTION_STATE:
                continue
            if kind in ("energymeter", "sensor") and name not in words.METERED:
                continue
            self._check_value(parameter)
            yield f"{name}={parameter.text}"

    def _check_value(self, parameter: Parameter) -> None:
        value = parameter.value
        if "@" in value and any(word.startswith("@") for word in elements_of(value)):
            raise _Odd("uses a variable; write its value")
        if parameter.quote and "=" in value:
            raise _Odd(f"the value {value[:40]!r} reads a file or is not understood; write its numbers")

    def _set(self, rest: list[Parameter]) -> None:
        index = -1
        for parameter in rest:
            if parameter.name:
                option = abbreviated(parameter.name, words.OPTIONS)
                if option is None and parameter.name.lower() in words.NEWER_OPTIONS:
                    self._leave_out(f"set {parameter.name.lower()}: changes nothing of the circuit")
                    continue
                if option is None:
                    raise _Odd(f"OpenDSS has no option {parameter.name!r}")
                index = words.OPTIONS.index(option)
            else:
                index += 1
                if index >= len(words.OPTIONS):
                    raise _Odd("has more values than options")
            option = words.OPTIONS[index]
            value = parameter.value.lower()
            if option in words.REFUSED_OPTIONS:
                raise _Odd(f"'set {option}' {words.REFUSED_OPTIONS[option]}; an import does not")
            if option in words.PASSED_OPTIONS:
                self._check_value(parameter)
                self._pass(f"Set {option}={parameter.text}")
            elif option == "mode":
                self._timed = not "snapshot".startswith(value[:8])
            elif option == "Cktmodel" and value.startswith("p"):
                raise _Odd("a circuit of the positive sequence alone is not taken; give it with its phases")
            elif option == "Loadmodel" and not value.startswith("p"):
                raise _Odd("loads as admittances are not taken; give them model=2")
            elif option == "year" and value not in ("0", "1"):
                raise _Odd("loads grown to a later year are not taken; give their kW of that year")
            elif option in words.SELECTING_OPTIONS:
                self._active = ""
            elif option not in (
                "Cktmodel",
                "Loadmodel",
                "year",
                "hour",
                "sec",
                "number",
                "time",
                "h",
                "stepsize",
            ):
                self._leave_out(f"set {option.lower()}: changes nothing of the circuit")

    def _coordinates(self, rest: list[Parameter], *, swapped: bool) -> None:
        if not rest:
            return
        try:
            file, outside = self._folder.find(rest[0].value, self._beside, self._where)
        except FeederError as error:
            if "no file" not in str(error):
                raise
            self._leave_out("buscoords: the file is not there")
            return
        if outside:
            raise _Odd(f"{rest[0].value!r} lies outside of the circuit's folder")
        for _, line in _lines(self._folder.read(file, self._where)):
            row = [parameter.value for parameter in parameters(line)]
            try:
                x, y = float(row[1]), float(row[2])
            except (IndexError, ValueError):
                continue  # a heading, or a bus without a place
            self.script.coordinates[row[0].lower()] = (y, x) if swapped else (x, y)

    def _pass(self, text: str) -> None:
        self.script.commands.append(Command(text, self._where))

    def _leave_out(self, what: str) -> None:
        self.script.left_out[what] += 1


class _Odd(Exception):
    """A line that is refused; the message says why."""


def _reference(kind: str, name: str) -> str:
    """An element as a command names it."""
    return f"{kind}.{name}" if _PLAIN.match(name) else f'"{kind}.{name}"'


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines outside of block comments, which begin and end with whole lines."""
    commented = False
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        commented = commented or line.startswith("/*")
        if not commented:
            yield number, line
        elif "*/" in line:
            commented = False
