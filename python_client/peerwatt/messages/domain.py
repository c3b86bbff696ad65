"""The EIP-712 domain of a market and what all signed messages have in common."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, ClassVar, Final

from eth_hash.auto import keccak
from eth_typing import ChecksumAddress
from eth_utils.address import to_canonical_address

from peerwatt.addresses import checked_address
from peerwatt.errors import InputError
from peerwatt.messages.errors import FieldError, require_uint
from peerwatt.messages.signature import recover_signer, sign_digest
from peerwatt.messages.signature_forms import compact_signature

NAME: Final = "Peerwatt"
VERSION: Final = "1"

MAX_SAFE_INTEGER: Final = (1 << 53) - 1
"""Largest integer that JavaScript's numbers keep, and so every reader of JSON (RFC 8259, section 6)."""

_DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


@dataclass(frozen=True)
class Domain:
    """What a signature is valid for: one contract on one chain.

    Attributes:
        chain_id: The chain's id.
        market: Address of the market contract; for an operating envelope, of the contract that takes it.
    """

    chain_id: int
    market: str

    def __post_init__(self) -> None:
        require_uint(self.chain_id, 256, "Domain.chain_id")
        try:
            object.__setattr__(self, "market", checked_address(self.market, "Domain.market"))
        except InputError as error:
            raise FieldError(str(error)) from None

    @cached_property
    def separator(self) -> bytes:
        """The 32-byte domain separator."""
        return keccak(
            keccak(_DOMAIN_TYPE.encode())
            + keccak(NAME.encode())
            + keccak(VERSION.encode())
            + word(self.chain_id)
            + to_canonical_address(self.market).rjust(32, b"\0")
        )

    def typed_data(self) -> dict[str, object]:
        """The domain as the ``domain`` entry of typed data."""
        return {
            "name": NAME,
            "version": VERSION,
            "chainId": self.chain_id,
            "verifyingContract": self.market,
        }


class TypedMessage:
    """A message that is signed as EIP-712 typed data.

    A message states its type once, as EIP-712's ``encodeType`` string, and its values under the names of that
    type; hash, typed data, signature and recovery follow.
    """

    __slots__ = ()

    TYPE: ClassVar[str]
    """The ``encodeType`` string: the primary type, then the types it refers to."""

    @abstractmethod
    def values(self) -> Mapping[str, Any]:
        """The message's fields under their EIP-712 names, in the order of the type."""

    def struct_hash(self) -> bytes:
        """EIP-712's ``hashStruct`` of the message, 32 bytes."""
        return hash_struct(self.TYPE, *self.values().values())

    def digest(self, domain: Domain) -> bytes:
        """The 32 bytes that are signed: ``keccak256(0x1901 || domain separator || struct hash)``."""
        return keccak(b"\x19\x01" + domain.separator + self.struct_hash())

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """The message as JSON that any EIP-712 wallet (``eth_signTypedData_v4``) can sign.

        Bytes are hexadecimal text with ``0x``. An integer above 2^53 - 1, the largest that every reader of
        JSON keeps, is decimal text. ``eth_account.messages.encode_typed_data(full_message=...)`` takes it
        too.
        """
        types = {"EIP712Domain": _members(_DOMAIN_TYPE), **_struct_types(self.TYPE)}
        return {
            "types": types,
            "primaryType": self.TYPE[: self.TYPE.index("(")],
            "domain": _as_json(domain.typed_data()),
            "message": _as_json(self.values()),
        }

    def sign(self, domain: Domain, private_key: bytes) -> bytes:
        """Sign the message.

        Args:
            domain: The market it is meant for.
            private_key: The 32-byte secret key.

        Returns:
            The 64-byte compact signature (EIP-2098, low s).
        """
        return sign_digest(self.digest(domain), private_key)

    def recover(self, domain: Domain, signature: Any) -> ChecksumAddress:
        """Recover the address that signed the message.

        Args:
            domain: The market it is meant for.
            signature: In any form that `compact_signature` takes.

        Raises:
            SignatureError: The signature is malformed or recovers to nobody, or is compact with a high s.
        """
        return recover_signer(self.digest(domain), compact_signature(signature))


def _as_json(value: Any) -> Any:
    """Values of typed data as JSON has them."""
    if isinstance(value, Mapping):
        return {name: _as_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value) if isinstance(value, int) and value > MAX_SAFE_INTEGER else value


def hash_struct(encode_type: str, *values: int | bytes) -> bytes:
    """EIP-712's ``hashStruct`` for members that are integers or 32-byte words.

    Args:
        encode_type: The ``encodeType`` string of the struct.
        *values: The members in the order of the type; arrays and nested structs as their 32-byte hash.
    """
    return keccak(_type_hash(encode_type) + b"".join(map(word, values)))


def word(value: int | bytes) -> bytes:
    """A value as a 32-byte ABI word; bytes must be a word already."""
    return value if isinstance(value, bytes) else int(value).to_bytes(32, "big")


@cache
def _type_hash(encode_type: str) -> bytes:
    return keccak(encode_type.encode())


def _members(struct_type: str) -> list[dict[str, str]]:
    """``Name(type a,type b)`` as the list of its members."""
    members = struct_type[struct_type.index("(") + 1 : -1].split(",")
    return [{"name": name, "type": kind} for kind, name in (member.split(" ") for member in members)]


def _struct_types(encode_type: str) -> dict[str, list[dict[str, str]]]:
    """Every struct of an ``encodeType`` string with its members."""
    structs = [struct + ")" for struct in encode_type.split(")") if struct]
    return {struct[: struct.index("(")]: _members(struct) for struct in structs}
