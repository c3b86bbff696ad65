"""The code blocks of a Markdown page, and what the comments before them say about running them.

A comment stands on a line of its own, right before its block:

    <!-- test: long -->                   takes minutes; runs in the long tests
    <!-- test: anvil -->                  runs with an Anvil, whose port replaces 8545 in the block
    <!-- test: anvil, long -->            both
    <!-- test: the page's anvil -->       the same, with one Anvil for all such blocks of the page
    <!-- test: none, because … -->        does not run, for the reason given
    <!-- file: street/scenario.yaml -->   the block is the content of that file, for the blocks that follow

One at the head of a page, `<!-- test: after quickstart.md -->`, says that its blocks continue in the folder
where another page's ended.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

RUN = {"python", "console"}
DATA = {"json", "yaml", "csv"}
FILES = {"js", "matlab"}
"""Languages of files that a later console block runs: each is the content of a file."""
PROSE = {"", "text", "mermaid", "solidity"}
"""Languages that are read and not run: pictures, output, and the contracts, which Forge compiles."""

_COMMENT = re.compile(r"<!-- (test|file): (.+?) -->")
_MARKS = re.compile(r"long|anvil|anvil, long|the page's anvil|none, because .+")
_AFTER = re.compile(r"after (\S+\.md)")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: where it stands.
        line: of its first line of content, from 1.
        language: after the fence.
        text: its content.
        mark: what its comment says of running it; empty where it has none.
        file: to which it is written; empty where it is none.
        output: of a Python block, from the text block that directly follows it; None where none does.
    """

    page: Path
    line: int
    language: str
    text: str
    mark: str = ""
    file: str = ""
    output: str | None = None

    @property
    def place(self) -> str:
        """Page and line, for messages."""
        return f"{self.page}:{self.line}"

    @property
    def is_run(self) -> bool:
        """Whether some test runs it."""
        return self.language in RUN and not self.mark.startswith("none")

    @property
    def is_long(self) -> bool:
        """Whether only the long tests run it."""
        return not self.mark.startswith("none") and self.mark.endswith("long")

    @property
    def needs_anvil(self) -> bool:
        """Whether it runs beside an Anvil of its own."""
        return self.mark.startswith("anvil") or self.shares_anvil

    @property
    def shares_anvil(self) -> bool:
        """Whether that Anvil is the page's, where what earlier blocks did still stands."""
        return self.mark == "the page's anvil"


@dataclass(frozen=True)
class Page:
    """A page's blocks in order.

    Attributes:
        path: of the page.
        after: the page in whose folder it continues, or None.
        blocks: of the page.
    """

    path: Path
    after: Path | None
    blocks: tuple[Block, ...]


def read_page(path: Path, root: Path) -> Page:
    """Read a page.

    Args:
        path: from the repository's root.
        root: the repository.

    Raises:
        ValueError: a comment for the tests is not understood, or is before no block.
    """
    blocks: list[Block] = []
    after, comments, follows = None, dict[str, str](), False
    for token in MarkdownIt("commonmark").parse((root / path).read_text(encoding="utf-8")):
        if token.type == "fence" and token.map is not None:
            block = Block(path, token.map[0] + 2, token.info.strip(), token.content)
            if block.language == "text" and follows and not comments:
                blocks[-1] = _with_output(blocks[-1], block.text)
            else:
                blocks.append(_marked(block, comments))
            follows = block.language == "python" and not comments.get("test", "").startswith("none")
            comments = {}
        elif token.type == "html_block" and (found := _COMMENT.findall(token.content)):
            page_mark = _AFTER.fullmatch(found[0][1])
            if page_mark is not None:
                after = Path(os.path.normpath(path.parent / page_mark[1]))
            else:
                comments = dict(found)
            follows = False
        elif token.level == 0:
            if comments:
                raise ValueError(f"{path}: {comments} is before no block")
            follows = False
    return Page(path, after, tuple(blocks))


def _marked(block: Block, comments: dict[str, str]) -> Block:
    mark, file = comments.get("test", ""), comments.get("file", "")
    if mark and not _MARKS.fullmatch(mark):
        raise ValueError(
            f"{block.place}: mark {mark!r} is none of: long; anvil; anvil, long; the page's anvil; "
            "none, because REASON"
        )
    return Block(block.page, block.line, block.language, block.text, mark, file)


def _with_output(block: Block, output: str) -> Block:
    return Block(block.page, block.line, block.language, block.text, block.mark, block.file, output)
