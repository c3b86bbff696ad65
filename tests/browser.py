"""A real browser for tests: Chromium as the system has it, driven by Playwright; what is measured in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.canvas.width = canvas.canvas.height = 1;
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = new Map();
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    if (!behind.has(element)) {
      const color = rgba(getComputedStyle(element).backgroundColor);
      behind.set(element, color[3] > 250 ? color : ground(element.parentElement));
    }
    return behind.get(element);
  };
  const seen = new Map();
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility() || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    if (["title", "desc", "option"].includes(element.localName)) continue;
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const style = getComputedStyle(element);
    const text = rgba(element.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(text), light(ground(element))].sort((x, y) => y - x);
    const key = `${element.tagName} ${element.className.baseVal ?? element.className}`;
    seen.set(key, Math.min(seen.get(key) ?? 99, (a + 0.05) / (b + 0.05)));
  }
  return Object.fromEntries(seen);
}
"""
"""Lowest contrast of text with what is behind it, by element and class; axe leaves drawings out."""

OVERFLOW = """
() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const within = (element) => element.closest(".scroll, nav ul");
  return [...document.querySelectorAll("body *")]
    .filter((each) => !within(each) && each.getBoundingClientRect().right > width + 0.5)
    .map((each) => `${each.tagName}.${each.className}`)
    .concat("the document itself");
}
"""
"""What makes the document wider than the screen."""


@dataclass
class Tab:
    """A page that is open, and what it did.

    Attributes:
        page: Playwright's.
        requests: addresses that it asked for.
        complaints: of its console, and errors that its script did not catch.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open_everything(self) -> None:
        """Open every disclosure."""
        self.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    def violations(self) -> list[str]:
        """What axe finds, by rule and first place."""
        self.page.add_script_tag(path=AXE)
        found: dict[str, Any] = self.page.evaluate(
            "axe.run({ resultTypes: ['violations'], rules: { 'color-contrast': { enabled: false } } })"
        )
        return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found["violations"]]

    def low_contrasts(self) -> dict[str, float]:
        """Texts below 4.5, the AA of WCAG 2 for text of any size."""
        return {place: ratio for place, ratio in self.page.evaluate(CONTRAST).items() if ratio < 4.5}

    def overflow(self) -> list[str]:
        """What makes the document wider than the screen."""
        found: list[str] = self.page.evaluate(OVERFLOW)
        return found


@contextmanager
def opened(
    browser: Browser,
    file: Path,
    width: int = 1400,
    scheme: Any = "light",
    script: bool = True,
    clock: str = "UTC",
) -> Iterator[Tab]:
    """A page of a file, on a screen of some width (touched if narrow) and with a clock of some zone."""
    context = browser.new_context(
        viewport={"width": width, "height": 844 if width < 500 else 900},
        color_scheme=scheme,
        has_touch=width < 500,
        java_script_enabled=script,
        bypass_csp=True,
        timezone_id=clock,
    )
    tab = Tab(context.new_page())
    tab.page.on("request", lambda request: tab.requests.append(request.url))
    tab.page.on("console", lambda message: tab.complaints.append(message.text))
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    try:
        tab.page.goto(file.as_uri())
        yield tab
    finally:
        context.close()
