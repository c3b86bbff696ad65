"""Peerwatt: a peer-to-peer energy market that the grid can trust."""

__version__ = "0.1.0"
