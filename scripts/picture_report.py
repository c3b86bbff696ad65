"""Take the picture of the report's first screen that the README shows, in the system's Chromium.

python scripts/picture_report.py reports/brooklyn-10/report.html docs/report.png
"""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

from peerwatt.cli.script import run
from peerwatt.errors import InputError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""What Chromium is called on PATH, as in the Makefile."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""It reads files of this repository, and asks nobody anything."""
WIDTH, HEIGHT = 1180, 1000


def chromium(playwright: Playwright) -> Browser:
    """The system's Chromium, started.

    Raises:
        InputError: there is none.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise InputError(f"none of {', '.join(NAMES)} is on PATH; `make chromium` installs one, or says how")
    return playwright.chromium.launch(executable_path=found, args=list(FLAGS), headless=True)


def main(page: Path, picture: Path) -> None:
    """Write the first screen of PAGE, an HTML file, to PICTURE, a PNG."""
    if not page.is_file():
        raise InputError(f"{page}: no such file; `make pilot` makes reports/brooklyn-10/report.html")
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        tab.goto(page.resolve().as_uri())
        tab.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    run(main)
