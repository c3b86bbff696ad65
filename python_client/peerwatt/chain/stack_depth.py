"""How deep Python may recurse, once the libraries of the chain are imported.

py_ecc raises the limit to 100,000 when it is imported. A text of as many brackets, from a node, from another
member or in a file, then fills the stack and ends the process, where Python would raise RecursionError.
"""

import sys
from typing import Final

DEEPEST: Final = 12_288
"""What py-evm asks for, to call contracts 1,024 deep; the stack of a thread holds twice as much."""


def limit_recursion() -> None:
    """Take the limit back to what py-evm needs."""
    sys.setrecursionlimit(DEEPEST)
