"""Feeders as their owners have them, turned into the canonical feeder file. Needs the `grid` extra."""
