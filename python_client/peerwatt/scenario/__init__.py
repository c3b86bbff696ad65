"""Scenarios: a directory of files, checked, as the neighbourhood that is replayed."""
