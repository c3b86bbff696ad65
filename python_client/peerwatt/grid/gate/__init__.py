"""The grid gate: what of the cleared trades the network can carry, and how much may be offered at all."""
