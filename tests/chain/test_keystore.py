"""Keystores as wallets write them open to the key of their address; anything else is refused by its name."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_keyfile.keyfile import encrypt_aes_ctr
from eth_utils import keccak

from peerwatt.chain.keystore import open_keystore, read_keystore, read_password, readable_by_others
from peerwatt.errors import InputError

KEY = bytes(range(32, 64))
ADDRESS = Account.from_key(KEY).address
PASSWORD = "geheim"
ROOT = Path(__file__).parents[2]

Change = Callable[[dict[str, Any]], object]


def keystore(password: str = PASSWORD, kdf: str = "scrypt", key: bytes = KEY) -> dict[str, Any]:
    """As eth-account writes it, and so ape; cheap to open."""
    return dict(Account.encrypt(key, password, kdf=kdf, iterations=2))


def opened(path: Path, password: str = PASSWORD) -> str:
    return str(open_keystore(path, read_keystore(path), password).address)


def write(folder: Path, content: Any, encoding: str = "utf-8") -> Path:
    path = folder / "key.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding=encoding)
    return path


def upper(value: Any) -> Any:
    if isinstance(value, dict):
        return {name.upper(): upper(each) for name, each in value.items()}
    return value.upper() if isinstance(value, str) else value


def as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: as_text(each) for name, each in value.items()}
    return str(value)


def with_0x(content: dict[str, Any]) -> dict[str, Any]:
    crypto = content["crypto"]
    for part, name in (
        (crypto, "ciphertext"),
        (crypto, "mac"),
        (crypto["cipherparams"], "iv"),
        (crypto["kdfparams"], "salt"),
    ):
        part[name] = "0x" + part[name]
    return content | {"address": ADDRESS.lower()}


def of_ethers(content: dict[str, Any]) -> dict[str, Any]:
    """`Crypto` with a capital, and what only ethers knows beside it."""
    crypto = content.pop("crypto")
    return content | {"Crypto": crypto, "x-ethers": {"client": "ethers/6.17.0", "gethFilename": "UTC--"}}


def of_foundry(content: dict[str, Any]) -> dict[str, Any]:
    """No address."""
    del content["address"]
    return content


def without_leading_zeros(content: dict[str, Any]) -> dict[str, Any]:
    """Of a key that begins with a zero, which geth's own test vectors have with 31 bytes."""
    key = bytes(1) + KEY[1:]
    content = keystore(key=key)
    crypto = content["crypto"]
    derived = derived_key(crypto, PASSWORD)
    ciphertext = encrypt_aes_ctr(key[1:], derived[:16], int(crypto["cipherparams"]["iv"], 16))
    crypto["ciphertext"], crypto["mac"] = ciphertext.hex(), keccak(derived[16:32] + ciphertext).hex()
    return content


def derived_key(crypto: dict[str, Any], password: str) -> bytes:
    parameters = crypto["kdfparams"]
    n, r, p = (parameters[name] for name in "nrp")
    return hashlib.scrypt(password.encode(), salt=bytes.fromhex(parameters["salt"]), n=n, r=r, p=p, dklen=32)


@pytest.mark.parametrize(
    "write_as",
    [
        lambda content: content,
        lambda content: keystore(kdf="pbkdf2"),
        of_ethers,
        of_foundry,
        with_0x,
        upper,
        as_text,
        without_leading_zeros,
        lambda content: content | {"address": ADDRESS.upper()},
        lambda content: content | {"address": ""},
        lambda content: "\ufeff" + json.dumps(content),
        lambda content: json.dumps(content, indent=4).replace("\n", "\r\n"),
    ],
)
def test_what_a_wallet_writes_opens(write_as: Callable[[dict[str, Any]], Any], tmp_path: Path) -> None:
    content = write_as(keystore())
    expected = Account.from_key(bytes(1) + KEY[1:]).address if write_as is without_leading_zeros else ADDRESS
    assert opened(write(tmp_path, content)) == expected


