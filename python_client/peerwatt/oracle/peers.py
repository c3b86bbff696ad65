"""The other members' signatures, pulled over HTTP: nothing a peer says counts but one that verifies."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from eth_typing import ChecksumAddress

from peerwatt.errors import InputError
from peerwatt.messages import SIGNATURE_LENGTH, SignatureError
from peerwatt.messages.signature import recover_signer
from peerwatt.oracle.report_inputs import as_hex, from_hex

PULL_SECONDS: Final = 2.0
"""A peer's whole answer must be here by then; one that drips bytes is as good as silent."""
MAX_ANSWER_BYTES: Final = 1024
"""Of a signature with its digest, which takes some 300."""
MAX_PEERS: Final = 255
"""The gate's largest committee."""


class PeerList:
    """The peers' addresses: a text file with one per line, read every time, so that it can be changed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def urls(self) -> list[str]:
        """Addresses such as `http://10.0.0.2:8110`; `#` begins a comment.

        Raises:
            InputError: the file is missing, or a line is no address.
        """
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{self.path}: the list of peers cannot be read: {error}") from None
        urls = []
        for number, line in enumerate(lines, start=1):
            url = line.split("#", 1)[0].strip().rstrip("/")
            if url and not _is_address(url):
                raise InputError(
                    f"{self.path}:{number}: {url!r} is no address: give http://HOST:PORT, one per line"
                )
            if url:
                urls.append(url)
        if len(urls) > MAX_PEERS:
            raise InputError(f"{self.path}: {len(urls)} peers: a committee has at most {MAX_PEERS} members")
        return urls


@dataclass(frozen=True)
class Vote:
    """A committee member's signature under some report on a clearing."""

    member: int
    digest: bytes
    signature: bytes


class Peers:
    """The other members, as far as they answer.

    Attributes:
        addresses: where they are.
    """

    def __init__(self, addresses: PeerList) -> None:
        self.addresses = addresses
        # Loading the certificates takes longer than everything else here.
        self._tls = ssl.create_default_context()

    def collect(
        self,
        clearing_hash: bytes,
        committee: Sequence[ChecksumAddress],
        enough: Callable[[dict[int, Vote]], bool],
    ) -> dict[int, Vote]:
        """Ask all peers at once for their signature on a clearing.

        Args:
            clearing_hash: which clearing.
            committee: the keys at the gate; only their signatures count.
            enough: whether the votes so far suffice; then nobody else is waited for.

        Returns:
            The votes by member, one each.

        Raises:
            InputError: the list of peers cannot be used.
        """
        return asyncio.run(self._collect(clearing_hash, committee, enough))

    async def _collect(
        self,
        clearing_hash: bytes,
        committee: Sequence[ChecksumAddress],
        enough: Callable[[dict[int, Vote]], bool],
    ) -> dict[int, Vote]:
        votes: dict[int, Vote] = {}
        # Peers are named by their operator: no proxy of the environment and no redirect has a say in it.
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=PULL_SECONDS) as client:
            asked = [
                asyncio.create_task(
                    _ask(client, f"{url}/clearings/{as_hex(clearing_hash)}/signature", committee)
                )
                for url in self.addresses.urls()
            ]
            try:
                for answer in asyncio.as_completed(asked):
                    vote = await answer
                    if vote is not None:
                        votes.setdefault(vote.member, vote)
                        if enough(votes):
                            break
            finally:
                for task in asked:
                    task.cancel()
                await asyncio.gather(*asked, return_exceptions=True)
        return votes


async def _ask(client: httpx.AsyncClient, url: str, committee: Sequence[ChecksumAddress]) -> Vote | None:
    """One peer's vote; None when it does not answer in time, or not with a committee member's signature."""
    try:
        async with asyncio.timeout(PULL_SECONDS):
            return _vote(await _answer(client, url), committee)
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
        return None


async def _answer(client: httpx.AsyncClient, url: str) -> bytes:
    """The body of a 200 answer, as far as it is not too long; empty for any other."""
    body = b""
    async with client.stream("GET", url, headers={"accept-encoding": "identity"}) as response:
        if response.status_code != httpx.codes.OK:
            return b""
        async for part in response.aiter_raw():
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                return b""
    return body


def _vote(body: bytes, committee: Sequence[ChecksumAddress]) -> Vote | None:
    try:
        said: Any = json.loads(body)
        digest, signature = from_hex(said["digest"]), from_hex(said["signature"])
        if len(digest) != 32 or len(signature) != SIGNATURE_LENGTH:
            return None
        signer = recover_signer(digest, signature)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SignatureError):
        return None
    return Vote(committee.index(signer), digest, signature) if signer in committee else None


def _is_address(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host)
