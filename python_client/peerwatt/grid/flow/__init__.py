"""Power flow and what follows from a solved state: limits, sensitivities, islands, system strength."""
