"""Writes what a page's blocks print today into the page: `python -m tests.docs.renew docs/quickstart.md`.

Only output that no longer matches is written, so `...` stays where it still holds. Read the difference before
it is committed: a figure that changed is news. `--long` runs also what takes minutes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.blocks import Block, Page, read_page
from tests.docs.running import ROOT, Differs, Reader, copy_of_the_repository

SECONDS = 3600


def renew(page: Page, long: bool) -> int:
    """Write a page's outputs anew; returns how many changed."""
    changes = []
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_of_the_repository(Path(folder))
        chain = [page]
        while chain[0].after is not None:
            chain.insert(0, read_page(chain[0].after, ROOT))
        for each in chain:
            with Reader(copy) as reader:
                for block in each.blocks:
                    if block.mark.startswith("none") or (block.is_long and not long):
                        continue
                    try:
                        reader.follow(block, SECONDS)
                    except Differs as difference:
                        if difference.printed is None or each is not page:
                            raise
                        changes.append((block, difference))
    lines = (ROOT / page.path).read_text(encoding="utf-8").splitlines()
    for block, difference in reversed(changes):
        _write(lines, block, difference)
    (ROOT / page.path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(changes)


def _write(lines: list[str], block: Block, difference: Differs) -> None:
    """Put what was printed in the place of what the page says."""
    fresh = [line.rstrip() for line in (difference.printed or "").strip("\n").splitlines()]
    if block.language == "console":
        raise difference  # several commands to a block: by hand
    end = block.line - 1 + len(block.text.splitlines())  # index of the fence that ends the code
    if block.output is None:
        lines[end + 1 : end + 1] = ["", "```text", *fresh, "```"]
    else:
        start = lines.index("```text", end + 1) + 1
        lines[start : start + len(block.output.splitlines())] = fresh


if __name__ == "__main__":
    for name in sys.argv[1:]:
        if name != "--long":
            count = renew(read_page(Path(name), ROOT), "--long" in sys.argv)
            print(f"{name}: {count} outputs written")
