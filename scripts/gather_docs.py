"""The documentation's pages in one folder, as the site's generator wants them.

python scripts/gather_docs.py FOLDER

Pages in `docs/` link to pages and files elsewhere in the repository, which a site does not have. Those pages
come along (`ELSEWHERE`), and a link to any other file becomes its text. A link to nothing stays, and the
generator refuses it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ELSEWHERE = {
    "README.md": "readme.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "python_client/peerwatt/scenarios/README.md": "scenarios/folder.md",
    "python_client/peerwatt/scenarios/brooklyn-10/NOTICE.md": "scenarios/brooklyn-10.md",
    "python_client/peerwatt/scenarios/brooklyn-300/NOTICE.md": "scenarios/brooklyn-300.md",
    "tests/cases/README.md": "cases.md",
}
"""Pages outside `docs/`, and where they are on the site."""

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s#]+)(#[^()\s]*)?\)")
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def gather(folder: Path) -> None:
    """Put the site's pages and the files that they show into a folder, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    places = {path: path.relative_to(DOCS) for path in sorted(DOCS.rglob("*")) if path.is_file()}
    places |= {ROOT / page: Path(place) for page, place in ELSEWHERE.items()}
    for source, place in places.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            (folder / place).write_text(_with_links(source, place, places), encoding="utf-8")
        else:
            shutil.copyfile(source, folder / place)


def _with_links(source: Path, place: Path, places: dict[Path, Path]) -> str:
    """A page's text, its links as they are on the site."""

    def link(match: re.Match[str]) -> str:
        image, text, target, anchor = match.groups()
        if "://" in target:
            return match[0]
        found = Path(os.path.normpath(source.parent / target))
        if found in places:
            return f"{image}[{text}]({os.path.relpath(places[found], place.parent)}{anchor or ''})"
        return text if found.exists() else match[0]

    # Odd parts are fenced blocks, with their fences.
    parts = _FENCED.split(source.read_text(encoding="utf-8"))
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    return "".join(parts)


if __name__ == "__main__":
    gather(Path(sys.argv[1]))
