"""Market designs side by side: run on one scenario, measured, written as tables and as a page."""

from peerwatt.compare.result import Comparison, Row
from peerwatt.compare.run import compare

__all__ = ["Comparison", "Row", "compare"]
