"""The documentation as a site: it builds without a warning, and loads nothing from another host."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gather_docs import ELSEWHERE, ROOT, gather

GENERATOR = ROOT / ".venv-docs" / "bin" / "zensical"
LOADED = re.compile(
    r"<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"' >]+)"
)


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site from `folder/pages` into `folder/site`."""
    assert GENERATOR.exists(), "the site's generator is not installed: make docs"
    settings = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    for ours, there in (
        ('"build/pages"', '"pages"'),
        ('"build/site"', '"site"'),
        ('["python_client"]', f'["{ROOT / "python_client"}"]'),
    ):
        assert settings.count(ours) == 1, ours
        settings = settings.replace(ours, there)
    (folder / "zensical.toml").write_text(settings, encoding="utf-8")
    return subprocess.run(
        [str(GENERATOR), "build", "--strict", "--clean"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documentation")
    gather(folder / "pages")
    built = build(folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


def test_every_page_is_on_the_site(site: Path) -> None:
    pages = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    pages += [Path(place) for place in ELSEWHERE.values()]
    missing = [str(page) for page in pages if not (site / page.with_suffix(".html")).exists()]
    assert not missing


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    found = {match for page in site.rglob("*.html") for match in LOADED.findall(page.read_text())}
    assert not found
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", sheet.read_text()), sheet.name


def test_the_reference_has_the_arguments_of_what_it_documents(site: Path) -> None:
    text = (site / "reference" / "python.html").read_text()
    for word in ("load_scenario", "mechanism", "power_flow", "InputError"):
        assert word in text


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    gather(tmp_path / "pages")
    page = tmp_path / "pages" / "quickstart.md"
    page.write_text(page.read_text() + "\nSee [nothing](nowhere.md).\n")
    assert build(tmp_path).returncode != 0


def test_links_to_files_that_a_site_lacks_become_their_text(tmp_path: Path) -> None:
    gather(tmp_path / "pages")
    readme = (tmp_path / "pages" / "readme.md").read_text()
    assert "(quickstart.md)" in readme
    assert "(contributing.md)" in readme
    assert "](contracts/" not in readme
    assert "$ peerwatt check" in readme


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "index.md").read_text()
    assert [path.name for path in sorted(folder.glob("0*.md")) if f"({path.name})" not in listed] == []
