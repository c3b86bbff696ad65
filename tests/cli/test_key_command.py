"""`peerwatt key`: a key is made encrypted, never shown, and never written over."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from eth_account import Account

from peerwatt.chain.keystore_files import create_keystore, keystore_of
from peerwatt.errors import InputError
from tests.cli.conftest import Here
from tests.cli.test_command_line import one_line_error, run

PASSWORD = "correct horse"


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    return tmp_path / "password"


def test_a_new_keystore_opens_to_its_address_and_is_its_owners_alone(
    password_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "keys" / "member.json"
    made = run("key", "new", str(path), "--password-file", str(password_file))
    assert made.returncode == 0, made.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = json.loads(path.read_text())
    key = Account.decrypt(content, PASSWORD)
    assert Account.from_key(key).address in made.stdout
    assert content["crypto"]["kdfparams"]["n"] == 1 << 18
    assert bytes(key).hex() not in made.stdout + made.stderr
    checked = run("key", "check", str(path), PEERWATT_PASSWORD_FILE=str(password_file))
    assert checked.stdout == f"{path}: the key of {Account.from_key(key).address}\n"


def test_nothing_is_written_over_and_no_password_is_no_password(
    password_file: Path, tmp_path: Path, here: Here
) -> None:
    path = tmp_path / "mine.json"
    path.write_text("the only copy")
    error = one_line_error(here("key", "new", str(path), "--password-file", str(password_file)))
    assert "mine.json: is there already" in error
    with pytest.raises(InputError, match="is there already"):
        create_keystore(path, PASSWORD)
    assert path.read_text() == "the only copy"
    password_file.write_text("\n")
    error = one_line_error(here("key", "new", str(tmp_path / "new"), "--password-file", str(password_file)))
    assert "the password is empty" in error
    with pytest.raises(InputError, match="cannot be written"):
        create_keystore(path / "new", PASSWORD)


def test_a_password_may_come_by_a_pipe_and_nothing_else_is_written(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(Account.encrypt(bytes([7]) * 32, PASSWORD, iterations=2)))
    checked = run("key", "check", str(path), stdin=PASSWORD + "\r\n")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "this password does not open it" in one_line_error(run("key", "check", str(path), stdin="no\n"))
    assert "nothing was typed in" in one_line_error(run("key", "check", str(path)))


def test_an_account_of_another_program_is_found_by_its_name(tmp_path: Path) -> None:
    address = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    files = {
        "home": tmp_path / ".foundry" / "keystores" / "home",
        "my meter": tmp_path / ".ape" / "accounts" / "my meter.json",
        address: tmp_path / ".ethereum" / "keystore" / f"UTC--2026-01-01T00-00-00Z--{address[2:].lower()}",
    }
    for path in files.values():
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    for name, path in files.items():
        assert keystore_of(name, tmp_path) == path
    with pytest.raises(InputError, match=r"neither Foundry .* nor ape .* nor geth"):
        keystore_of("nobody", tmp_path)
    for name in ("../home", "/etc/passwd", "", ".hidden/../x", "a/b"):
        with pytest.raises(InputError, match="is no name of an account"):
            keystore_of(name, tmp_path)
    (tmp_path / ".ape" / "accounts" / "home.json").write_text("{}")
    with pytest.raises(InputError, match="there are several"):
        keystore_of("home", tmp_path)


def test_a_members_key_is_found_by_its_accounts_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    error = one_line_error(
        run("oracle", "run", "--deployment", "d", "--peers", "p", "--state", "s", "--account", "nobody")
    )
    assert "--account nobody: neither Foundry" in error
    assert os.environ["HOME"] == str(tmp_path)
