"""Importing an OpenDSS circuit runs no program, writes no file and reads nothing outside of its folder."""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from peerwatt.grid.errors import FeederError
from peerwatt.grid.files.importers import opendss_words as words
from peerwatt.grid.files.importers.opendss import from_opendss
from peerwatt.grid.files.importers.opendss_engine import _properties
from peerwatt.grid.files.importers.opendss_script import Script, read_script
from peerwatt.grid.files.importers.opendss_tokens import Parameter, parameters

LIMITS = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}
CIRCUIT = """clear
new circuit.x bus1=src basekv=12.47
new line.l1 bus1=src bus2=b r1=.1 x1=.1 r0=.1 x0=.1 c1=1 c0=1 length=1 normamps=400
new load.d bus1=b phases=3 kv=12.47 kw=100 kvar=10 vminpu=.5 vmaxpu=1.5
"""
BASES = "set voltagebases=[12.47]\ncalcvoltagebases\nsolve\n"
PROPERTIES = _properties()
_TOUCHING = ("open", "os.listdir", "os.scandir", "os.chdir", "os.system", "os.exec", "subprocess.Popen")


def read(path: Path) -> Script:
    return read_script(path, PROPERTIES)


def write(folder: Path, *lines: str, name: str = "master.dss") -> Path:
    path = folder / name
    path.write_text(CIRCUIT + BASES + "\n".join(lines) + "\n")
    return path


@contextmanager
def watched() -> Iterator[list[str]]:
    """Every file that this process opens, starts or lists meanwhile."""
    seen: list[str] = []
    active = [True]

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if active and event in _TOUCHING and not str(arguments[0]).startswith(sys.base_prefix):
            seen.append(str(arguments[0]))

    sys.addaudithook(note)
    try:
        yield seen
    finally:
        active.clear()


def test_an_editor_reports_and_exports_are_left_out_and_nothing_runs_or_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "circuit"
    folder.mkdir()
    (folder / "ed.sh").write_text(f"#!/bin/sh\necho ran > {tmp_path}/ran\n")
    (folder / "ed.sh").chmod(0o755)
    master = write(
        folder,
        "set editor=ed.sh",
        f'SET edit="{folder}/ed.sh"',
        "show voltages",
        "Sho v",
        "export voltages written.csv",
        f"exp v {tmp_path}/written.csv",
        "dump circuit.x debug",
        f"save circuit dir={tmp_path}/saved",
        "fileedit ed.sh",
        "plot circuit",
        "visualize element=line.l1",
        "set recorder=yes",
        "set DIverbose=yes demand=yes",
        "set log=yes",
        "new monitor.m element=line.l1 mode=1",
        "export monitors m",
        "closedi",
        "cvrtloadshapes",
    )
    before, here = sorted(tmp_path.rglob("*")), Path.cwd()
    said: list[str] = []
    document = from_opendss(master, limits=LIMITS, notice=said.append)
    assert document["name"] == "x"
    assert sorted(tmp_path.rglob("*")) == before
    assert Path.cwd() == here
    assert any("show" in line for line in said)
    assert any("set editor" in line for line in said)
    assert "agrees with OpenDSS" in said[-1]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("redirect ../../other.dss", "outside"),
        ("redirect ../circuit/../../other.dss", "outside"),
        ("compile /etc/hostname", "within the circuit's folder"),
        ("comp '/etc/hostname'", "within the circuit's folder"),
        ("redirect ~/other.dss", "within the circuit's folder"),
        ("redirect C:\\windows\\other.dss", "within the circuit's folder"),
        ("redirect \\\\server\\share\\other.dss", "within the circuit's folder"),
        ("redirect link/hostname", "outside"),
        ("buscoords ../../other.csv", "outside"),
        ("buscoords /etc/passwd", "within the circuit's folder"),
        ("latlong ../other.csv", "outside"),
        ("redirect missing.dss", "no file"),
        ("redirect master.dss", "redirect to each other"),
        ("cd ..", "another folder"),
        ("set datapath=/tmp", "another folder"),
        ("set datap=/tmp", "another folder"),
        ("doscmd ls", "runs a program"),
        ("DOS 'ls'", "runs a program"),
        ("new generator.g bus1=b kv=12.47 kw=1 model=6 usermodel=evil.so", "loads a program"),
        ("new generator.g bus1=b kv=12.47 kw=1 userm=evil.so", "loads a program"),
        ("new generator.g bus1=b kv=12.47 xdpp=1 1 1 evil.so", "loads a program"),
        ("new generator.g bus1=b\n~ shaftmodel = 'evil.so'", "loads a program"),
        ("new storage.s bus1=b dynad=evil.so", "loads a program"),
        ("new circuit.second", "a second circuit begins"),
        ("new pvsystem.s bus1=b\nPVSystem.s.UserModel=evil.so", "loads a program"),
        (
            "new capacitor.c bus1=b\nnew capcontrol.k element=line.l1 capacitor=c usermodel=e.so",
            "loads a program",
        ),
        ("batchedit generator..* usermodel=evil.so", "loads a program"),
        ("new xycurve.c npts=2 csvfile=/etc/passwd", "reads a file"),
        ("new xycurve.c npts=2 dbl=values.dbl", "reads a file"),
        ("new xycurve.c npts=2 xarray=(file=/etc/passwd)", "reads a file"),
        ("new line.l2 bus1=b bus2=c rmatrix=[file=/etc/passwd]", "reads a file"),
        ("new line.l2 bus1=b bus2=c length=(@lastfile)", "variable"),
        ("var @p=/etc/passwd\nredirect @p", "no file"),
        ("new line.@lastfile bus1=b", "not understood"),
        ("clone 3", "beside this one"),
        ("exec ls", "no command"),
        ("unheard of", "no command"),
        ("set unheard=of", "no option"),
        ("new teleport.x bus1=b", "no class"),
        ("line.l1.unheard=3", "no property"),
        ("makeposseq", "positive sequence"),
        ("set loadmodel=admittance", "model=2"),
    ],
)
def test_a_line_that_reaches_out_of_the_circuit_is_refused_by_file_and_line(
    tmp_path: Path, line: str, why: str
) -> None:
    folder = tmp_path / "above" / "circuit"
    folder.mkdir(parents=True)
    (folder / "link").symlink_to("/etc")
    for place in (tmp_path, folder.parent):
        (place / "other.dss").write_text("new load.from_outside bus1=b kw=1\n")
        (place / "other.csv").write_text("b, 1, 2\n")
    master = write(folder, line)
    with watched() as seen, pytest.raises(FeederError, match=why) as refused:
        read(master)
    assert "line" in str(refused.value)
    assert "from_outside" not in str(refused.value)
    assert {str(Path(os.path.realpath(path))) for path in seen} <= {str(master), str(folder)}


