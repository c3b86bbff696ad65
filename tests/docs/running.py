"""Runs a page's blocks in a copy of the repository, as a reader would, and compares what they print."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

import peerwatt
from peerwatt.chain.nodes import LocalNode
from tests.docs.blocks import DATA, Block

ROOT = Path(__file__).parents[2]
PACKAGES = Path(peerwatt.__file__).parents[1]
NODE_ADDRESS = "127.0.0.1:8545"
GENESIS = 1_466_035_200
"""16 June 2016, a day before the scenarios begin."""

_SHELL = """
make() { command make --assume-old="$VENV/core" VENV="$VENV" "$@"; }
"""
"""`make` in the environment that runs the tests: nothing is installed again."""

_END_OF_COMMAND = r"code=$?; printf '\n\036%s\n' $code; [ $code = 0 ] || exit $code"
"""Marks the end of a command's output with its exit code, and ends the script where that is not 0."""

_PROGRESS = re.compile(r"^after \d+ s .*: \d+ of \d+ \w+\n", re.MULTILINE)
"""Lines about work that goes on: which there are depends on the machine's speed alone."""


class Differs(AssertionError):
    """A block printed something else than the page says, or failed.

    Attributes:
        printed: what it printed; None where it failed.
    """

    def __init__(self, message: str, printed: str | None = None) -> None:
        super().__init__(message)
        self.printed = printed


@dataclass
class Reader:
    """Somebody who follows a page.

    Use it in a `with` statement, which ends the page's Anvil.

    Attributes:
        folder: a copy of the repository, which the blocks may change.
        names: of the page's Python blocks so far.
    """

    folder: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    _pages_node: LocalNode | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pages_node is not None:
            self._pages_node.close()

    def follow(self, block: Block, seconds: float) -> None:
        """Do what a block says.

        Args:
            block: with its mark, which was decided on before.
            seconds: after which a command is ended.

        Raises:
            Differs: what it printed is not what the page says.
        """
        if block.file:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language in DATA:
            _parse(block)
        elif block.language == "python":
            self._run_python(block)
        elif block.language == "console":
            with self._node(block) as url:
                self._run_console(block, url, seconds)

    def _run_python(self, block: Block) -> None:
        code = compile("\n" * (block.line - 1) + block.text, str(block.page), "exec")
        printed = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(printed):
            exec(code, self.names)
        _compare(block, block.output or "", printed.getvalue())

    def _run_console(self, block: Block, url: str | None, seconds: float) -> None:
        script, found = _SHELL, commands(block)
        for command, _ in found:
            script += f"{command}\n{_END_OF_COMMAND}\n"
        if url is not None:
            script = script.replace(NODE_ADDRESS, url.removeprefix("http://"))
        shown = _PROGRESS.sub("", self._shell(script, url, seconds))
        printed = re.split("\n\x1e([0-9]+)\n", shown)
        for k, (command, expected) in enumerate(found):
            text, code = printed[2 * k], printed[2 * k + 1] if 2 * k + 1 < len(printed) else "none"
            if code != "0":
                raise Differs(f"{block.place}: exit code {code} of `{command}`:\n{text}")
            if expected:
                _compare(block, expected, text)

    @contextlib.contextmanager
    def _node(self, block: Block) -> Iterator[str | None]:
        """The block's Anvil, on a port of its own, or the page's, or none."""
        if not block.needs_anvil:
            yield None
        elif block.shares_anvil:
            self._pages_node = self._pages_node or LocalNode("anvil", GENESIS)
            yield self._pages_node.url
        else:
            node = LocalNode("anvil", GENESIS)
            try:
                yield node.url
            finally:
                node.close()

    def _shell(self, script: str, url: str | None, seconds: float) -> str:
        """What a script prints, to both outputs; whatever it started ends with it."""
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=_environment(url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            return process.communicate(timeout=seconds)[0]
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that follows it.

    A line `$ …` begins a command; it goes on after a line that ends in a backslash, and over lines `> …`.
    """
    found: list[list[str]] = []
    going_on = False
    for line in block.text.splitlines():
        if going_on or line.startswith("> "):
            found[-1][0] += "\n" + line.removeprefix("> ")
        elif line.startswith("$ "):
            found.append([line.removeprefix("$ "), ""])
        elif not found:
            raise Differs(f"{block.place}: output before the first command; begin commands with `$ `")
        else:
            found[-1][1] += line + "\n"
            continue
        going_on = line.endswith("\\")
    return [(command, expected) for command, expected in found]


def matches(expected: str, printed: str) -> bool:
    """Whether a text is as expected.

    `...` on a line of its own stands for any number of lines, within a line for any text. Spaces at the ends
    of lines and blank lines at the ends of the text do not count.
    """
    pattern = ""
    for line in expected.strip("\n").splitlines():
        parts = (re.escape(part) for part in line.rstrip().split("..."))
        pattern += r"(?:.*\n)*" if line.strip() == "..." else "[^\n]*".join(parts) + "\n"
    text = "".join(line.rstrip() + "\n" for line in printed.strip("\n").splitlines())
    return re.fullmatch(pattern, text) is not None


def copy_of_the_repository(folder: Path) -> Path:
    """What git has, copied, with the tests' own environment and node modules in their places."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    if (ROOT / "node_modules").exists():
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


def _environment(url: str | None) -> dict[str, str]:
    """A shell's in which `peerwatt` and `python` are those of the tests, 80 columns wide."""
    # A `make` of a block is its own, also where a `make` runs the tests.
    left_out = ("ETH_RPC_URL", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")
    kept = {key: value for key, value in os.environ.items() if key not in left_out}
    return {
        **kept,
        **({} if url is None else {"ETH_RPC_URL": url}),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(PACKAGES),
        "VENV": sys.prefix,
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "MPLBACKEND": "agg",
    }


def _parse(block: Block) -> None:
    try:
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "yaml":
            yaml.safe_load(block.text)
    except (ValueError, yaml.YAMLError) as error:
        raise Differs(f"{block.place}: is not {block.language}: {error}") from None


def _compare(block: Block, expected: str, printed: str) -> None:
    if not matches(expected, printed):
        raise Differs(f"{block.place}: the page says\n{expected}\nand what came was\n{printed}", printed)
