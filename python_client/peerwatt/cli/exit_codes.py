"""How the command ends: the exit codes, what each means, and the one place where every error becomes one."""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from errno import EBADF, EIO, ENOSPC
from typing import NoReturn

import typer

from peerwatt.errors import PeerwattError
from peerwatt.report.terminal import visible

DEBUG = "PEERWATT_DEBUG"
"""Environment variable; anything but nothing or 0 lets a mistake of the program show its traceback."""


class ExitCode(IntEnum):
    """What a script may rely on; the table in docs/exit-codes.md is this one."""

    FINE = 0
    DISAGREE = 1
    REFUSED = 2
    VERDICT = 3
    BUG = 70
    INTERRUPTED = 130
    CLOSED_PIPE = 141


MEANINGS = {
    ExitCode.FINE: "done",
    ExitCode.DISAGREE: "chain and reference disagree",
    ExitCode.REFUSED: "refused, or could not be done",
    ExitCode.VERDICT: "done, and the answer is no",
    ExitCode.BUG: "a mistake in Peerwatt",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.CLOSED_PIPE: "nobody reads the output any more",
}

EPILOG = (
    "Exit codes: "
    + "; ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items())
    + ". docs/exit-codes.md says which verb gives which. NO_COLOR is respected."
)

# Missing, unknown and malformed arguments; Typer does not export the class that they have in common.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]

_COMPLETION = {"--install-completion", "--show-completion"}


def report_error(error: object) -> None:
    """Write an error as one line on stderr, without what the addresses of nodes have in them of keys."""
    line = " ".join(str(error).split())
    if "://" in line:
        from peerwatt.chain.redaction import without_urls

        line = without_urls(line)
    print(visible(f"error: {line}"), file=sys.stderr)


def end(app: typer.Typer, name: str = "peerwatt") -> NoReturn:
    """Run a command line and leave with the exit code that says what came of it.

    Args:
        app: the command line.
        name: of the program, as the user calls it.
    """
    sys.exit(_code(app, name))


def _code(app: typer.Typer, name: str) -> int:
    try:
        code = app(prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except PeerwattError as error:
        report_error(error)
        return ExitCode.REFUSED
    except _UsageError as error:
        _report_usage(error)
        return ExitCode.REFUSED
    except typer.Abort:
        report_error("nothing was typed in; nothing was done")
        return ExitCode.REFUSED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except SystemExit as error:
        # Typer's answer to a closed pipe is 1, which here has another meaning.
        if isinstance(error.__context__, BrokenPipeError):
            return ExitCode.CLOSED_PIPE
        raise
    except Exception as error:
        return _unexpected(error, _verb(app, name))
    if code == ExitCode.DISAGREE and _COMPLETION.intersection(sys.argv):
        return ExitCode.REFUSED  # Typer's code where it finds no shell that it knows, and it has said so
    return code if isinstance(code, int) else ExitCode.FINE


def _report_usage(error: Exception) -> None:
    context, text = getattr(error, "ctx", None), getattr(error, "format_message", error.__str__)()
    if "\n" in text:  # the help of a command that was named without what it needs
        print(text, file=sys.stderr)
        return
    path = context.command_path if context is not None else "peerwatt"
    report_error(f"{text.rstrip('.')}. See {path} --help.")


def _of_the_system(error: OSError) -> str:
    """What the system says, and of which file, without its numbers."""
    what = (error.strerror or str(error) or type(error).__name__).lower()
    if error.filename is None:
        return f"the output cannot be written: {what}" if error.errno in (EBADF, EIO, ENOSPC) else what
    return f"{error.filename}: {what}"


def _unexpected(error: Exception, verb: str) -> ExitCode:
    """What nobody raised on purpose: the machine or the node said no, or the program is wrong."""
    if isinstance(error, BrokenPipeError):
        # Nothing more can be written there, not even by the interpreter when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.CLOSED_PIPE
    if os.environ.get(DEBUG, "0") not in ("", "0"):
        import traceback

        traceback.print_exception(error)
    if _is_of(error, "web3.exceptions", "Web3Exception"):
        report_error(f"the chain's node refused: {error}")
        return ExitCode.REFUSED
    if _is_of(error, "requests.exceptions", "RequestException"):
        # Its text has the node's address, and that may have a key in it.
        report_error(f"the chain's node cannot be reached ({type(error).__name__})")
        return ExitCode.REFUSED
    if isinstance(error, OSError):
        report_error(_of_the_system(error))
        return ExitCode.REFUSED
    told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    report_error(
        f"this is a mistake in Peerwatt, not in your input: {verb} ended in {told}. "
        f"Run it with {DEBUG}=1 or peerwatt --debug to see the traceback, and report it"
    )
    return ExitCode.BUG


def _is_of(error: Exception, module: str, root: str) -> bool:
    """Whether a library raised it that is slow to import, and not imported where nothing spoke to a chain."""
    found = sys.modules.get(module)
    return found is not None and isinstance(error, getattr(found, root))


def _verb(app: typer.Typer, name: str) -> str:
    """The verb that was called, such as `peerwatt grid check`."""
    from typer.main import get_command

    command: object = get_command(app)
    words = [name]
    for word in sys.argv[1:]:
        if word.startswith("-"):
            continue
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            break
        words.append(word)
    return " ".join(words)
