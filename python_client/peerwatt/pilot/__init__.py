"""Scenarios and the replay: a neighbourhood, its market and what came of a day of it."""
