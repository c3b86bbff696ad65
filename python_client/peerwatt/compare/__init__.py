"""Market designs side by side: run on one scenario, measured, written as tables and as a page.

`peerwatt.compare(...)` runs them.
"""

from peerwatt.callable_room import make_callable
from peerwatt.compare.result import Comparison, Row
from peerwatt.compare.run import compare

__all__ = ["Comparison", "Row", "compare"]

make_callable(__name__)
