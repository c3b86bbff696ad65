"""The feeder in one interval, before and after the gate: what the report draws."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeState:
    """One node of the feeder in the interval that the picture shows."""

    node: str
    x: float
    y: float
    voltage_pu_before: float
    voltage_pu_after: float
    participants: tuple[str, ...] = ()


@dataclass(frozen=True)
class BranchState:
    """One line or transformer of the feeder in the interval that the picture shows."""

    branch: str
    from_node: str
    to_node: str
    loading_percent_before: float
    loading_percent_after: float


@dataclass(frozen=True)
class FeederPicture:
    """The feeder in one interval, before and after the gate."""

    interval: int
    nodes: tuple[NodeState, ...]
    branches: tuple[BranchState, ...]


@dataclass(frozen=True)
class Limits:
    """What the gate holds the feeder to."""

    voltage_min_pu: float
    voltage_max_pu: float
    loading_max_percent: float
