"""Just enough SVG: elements, scales, axes. Colours are classes, so that one page serves light and dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape


def number(value: float) -> str:
    """A coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def tag(name: str, *content: str, **attributes: str | float) -> str:
    """An element; `class_` becomes `class`, `stroke_width` becomes `stroke-width`, numbers are rounded."""
    parts = []
    for key, value in attributes.items():
        text = escape(value) if isinstance(value, str) else number(value)
        parts.append(f' {key.rstrip("_").replace("_", "-")}="{text}"')
    inside = "".join(content)
    return f"<{name}{''.join(parts)}>{inside}</{name}>" if inside else f"<{name}{''.join(parts)}/>"


def label(words: str, x: float, y: float, class_: str = "", anchor: str = "start") -> str:
    """A text."""
    return tag("text", escape(words), x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str, **more: str | float) -> str:
    """A rectangle; negative extents are drawn from the other corner."""
    return tag(
        "rect",
        x=min(x, x + width),
        y=min(y, y + height),
        width=abs(width),
        height=abs(height),
        class_=class_,
        **more,
    )


def circle(x: float, y: float, r: float, class_: str, **more: str | float) -> str:
    """A circle."""
    return tag("circle", cx=x, cy=y, r=r, class_=class_, **more)


def path(points: Sequence[tuple[float, float]], class_: str, closed: bool = False) -> str:
    """A polyline or polygon; nothing for fewer than two points."""
    if len(points) < 2:
        return ""
    d = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points) + ("Z" if closed else "")
    return tag("path", d=d, class_=class_)


@dataclass(frozen=True)
class Scale:
    """A linear map from values to coordinates."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = (self.high - self.low) or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) within a range."""
    if not high > low:
        return [low]
    raw = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def widened(low: float, high: float, by: float = 0.05) -> tuple[float, float]:
    """A range with air above and below."""
    air = (high - low) * by or 1.0
    return low - air, high + air


@dataclass(frozen=True)
class Frame:
    """The plotting area of a chart."""

    left: float
    top: float
    right: float
    bottom: float

    def y_axis(self, scale: Scale, write: Callable[[float], str], title: str, about: int = 4) -> str:
        """Horizontal grid lines with values at the left, and the unit above."""
        parts = [label(title, self.left, self.top - 10, "axis-title")]
        for value in nice_ticks(scale.low, scale.high, about):
            y = scale(value)
            parts.append(line(self.left, y, self.right, y, "rule"))
            parts.append(label(write(value), self.left - 8, y + 4, "tick", "end"))
        return "".join(parts)

    def x_axis(self, scale: Scale, write: Callable[[float], str], title: str, about: int = 8) -> str:
        """Values under the area, and the unit at the right end."""
        parts = [line(self.left, self.bottom, self.right, self.bottom, "axis")]
        for value in nice_ticks(scale.low, scale.high, about):
            parts.append(label(write(value), scale(value), self.bottom + 18, "tick", "middle"))
        parts.append(label(title, self.right, self.bottom + 36, "axis-title", "end"))
        return "".join(parts)


def picture(width: float, height: float, content: str, name: str, description: str) -> str:
    """A whole drawing that scales with the page and that a screen reader can announce."""
    return tag(
        "svg",
        tag("title", escape(name)),
        tag("desc", escape(description)),
        content,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
    )


def plain(decimals: int = 0) -> Callable[[float], str]:
    """A tick writer with a true minus sign."""
    return lambda value: f"{value:.{decimals}f}".replace("-", "\u2212")
