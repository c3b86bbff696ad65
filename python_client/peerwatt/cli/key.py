"""`peerwatt key …`: encrypted keystores, made and looked at."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from peerwatt.cli.console import AsJson, print_json, say
from peerwatt.cli.verb_list import VerbList
from peerwatt.errors import InputError

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

PASSWORD_VARIABLE = "PEERWATT_PASSWORD_FILE"

app = typer.Typer(cls=VerbList, no_args_is_help=True, help="Make an encrypted keystore, or look at one.")

PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        envvar=PASSWORD_VARIABLE,
        show_envvar=False,
        help=f"Its password; else {PASSWORD_VARIABLE}; asked for without either.",
    ),
]


def register(parent: typer.Typer) -> None:
    """Add the group of verbs."""
    parent.add_typer(app, name="key")


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="The keystore to write; must not be there.")],
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a new key, and write it encrypted into FILE, which only you may read."""
    from peerwatt.chain.keystore import read_password
    from peerwatt.chain.keystore_files import create_keystore

    if file.exists():
        raise InputError(f"{file}: is there already: name another file")
    if password_file is not None:
        password = read_password(password_file)
    else:
        password = _asked(f"new password of {file}", twice=True)
    address = create_keystore(file, password).address
    if as_json:
        print_json({"file": str(file), "address": address})
    else:
        say(f"{file}: the key of {address}. Keep a copy of the file, and the password elsewhere.")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The keystore.")],
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Open FILE with its password and say whose key it holds; the key itself is not shown."""
    address = opened(file, password_file).address
    if as_json:
        print_json({"file": str(file), "address": address})
    else:
        say(f"{file}: the key of {address}")


def opened(keystore: Path, password_file: Path | None) -> LocalAccount:
    """The account of a keystore, whose password is asked for where no file has it.

    Raises:
        InputError: the keystore or the file cannot be used, or another password opens it.
    """
    from peerwatt.chain.keystore import open_keystore, read_keystore, read_password

    content = read_keystore(keystore)
    if password_file is not None:
        return open_keystore(keystore, content, read_password(password_file))
    return open_keystore(keystore, content, _asked(f"password of {keystore}"))


def _asked(question: str, twice: bool = False) -> str:
    """A password, typed in without an echo; where nobody sits at a terminal, the first line of stdin."""
    if sys.stdin.isatty():
        typed: str = typer.prompt(question, hide_input=True, confirmation_prompt=twice, err=True)
        return typed
    line = sys.stdin.readline()
    if not line:
        raise typer.Abort
    return line.rstrip("\r\n")
