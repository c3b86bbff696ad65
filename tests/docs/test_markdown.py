"""Every tracked Markdown file: lines end at 120 characters, and what a link names is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WIDTH = 120
FENCE = re.compile(r"\s*(```|~~~)")
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")
ANCHOR = re.compile(r"\]\(([\w./-]*\.md|)#([^)\s]+)\)")
PATH = re.compile(r"`((?:contracts|docs|tests|scripts|benchmarks|python_client)/[\w./-]+\.\w+)`")
SOURCE = re.compile(r"`((?:\w+/)*\w+\.(?:sol|py))`")


def tracked(*patterns: str) -> list[str]:
    """The files that git knows under such names; none outside a checkout."""
    if shutil.which("git") is None:
        return []
    command = ["git", "ls-files", "-z", "--", *patterns]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return sorted(filter(None, listing.stdout.split("\0")))


PAGES = tracked("*.md")


def prose(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are neither in a fenced block nor a table's row, with their numbers."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and not line.lstrip().startswith("|"):
            yield number, line


@pytest.mark.parametrize("name", PAGES)
def test_lines_end_at_120_characters(name: str) -> None:
    long = [
        f"{name}:{number} has {len(line)} characters"
        for number, line in prose((ROOT / name).read_text())
        if len(line) > WIDTH
    ]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("name", PAGES)
def test_what_a_relative_link_names_is_there(name: str) -> None:
    page = ROOT / name
    targets = {target for target in LINK.findall(page.read_text()) if "://" not in target}
    missing = sorted(target for target in targets if not (page.parent / target).exists())
    assert not missing, f"{name} links to what is not there: {missing}"


def anchors(text: str) -> set[str]:
    """What the headings of a page can be linked as: lower case, hyphens for blanks, no punctuation."""
    headings = (line.lstrip("# ") for _, line in prose(text) if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_what_a_links_anchor_names_is_a_heading(name: str) -> None:
    page = ROOT / name
    missing = sorted(
        f"{target}#{anchor}"
        for target, anchor in ANCHOR.findall(page.read_text())
        if anchor not in anchors((page.parent / target if target else page).read_text())
    )
    assert not missing, f"{name} links to headings that are not there: {missing}"


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_names_by_its_path_from_the_root_is_there(name: str) -> None:
    named = set(PATH.findall((ROOT / name).read_text()))
    missing = sorted(path for path in named if not (ROOT / path).exists())
    assert not missing, f"{name} names what is not there: {missing}"


@pytest.mark.parametrize("name", [name for name in PAGES if "decisions/" not in name])
def test_every_source_file_that_a_page_names_is_there(name: str) -> None:
    """A file may be named by the end of its path, such as `Settlement.sol` or `market/book.py`."""
    files = [f"/{path}" for path in tracked("*.sol", "*.py")]
    named = set(SOURCE.findall((ROOT / name).read_text()))
    missing = sorted(end for end in named if not any(path.endswith(f"/{end}") for path in files))
    assert not missing, f"{name} names what is not there: {missing}"


def test_a_long_line_is_found_in_prose_and_nowhere_else() -> None:
    long = "x" * (WIDTH + 1)
    text = f"{long}\n| {long} |\n```\n{long}\n```\n{long}\n"
    assert [number for number, line in prose(text) if len(line) > WIDTH] == [1, 6]
