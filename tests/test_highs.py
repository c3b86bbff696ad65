"""The solver prints nothing where programs read JSON."""

import subprocess
import sys


def test_a_solver_prints_nothing_on_standard_output() -> None:
    code = "from peerwatt.highs import silent_solver; print('before'); silent_solver(); print('after')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "before\nafter\n"


def test_a_solver_is_made_where_standard_output_is_closed() -> None:
    code = "import os; os.close(1); from peerwatt.highs import silent_solver; silent_solver()"
    subprocess.run([sys.executable, "-c", code], check=True)
