"""The root of every error that Peerwatt raises on purpose."""


class PeerwattError(Exception):
    """One line that names the file, row, field, account or endpoint and says what to do about it."""


class InputError(PeerwattError, ValueError):
    """A file, a row or an argument cannot be used as it is."""


class ChainError(PeerwattError, RuntimeError):
    """A chain could not be reached, or refused what was asked of it."""


def missing(package: str | None, extra: str) -> str:
    """What is said where a package of an extra is not installed; Peerwatt is installed from its repository.

    Args:
        package: that cannot be imported.
        extra: of `pyproject.toml` that brings it.
    """
    return (
        f"{package} is not installed; in the repository of Peerwatt, pip install --constraint "
        f"constraints/peerwatt.txt --editable '.[{extra}]' brings it"
    )
