"""The arrays of the grid package: floats inside power flow, integers for energy and positions."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
