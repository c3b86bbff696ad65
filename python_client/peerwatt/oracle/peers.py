"""The other members' signatures, pulled over HTTP: nothing a peer says counts but one that verifies."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
from eth_typing import ChecksumAddress

from peerwatt.errors import InputError, PeerwattError
from peerwatt.messages import Domain, NetworkReport, OperatingEnvelope
from peerwatt.messages.domain import TypedMessage
from peerwatt.oracle.envelope_record import decoded_envelope
from peerwatt.oracle.forecast_notice import ForecastNotice
from peerwatt.oracle.name_resolution import Resolver
from peerwatt.oracle.report_bytes import as_hex, decoded, from_hex
from peerwatt.oracle.votes import Enough, Vote, checked_vote

PULL_SECONDS: Final = 2.0
"""A peer's whole answer must be here by then; one that drips bytes is as good as silent, and so is one whose
name does not resolve."""
MAX_ANSWER_BYTES: Final = 2048
"""Of a signature with its report, which takes some 700, or with a full page's envelope: some 1,200."""
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


class Peers:
    """The other members over HTTP, as far as they answer.

    Attributes:
        addresses: where they are.
    """

    def __init__(self, addresses: PeerList) -> None:
        self.addresses = addresses
        # Loading the certificates takes longer than everything else here.
        self._tls = ssl.create_default_context()
        self._resolver = Resolver()

    def collect(
        self,
        clearing_hash: bytes,
        domain: Domain,
        committee: Sequence[ChecksumAddress],
        enough: Enough,
    ) -> list[Vote]:
        """Ask all peers at once for their signature on a clearing.

        Args:
            clearing_hash: which clearing.
            domain: of the market.
            committee: the keys at the gate; only their signatures count.
            enough: whether the votes so far suffice; then nobody else is waited for.

        Returns:
            The votes; of a member one under each message.

        Raises:
            InputError: the list of peers cannot be used.
        """

        def report(said: Any) -> NetworkReport | None:
            found = decoded(from_hex(said["report"]))
            return found if found.clearing_hash == clearing_hash else None

        return self._pull(f"clearings/{as_hex(clearing_hash)}/signature", report, domain, committee, enough)

    def collect_envelope(
        self,
        interval: int,
        page: int,
        domain: Domain,
        committee: Sequence[ChecksumAddress],
        enough: Enough,
    ) -> list[Vote]:
        """Ask all peers at once for their signature on a page's envelope.

        Args:
            interval: of the envelope.
            page: of the registry.
            domain: of the contract that takes it.
            committee: as for `collect`.
            enough: as for `collect`.

        Returns:
            The votes; of a member one under each message.

        Raises:
            InputError: the list of peers cannot be used.
        """

        def envelope(said: Any) -> OperatingEnvelope | None:
            found = decoded_envelope(from_hex(said["envelope"]))
            return found if (found.interval, found.page) == (interval, page) else None

        return self._pull(f"envelopes/{interval}/{page}/signature", envelope, domain, committee, enough)

    def collect_notices(
        self,
        interval: int,
        domain: Domain,
        committee: Sequence[ChecksumAddress],
        enough: Enough,
    ) -> list[Vote]:
        """Ask all peers at once which forecast of an interval they have.

        Args:
            interval: of the forecast.
            domain: of the market.
            committee: as for `collect`.
            enough: as for `collect`.

        Returns:
            The votes; of a member one under each message.

        Raises:
            InputError: the list of peers cannot be used.
        """

        def notice(said: Any) -> ForecastNotice:
            return ForecastNotice(interval, from_hex(said["forecast_hash"]))

        return self._pull(f"forecasts/{interval}", notice, domain, committee, enough)

    def _pull(
        self,
        page: str,
        asked: Callable[[Any], TypedMessage | None],
        domain: Domain,
        committee: Sequence[ChecksumAddress],
        enough: Enough,
    ) -> list[Vote]:
        """The votes on what was `asked` for, from everybody's page of that name."""

        def vote(body: bytes) -> Vote | None:
            return _vote(body, asked, domain, committee)

        with asyncio.Runner(loop_factory=self._resolver.loop) as runner:
            return runner.run(self._collect(page, vote, enough))

    async def _collect(
        self,
        page: str,
        read: Callable[[bytes], Vote | None],
        enough: Enough,
    ) -> list[Vote]:
        votes: dict[tuple[int, bytes], Vote] = {}
        # Peers are named by their operator: no proxy of the environment and no redirect has a say in it.
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=PULL_SECONDS) as client:
            asked = [asyncio.create_task(_ask(client, f"{url}/{page}")) for url in self.addresses.urls()]
            try:
                for answer in asyncio.as_completed(asked):
                    vote = read(await answer)
                    if vote is not None:
                        # A page may hold what a member has taken back: that does not stand in its vote's way.
                        votes.setdefault((vote.member, vote.digest), vote)
                        if enough(list(votes.values())):
                            break
            finally:
                for task in asked:
                    task.cancel()
                await asyncio.gather(*asked, return_exceptions=True)
        return list(votes.values())


async def _ask(client: httpx.AsyncClient, url: str) -> bytes:
    """One peer's answer; empty when it is not there in time."""
    try:
        async with asyncio.timeout(PULL_SECONDS):
            return await _answer(client, url)
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
        return b""


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


def _vote(
    body: bytes,
    asked: Callable[[Any], TypedMessage | None],
    domain: Domain,
    committee: Sequence[ChecksumAddress],
) -> Vote | None:
    """The vote that an answer holds, if it is one on what was asked by a member of the committee.

    The message comes with its signature: a member's signature on something else, which anybody can copy from
    its pages, would otherwise stand in the place of its vote.

    Args:
        asked: the message that an answer holds; None where it is about something else.
    """
    try:
        said: Any = json.loads(body)
        message, signature = asked(said), from_hex(said["signature"])
    except (PeerwattError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return None if message is None else checked_vote(message, signature, domain, committee)


def _is_address(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
        return parsed.scheme in ("http", "https") and bool(parsed.host)
    except (httpx.InvalidURL, UnicodeError):
        return False
