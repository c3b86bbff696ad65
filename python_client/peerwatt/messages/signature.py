"""64-byte compact signatures over secp256k1 (EIP-2098), low s only (EIP-2).

The compact form is ``r || vs``: the parity of the nonce point sits in the top bit of s, which low s frees.
"""

from typing import Final

from eth_keys.datatypes import PrivateKey, Signature
from eth_keys.exceptions import BadSignature
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.exceptions import ValidationError

from peerwatt.messages.errors import SignatureError

SIGNATURE_LENGTH: Final = 64
"""Bytes of a compact signature."""

CURVE_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""Order n of the secp256k1 group (SEC 2, section 2.4.1)."""

MAX_S: Final = CURVE_ORDER // 2
"""Largest s that is not malleable (EIP-2)."""

_PARITY_BIT: Final = 1 << 255


def sign_digest(digest: bytes, private_key: bytes) -> bytes:
    """Sign a 32-byte digest, deterministically (RFC 6979).

    Args:
        digest: The 32 bytes to sign.
        private_key: The 32-byte secret key.

    Returns:
        The 64-byte compact signature ``r || vs``.

    Raises:
        SignatureError: The key is not a secp256k1 secret key.
    """
    try:
        signature = PrivateKey(bytes(private_key)).sign_msg_hash(digest)
    except (ValueError, ValidationError) as error:
        raise SignatureError(
            "The private key is not a secp256k1 key: give 32 bytes below the group order."
        ) from error
    r, s, parity = int(signature.r), int(signature.s), int(signature.v)
    if s > MAX_S:
        s, parity = CURVE_ORDER - s, parity ^ 1
    return r.to_bytes(32, "big") + (parity << 255 | s).to_bytes(32, "big")


def recover_signer(digest: bytes, signature: bytes) -> ChecksumAddress:
    """Recover the address whose key signed a digest.

    Args:
        digest: The 32 bytes that were signed.
        signature: The 64-byte compact signature.

    Returns:
        The signer's checksummed address. Any well-formed signature recovers to *some* address: compare it.

    Raises:
        SignatureError: Wrong length, r or s out of range, high s, or no public key fits.
    """
    r, s, parity = split_signature(signature)
    try:
        public_key = Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(digest)
    except BadSignature as error:
        raise SignatureError("The signature recovers to no public key: sign the message again.") from error
    return to_checksum_address(public_key.to_canonical_address())


def split_signature(signature: bytes) -> tuple[int, int, int]:
    """Take a compact signature apart.

    Returns:
        ``(r, s, parity)`` with parity 0 or 1.

    Raises:
        SignatureError: Wrong length, r or s out of range, or high s.
    """
    if len(signature) != SIGNATURE_LENGTH:
        raise SignatureError(
            f"The signature has {len(signature)} bytes: "
            f"give the {SIGNATURE_LENGTH}-byte compact form (EIP-2098)."
        )
    r, vs = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    parity, s = vs >> 255, vs & (_PARITY_BIT - 1)
    if not 0 < r < CURVE_ORDER or s == 0:
        raise SignatureError("The signature's r or s is out of range: sign the message again.")
    if s > MAX_S:
        raise SignatureError(
            "The signature has a high s and is malleable: use n - s with the other parity (EIP-2)."
        )
    return r, s, parity


def address_of(private_key: bytes) -> ChecksumAddress:
    """The address that signatures of a private key recover to."""
    return to_checksum_address(PrivateKey(bytes(private_key)).public_key.to_canonical_address())