def test_codes_are_read_from_the_folder_above_and_nothing_but_codes(tmp_path: Path) -> None:
    folder = tmp_path / "circuit"
    folder.mkdir()
    shared = tmp_path / "Codes.DSS"
    shared.write_text(
        "! shared\nNew linecode.lc nphases=3 r1=1\n~ x1=2\nnew loadshape.s csvfile=/etc/passwd\n"
    )
    master = write(folder, "redirect ..\\codes.dss")
    texts = [command.text for command in read(master).commands]
    assert "New linecode.lc NPhases=3 R1=1" in texts
    assert not any("passwd" in text for text in texts)
    for line in (
        "new load.l bus1=b kw=1",
        "set voltagebases=[1]",
        "redirect other.dss",
        "line.l1.length=2",
        "secret",
    ):
        shared.write_text(line)
        with pytest.raises(FeederError, match="may hold codes alone") as refused:
            read(master)
        assert line not in str(refused.value)


def test_lines_are_split_as_opendss_splits_them() -> None:
    def split(line: str) -> list[tuple[str, str]]:
        return [(p.name, p.value) for p in parameters(line)]

    assert split("new  line.a bus1 = b.1.2, x1=[1 2 | 3] ! note") == [
        ("", "new"),
        ("", "line.a"),
        ("bus1", "b.1.2"),
        ("x1", "1 2 | 3"),
    ]
    assert split('redirect "a b//c!.dss" // gone') == [("", "redirect"), ("", "a b//c!.dss")]
    assert split("a=(1 {2} 3) b='x=y' c") == [("a", "1 {2} 3"), ("b", "x=y"), ("", "c")]
    assert split("! all of it") == []
    assert split("// all of it") == []
    assert next(parameters("taps=[1.0 (2)]")) == Parameter("taps", "1.0 (2)", "[")


def test_words_are_those_of_the_engine_in_its_order() -> None:
    import opendssdirect as dss

    commands = [dss.Executive.Command(k) for k in range(1, dss.Executive.NumCommands() + 1)]
    options = [dss.Executive.Option(k) for k in range(1, dss.Executive.NumOptions() + 1)]
    assert tuple(commands) == words.VERBS
    assert tuple(options) == words.OPTIONS
    known = {name for names in PROPERTIES.values() for name in names}
    assert known >= words.REFUSED_PROPERTIES | words.DROPPED_PROPERTIES | words.METERED


def test_mutated_scripts_reach_for_nothing_and_pass_on_nothing_but_circuit_elements(tmp_path: Path) -> None:
    folder = tmp_path / "circuit"
    folder.mkdir()
    draw = random.Random(7)
    pieces = [
        *CIRCUIT.split(), *BASES.split(), "redirect", "compile", "../x.dss", "/etc/passwd", "~",
        "more", "set",
        "editor=/bin/sh", "datapath=/", "usermodel=a.so", "(file=/etc/passwd)", "@lastfile", "'", '"',
        "[", ")",
        "//", "!", "/*", "*/", "\n", "\n", "\n", "=", ",", "show", "export", "doscmd", "\x00", "edit",
        "line.l1", "batchedit", "load..*", "open", "1", "csvfile=/etc/passwd",
        "new loadshape.s mult=(file=/etc/passwd)",
    ]  # fmt: skip
    verbs = {"new", "edit", "batchedit", "select", "~", "set", "solve"} | {
        v.lower() for v in words.PASSED_VERBS
    }
    passed = 0
    with watched() as seen:
        for _ in range(1500):
            text = CIRCUIT + " ".join(draw.choices(pieces, k=draw.randrange(2, 30)))
            master = folder / "m.dss"
            master.write_text(text)
            try:
                commands = read(master).commands
            except FeederError:
                continue
            passed += 1
            for command in commands:
                assert command.text.split()[0].lower() in verbs
                assert not re.search(r"file=|usermodel|datapath|editor|[(= ]@|[\x00\n]", command.text.lower())
    assert passed > 100
    assert {path for path in seen if not path.startswith(str(folder))} <= {str(folder)}
