"""The replay: a scenario's days on a chain, next to the reference twin."""
