"""What can be wrong with a feeder, an injection or a flow."""

from peerwatt.errors import InputError, PeerwattError
from peerwatt.tables.problems import LocatedError


class FeederError(InputError):
    """A feeder file cannot be used; names the file, the element and what to do about it."""


class InjectionError(InputError):
    """Nodal injections do not fit the feeder."""


class TableOfInjectionsError(LocatedError, InjectionError):
    """A table of injections cannot be used; every mistake in it is located."""


class FlowError(PeerwattError, ArithmeticError):
    """The power flow of a feeder did not converge."""


class CurtailmentError(PeerwattError, ArithmeticError):
    """The curtailment problem could not be solved."""