def test_what_ethers_writes_opens(tmp_path: Path) -> None:
    program = (
        "const { encryptKeystoreJsonSync } = require('ethers');"
        f"const account = {{ address: '{ADDRESS}', privateKey: '0x{KEY.hex()}' }};"
        "console.log(encryptKeystoreJsonSync(account, 'Gr\u00fc\u00dfe', { scrypt: { N: 2, r: 8, p: 1 } }));"
    )
    made = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "Crypto" in json.loads(made.stdout)
    assert opened(write(tmp_path, made.stdout), "Gru\u0308\u00dfe") == ADDRESS


def test_what_cast_writes_opens(tmp_path: Path) -> None:
    cast = ROOT / "node_modules" / ".bin" / "cast"
    command = ["wallet", "import", "home", "--keystore-dir", tmp_path, "--unsafe-password", PASSWORD]
    subprocess.run([cast, *command, "--private-key", KEY.hex()], capture_output=True, check=True)
    assert "address" not in json.loads((tmp_path / "home").read_text())
    assert opened(tmp_path / "home") == ADDRESS


@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
def test_the_examples_of_the_standard_open(kdf: str, tmp_path: Path) -> None:
    """Web3 Secret Storage Definition, test vectors."""
    crypto: dict[str, Any] = {"cipher": "aes-128-ctr", "kdf": kdf}
    if kdf == "scrypt":
        salt = "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"
        crypto["kdfparams"] = {"dklen": 32, "n": 262_144, "p": 8, "r": 1, "salt": salt}
        crypto["cipherparams"] = {"iv": "83dbcc02d8ccb40e466191a123791e0e"}
        crypto["ciphertext"] = "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c"
        crypto["mac"] = "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
    else:
        salt = "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"
        crypto["kdfparams"] = {"c": 262_144, "dklen": 32, "prf": "hmac-sha256", "salt": salt}
        crypto["cipherparams"] = {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"}
        crypto["ciphertext"] = "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46"
        crypto["mac"] = "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
    path = write(tmp_path, {"crypto": crypto, "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6", "version": 3})
    assert opened(path, "testpassword") == "0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b"


def test_a_file_in_the_encoding_of_a_windows_shell_opens(tmp_path: Path) -> None:
    assert opened(write(tmp_path, keystore(), encoding="utf-16")) == ADDRESS


def test_a_password_opens_what_ethers_encrypted_with_its_composed_letters(tmp_path: Path) -> None:
    composed, typed = "Gr\u00fc\u00dfe", "Gru\u0308\u00dfe"
    assert opened(write(tmp_path, keystore(composed)), typed) == ADDRESS
    assert opened(write(tmp_path, keystore(typed)), typed) == ADDRESS


def crypto(**changes: Any) -> Change:
    return lambda content: content["crypto"].update(changes)


def kdfparams(**changes: Any) -> Change:
    return lambda content: content["crypto"]["kdfparams"].update(changes)


def without(*path: str) -> Change:
    def change(content: dict[str, Any]) -> None:
        for name in path[:-1]:
            content = content[name]
        del content[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(version=1), "version 1, of 2014"),
        (lambda content: content.update(version="2"), "version 2, a draft"),
        (lambda content: content.update(version=4), r"BLS key \(EIP-2335\)"),
        (lambda content: content.update(version=True), "no version"),
        (without("version"), "no version"),
        (without("crypto"), "crypto is missing"),
        (crypto(cipher="aes-128-cbc"), "cipher: 'aes-128-cbc' is not opened, only aes-128-ctr is"),
        (crypto(cipher="aes-256-ctr"), "cipher: 'aes-256-ctr' is not opened"),
        (crypto(kdf="argon2id"), "kdf: 'argon2id' is not opened, only scrypt and pbkdf2 are"),
        (crypto(mac="00"), "mac: is not 32 bytes"),
        (crypto(ciphertext="00" * 48), "ciphertext: is not 1 to 32 bytes"),
        (crypto(cipherparams={"iv": "00"}), "cipherparams.iv: is not 16 bytes"),
        (crypto(cipherparams=[]), "cipherparams: is no object"),
        (without("crypto", "mac"), "mac: is missing"),
        (without("crypto", "kdfparams", "salt"), "kdfparams.salt: is missing"),
        (kdfparams(salt="xyz"), "kdfparams.salt: is not"),
        (kdfparams(dklen=16), "kdfparams.dklen: is no whole number from 32"),
        (kdfparams(n=1 << 30), "ask for .* MiB of memory"),
        (kdfparams(n=1 << 22, r=1, p=1 << 10), "times the work of a usual keystore"),
        (kdfparams(r=1 << 39), "ask for .* MiB of memory"),
        (kdfparams(n=3), "is no power of two"),
        (kdfparams(n=-1), "n: is no whole number"),
        (kdfparams(n=1e400), "n: is no whole number"),
        (kdfparams(p=None), "p: is missing"),
        (lambda content: content.update(address="0x12"), "address: '0x12' is no address"),
        (lambda content: content.update(address=ADDRESS[2:].swapcase()), "wrong checksum"),
        (lambda content: content.update(address="0" * 40), f"opens to the key of {ADDRESS}"),
        (lambda content: content.update(Crypto={}), "crypto is there twice"),
    ],
)
def test_what_is_no_keystore_of_ours_is_refused_by_its_name(
    change: Change, message: str, tmp_path: Path
) -> None:
    content = keystore()
    change(content)
    with pytest.raises(InputError, match=message) as refused:
        opened(write(tmp_path, content))
    assert str(refused.value).startswith(f"{tmp_path / 'key.json'}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("prf", ["hmac-md5", "hmac-sha512", "sha256"])
def test_only_the_standards_function_makes_a_key_of_a_password(prf: str, tmp_path: Path) -> None:
    content = keystore(kdf="pbkdf2")
    content["crypto"]["kdfparams"]["prf"] = prf
    with pytest.raises(InputError, match=f"prf: '{prf}' is not opened"):
        opened(write(tmp_path, content))
    content["crypto"]["kdfparams"] |= {"prf": "hmac-sha256", "c": 10**12}
    with pytest.raises(InputError, match="c: is no whole number from 1 to 10000000"):
        opened(write(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it is not JSON"),
        ("[]", "it is not JSON"),
        ("[" * 20_000, "it is not JSON"),
        (" " * 70_000, "longer than 65536 bytes"),
        ({"encseed": "00", "ethaddr": "00"}, "presale"),
        ({"encrypted": False, "privKey": KEY.hex()}, "a key that is not encrypted"),
        (KEY.hex(), "no version|not JSON"),
    ],
)
def test_another_file_is_named_and_nothing_of_it_is_shown(content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as refused:
        read_keystore(write(tmp_path, content))
    assert KEY.hex() not in str(refused.value)


def test_another_password_is_said_and_neither_password_nor_key_is(tmp_path: Path) -> None:
    path = write(tmp_path, keystore())
    with pytest.raises(InputError, match="this password does not open it") as refused:
        opened(path, "falsch")
    assert "falsch" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "written",
    [b"geheim", b"geheim\n", b"geheim\r\n", b"\xef\xbb\xbfgeheim\r\n", "geheim\n".encode("utf-16")],
)
def test_a_password_files_marks_and_ends_are_not_of_the_password(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "password.txt").write_bytes(written)
    assert read_password(tmp_path / "password.txt") == PASSWORD


def test_a_password_file_of_several_lines_is_refused_without_showing_them(tmp_path: Path) -> None:
    (tmp_path / "password.txt").write_bytes(b"geheim\nother\n")
    with pytest.raises(InputError, match="several lines") as refused:
        read_password(tmp_path / "password.txt")
    assert "geheim" not in str(refused.value)


def test_a_file_that_others_may_read_is_known(tmp_path: Path) -> None:
    path = write(tmp_path, keystore())
    for mode, told in ((0o600, False), (0o400, False), (0o640, True), (0o604, True)):
        path.chmod(mode)
        assert readable_by_others(path) == told
