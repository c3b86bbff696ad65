"""Every snippet and console block of the documentation works as it is printed.

What runs, and how a page says so, is in `tests/docs/blocks.py`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.blocks import DATA, FILES, PROSE, RUN, Block, Page, read_page
from tests.docs.running import ROOT, Differs, Reader, commands, copy_of_the_repository, matches

FAST_SECONDS, LONG_SECONDS = 120, 3600
Folder = Callable[[Path | None], Path]


def pages() -> list[Page]:
    """Every page of the repository that has blocks."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [Path(name) for name in sorted(filter(None, listed.stdout.split("\0"))) if (ROOT / name).exists()]
    found = [read_page(path, ROOT) for path in paths]
    return [page for page in found if page.blocks]


PAGES = {page.path: page for page in pages()}
RUNNABLE = [page for page in PAGES.values() if any(b.is_run or b.language in DATA for b in page.blocks)]
WITH_LONG = [page for page in RUNNABLE if any(block.is_long for block in page.blocks)]


def follow(page: Page, folder: Path, long: bool) -> None:
    """Do everything that a page says, in order; `long` says whether also what takes minutes."""
    with Reader(folder) as reader:
        for block in page.blocks:
            if block.mark.startswith("none") or (block.is_long and not long):
                continue
            reader.follow(block, LONG_SECONDS if long else FAST_SECONDS)


@pytest.fixture(scope="session")
def folder_after(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A function that makes a fresh folder: the repository, or what a page left behind there."""
    ended: dict[Path | None, Path] = {}

    def after(path: Path | None) -> Path:
        if path not in ended:
            if path is None:
                ended[path] = copy_of_the_repository(tmp_path_factory.mktemp("repository"))
            else:
                page = PAGES[path]
                ended[path] = after(page.after)
                follow(page, ended[path], long=False)
        fresh = tmp_path_factory.mktemp("reader") / "peerwatt"
        return Path(shutil.copytree(ended[path], fresh, symlinks=True))

    return after


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.path))
def test_blocks_of_a_page_do_what_they_print(page: Page, folder_after: Folder) -> None:
    folder_after(page.path)


@pytest.mark.long
@pytest.mark.parametrize("page", WITH_LONG, ids=lambda page: str(page.path))
def test_blocks_that_take_minutes_do_what_they_print(page: Page, folder_after: Folder) -> None:
    follow(page, folder_after(page.after), long=True)


def test_no_block_is_left_unmarked_and_unrun() -> None:
    unknown = [
        f"{block.place}: {block.language!r}"
        for page in PAGES.values()
        for block in page.blocks
        if block.language not in RUN | DATA | PROSE | (FILES if block.file else set())
        and not block.mark.startswith("none")
    ]
    assert not unknown, "say how to run it in tests/docs/blocks.py, or mark it"


def test_the_front_pages_run_something() -> None:
    for name in ("README.md", "docs/quickstart.md"):
        assert any(block.is_run for block in PAGES[Path(name)].blocks), name


def test_three_dots_stand_for_text_and_for_lines() -> None:
    assert matches("a ... c\n...\nz\n", "a b c  \n1\n2\nz\n\n")
    assert matches("a\n...\n", "a\n")
    assert not matches("a ... c\n", "a b d\n")
    assert not matches("a\n", "a\nb\n")


def test_a_block_that_prints_something_else_is_refused(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    page = Path("page.md")
    reader.follow(Block(page, 1, "python", "x = 1\nprint(x)\n", output="1\n"), 10)
    for wrong in (
        Block(page, 7, "python", "print(x)\n", output="2\n"),
        Block(page, 7, "python", "print(x)\n"),
        Block(page, 7, "console", "$ echo 1\n2\n"),
        Block(page, 7, "console", "$ false\n"),
        Block(page, 7, "json", "{"),
    ):
        with pytest.raises(Differs, match=r"page\.md:7"):
            reader.follow(wrong, 10)


def test_commands_go_on_over_backslashes() -> None:
    block = Block(Path("page.md"), 1, "console", "$ echo a \\\n    b\na b\n$ true\n")
    assert commands(block) == [("echo a \\\n    b", "a b\n"), ("true", "")]


@pytest.mark.parametrize(
    "text",
    [
        "<!-- test: sometimes -->\n```python\nx\n```\n",
        "<!-- test: none -->\n```python\nx\n```\n",
        "<!-- test: long -->\n\nwords\n",
    ],
)
def test_a_mark_that_means_nothing_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(ValueError, match=r"page\.md"):
        read_page(Path("page.md"), tmp_path)
