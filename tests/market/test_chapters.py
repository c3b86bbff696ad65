"""Twin and contracts are told in chapters of the same names: a reader of one finds the other."""

import re
from pathlib import Path

import peerwatt

CONTRACTS = Path(__file__).parents[2] / "contracts"
PACKAGE = Path(peerwatt.__file__).parent

CHAIN_ALONE = {
    "account_lib": "how four accounts lie in a word; the twin's ledger holds plain integers",
    "energy_token": "an ERC-20; what of the credit became tokens is `taken_out` in the twin's ledger",
    "grid_gate": "who sits in a committee and whether a quorum signed; the twin takes a report as signed",
    "recovery": "ecrecover; in Python the signature's own room, messages/signature.py, recovers signers",
    "roles": "who may send a transaction, which the twin does not know",
}
TWIN_ALONE = {
    "accepted": "what of one order is accepted: the first half of Settlement.sol, one walk for gas",
    "clear_book": "a call auction on a list, for checking a book by hand; nothing of it is on chain",
    "errors": "the errors that the contracts' interfaces declare",
    "merit_order": "one side of a book as a sorted list; Auction.sol walks packed words instead",
    "pricing": "the enum of IParticipantRegistry.sol and the two formulas of Auction.sol",
}
RENAMED = {"clock": "market_rules"}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def contract_chapters() -> set[str]:
    files = [*CONTRACTS.glob("*.sol"), *(CONTRACTS / "libraries").glob("*.sol")]
    return {RENAMED.get(snake(path.stem), snake(path.stem)) for path in files}


def modules(room: str) -> set[str]:
    return {path.stem for path in (PACKAGE / room).glob("*.py")} - {"__init__"}


def test_every_chapter_of_the_contracts_has_a_twin_or_a_reason_for_none() -> None:
    """Packed words are `messages`, what happens to them is `market`."""
    told = modules("market") | modules("messages")
    assert contract_chapters() - told - CHAIN_ALONE.keys() == set()
    assert CHAIN_ALONE.keys() & told == set()


def test_every_chapter_of_the_twin_is_one_of_the_contracts_or_has_a_reason() -> None:
    assert modules("market") - contract_chapters() == TWIN_ALONE.keys()
