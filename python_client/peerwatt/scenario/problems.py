"""The error of a scenario that cannot be used."""

from peerwatt.tables.problems import LocatedError


class ScenarioError(LocatedError):
    """A scenario cannot be used."""

    hint = ": run `peerwatt check`"
