"""One chart per module. Each takes a `ReplayResult` and gives a `Chart`: a drawing and its table."""
