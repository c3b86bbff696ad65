"""The root of every error that Peerwatt raises on purpose."""


class PeerwattError(Exception):
    """One line that names the file, row, field, account or endpoint and says what to do about it."""


class InputError(PeerwattError, ValueError):
    """A file, a row or an argument cannot be used as it is."""


class ChainError(PeerwattError, RuntimeError):
    """A chain could not be reached, or refused what was asked of it."""
