"""An address whose checksum is wrong is refused at every door, in one line that says where it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from peerwatt.addresses import checked_address
from peerwatt.chain import Deployment, load_artifact
from peerwatt.client import MarketRoles
from peerwatt.client.market import Registration
from peerwatt.errors import InputError
from peerwatt.market.participant_registry import Participant
from peerwatt.messages import Domain

RIGHT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
WRONG = "0x5FbDB2315678afecb367f032d93F642f64180aA3"
KEY = "0x" + "11" * 32


@pytest.mark.parametrize(
    "written",
    [
        RIGHT,
        RIGHT.lower(),
        RIGHT.upper(),
        "0x" + RIGHT[2:].upper(),
        RIGHT[2:],
        f" {RIGHT}\n",
        bytes.fromhex(RIGHT[2:]),
    ],
)
def test_an_address_is_taken_in_its_checksum_in_one_case_and_as_bytes(written: str | bytes) -> None:
    assert checked_address(written, "here") == RIGHT


@pytest.mark.parametrize(
    "written",
    [
        WRONG,
        RIGHT[:-1] + "4",
        RIGHT.replace("FbDB", "fBdb"),
        RIGHT[:-1],
        RIGHT + "0",
        RIGHT.replace("0x", "0x0x"),
        RIGHT.replace("5", "٥", 1),
        "0x" + "g" * 40,
        "",
        "treasury.eth",
        None,
        7,
        int(RIGHT, 16),
        bytes(19),
        KEY,
        [RIGHT],
    ],
)
def test_anything_else_is_refused_in_one_line_with_its_place(written: object) -> None:
    with pytest.raises(InputError, match=r"^market: ") as refused:
        checked_address(written, "market")
    assert "\n" not in str(refused.value)
    assert KEY[2:] not in str(refused.value)


def load_wrong_deployment(folder: Path) -> None:
    path = folder / "deployment.json"
    Deployment(31337, 1, {"EnergyMarket": WRONG}).save(path)  # type: ignore[dict-item]
    Deployment.load(path)


def roles_with(wrong: str) -> MarketRoles:
    return MarketRoles(*[RIGHT] * 6, wrong)  # type: ignore[arg-type]


def register_call(wallet: str) -> bytes:
    register = load_artifact("ParticipantRegistry").interface.methods["register"]
    return register.encode([[(wallet, RIGHT, RIGHT, 1, 100, 100)]])


@pytest.mark.parametrize(
    ("door", "place"),
    [
        (lambda folder: Domain(1, WRONG), r"Domain\.market"),
        (load_wrong_deployment, r"deployment\.json: addresses\.EnergyMarket"),
        (lambda folder: roles_with(WRONG), r"MarketRoles\.community"),
        (lambda folder: Registration(WRONG, Participant(RIGHT, RIGHT, 1, 1), 1), r"Registration\.wallet"),  # type: ignore[arg-type]
        (lambda folder: Participant(WRONG, RIGHT, 1, 1), r"Participant\.order_key"),
        (lambda folder: Participant(RIGHT, WRONG, 1, 1), r"Participant\.meter_key"),
        (lambda folder: register_call(WRONG), r"register\(\)"),
    ],
)
def test_a_wrong_checksum_is_refused_at_every_door(
    door: Callable[[Path], object], place: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=rf"^(.*/)?{place}: '{WRONG}' has a wrong checksum \(EIP-55\)"):
        door(tmp_path)


def test_a_call_whose_arguments_do_not_fit_is_refused_by_its_function() -> None:
    assert register_call(RIGHT) == register_call(RIGHT.lower())
    register = load_artifact("ParticipantRegistry").interface.methods["register"]
    for arguments in ([[(RIGHT, RIGHT, RIGHT, -1, 100, 100)]], [[(RIGHT, RIGHT)]], [], [7]):
        with pytest.raises(InputError, match=r"^register\(\): "):
            register.encode(arguments)
