"""What peers may answer: only a committee member's own signature counts, and nothing else costs anything."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from eth_typing import ChecksumAddress

from peerwatt.chain import demo_account, demo_private_key
from peerwatt.errors import InputError
from peerwatt.messages import (
    NO_LIMITS,
    ROSTER_PAGE,
    ZERO_HASH,
    Domain,
    EnvelopeLimits,
    NetworkReport,
    OperatingEnvelope,
    Verdict,
)
from peerwatt.messages.signature import CURVE_ORDER
from peerwatt.oracle.envelope_record import encoded_envelope
from peerwatt.oracle.forecast_notice import ForecastNotice
from peerwatt.oracle.peers import MAX_ANSWER_BYTES, PULL_SECONDS, Enough, PeerList, Peers
from peerwatt.oracle.report_bytes import REPORT_BYTES, as_hex, encoded
from peerwatt.oracle.seat import Habits, Seat
from peerwatt.oracle.votes import Vote
from tests.client.conftest import FIRST, open_small_market

DOMAIN = Domain(31337, "0x" + "11" * 20)
CLEARING = b"\x07" * 32
HASH = b"\x08" * 32
REPORT = NetworkReport(7, Verdict.ACCEPT, 100, 0, HASH, HASH, CLEARING, ZERO_HASH)
COMMITTEE = [demo_account(1, "committee", index).address for index in range(4)]

Answer = Callable[[BaseHTTPRequestHandler, threading.Event], None]


@contextmanager
def peer(answer: Answer) -> Iterator[str]:
    """A peer that answers every request in its own way."""
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                answer(self, stopped)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _saying(body: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler, stopped: threading.Event) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def _answer(report: bytes, signature: bytes) -> bytes:
    return json.dumps({"report": as_hex(report), "signature": as_hex(signature)}).encode()


def _signed(index: int, report: NetworkReport = REPORT, role: str = "committee") -> bytes:
    signature = report.sign(DOMAIN, demo_private_key(1, role, index))
    return _answer(encoded(report), signature)


def _malleated(index: int) -> bytes:
    """The same signature with the other s, which recovers to the same key."""
    signature = REPORT.sign(DOMAIN, demo_private_key(1, "committee", index))
    vs = int.from_bytes(signature[32:], "big")
    s, parity = vs & ((1 << 255) - 1), vs >> 255
    high = (CURVE_ORDER - s) | (parity ^ 1) << 255
    other = signature[:32] + (high % (1 << 256)).to_bytes(32, "big")
    return _answer(encoded(REPORT), other)


def _dripping(request: BaseHTTPRequestHandler, stopped: threading.Event) -> None:
    """A byte now and then, for ever: no single read ever times out."""
    request.send_response(200)
    request.end_headers()
    while not stopped.wait(0.1):
        request.wfile.write(b" ")
        request.wfile.flush()


def _endless(request: BaseHTTPRequestHandler, stopped: threading.Event) -> None:
    request.send_response(200)
    request.end_headers()
    while not stopped.is_set():
        request.wfile.write(b" " * 65536)


@contextmanager
def _peers(folder: Path, *answers: Answer) -> Iterator[Peers]:
    with ExitStack() as stack:
        file = folder / "peers.txt"
        file.write_text("".join(f"{stack.enter_context(peer(answer))}\n" for answer in answers))
        yield Peers(PeerList(file))


def _collect(folder: Path, *answers: Answer, enough: int = 5) -> dict[int, Vote]:
    with _peers(folder, *answers) as peers:
        votes = peers.collect(CLEARING, DOMAIN, COMMITTEE, lambda votes: len(votes) >= enough)
    return _each_once(votes)


def _each_once(votes: list[Vote]) -> dict[int, Vote]:
    """Votes by member, of each of whom there is one."""
    found = {vote.member: vote for vote in votes}
    assert len(found) == len(votes)
    return found


NONSENSE = {
    "stranger": _saying(_signed(0, role="stranger")),
    "not found": _saying(b'{"detail": "nothing"}', status=404),
    "right body, wrong status": _saying(_signed(1), status=500),
    "redirect": _saying(b"", status=302, location="http://127.0.0.1:1/"),
    "no JSON": _saying(b"<html>"),
    "a list": _saying(b"[1, 2]"),
    "numbers": _saying(b'{"report": 1, "signature": 2}'),
    "deep": _saying(b"[" * 1900),
    "short": _saying(b'{"report": "0x00", "signature": "0x00"}'),
    "zeros": _saying(
        json.dumps({"report": as_hex(bytes(REPORT_BYTES)), "signature": as_hex(bytes(64))}).encode()
    ),
    "no verdict": _saying(json.dumps({"report": as_hex(b"\xff" * REPORT_BYTES), "signature": "0x"}).encode()),
    "malleated": _saying(_malleated(1)),
    "too long": _saying(_signed(1) + b" " * MAX_ANSWER_BYTES),
    "endless": _endless,
    "dripping": _dripping,
}


def test_only_signatures_of_members_count_among_all_kinds_of_nonsense(tmp_path: Path) -> None:
    votes = _collect(tmp_path, *NONSENSE.values(), _saying(_signed(3)))
    assert set(votes) == {3}
    assert votes[3].digest == REPORT.digest(DOMAIN)


def test_a_replayed_signature_is_still_one_vote(tmp_path: Path) -> None:
    votes = _collect(tmp_path, *[_saying(_signed(2))] * 3)
    assert set(votes) == {2}


def test_a_members_signature_on_another_clearing_does_not_take_the_place_of_its_vote(tmp_path: Path) -> None:
    copied = _signed(2, replace(REPORT, clearing_hash=b"\x09" * 32))
    answered = threading.Event()

    def late(request: BaseHTTPRequestHandler, stopped: threading.Event) -> None:
        answered.wait()
        _saying(_signed(2))(request, stopped)

    def early(request: BaseHTTPRequestHandler, stopped: threading.Event) -> None:
        _saying(copied)(request, stopped)
        answered.set()

    votes = _collect(tmp_path, early, late, enough=1)
    assert votes[2].digest == REPORT.digest(DOMAIN)


def test_a_members_other_report_on_the_clearing_is_its_vote(tmp_path: Path) -> None:
    other = replace(REPORT, inputs_hash=b"\x0a" * 32)
    votes = _collect(tmp_path, _saying(_signed(1, other)), _saying(_signed(0)))
    assert (votes[0].digest, votes[1].digest) == (REPORT.digest(DOMAIN), other.digest(DOMAIN))


def test_nobody_is_waited_for_once_there_are_enough(tmp_path: Path) -> None:
    waiting = threading.Event()

    def silent(request: BaseHTTPRequestHandler, stopped: threading.Event) -> None:
        waiting.set()
        stopped.wait()

    votes = _collect(tmp_path, silent, *[_saying(_signed(index)) for index in (0, 1)], enough=2)
    assert set(votes) == {0, 1}


def test_a_peer_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    with peer(_saying(b"")) as url:
        gone = url
    file = tmp_path / "peers.txt"
    file.write_text(f"{gone}\n")
    assert Peers(PeerList(file)).collect(CLEARING, DOMAIN, COMMITTEE, lambda votes: False) == []


@pytest.fixture
def unresolved(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Name servers that say nothing of `nowhere-….example` until the test is over.

    Yields:
        Those names as often as they were looked up.
    """
    look_up, told, asked = socket.getaddrinfo, threading.Event(), []
    # Whoever waits for them all the same is to fail, not to hang.
    at_last = threading.Timer(20 * PULL_SECONDS, told.set)
    at_last.start()

    def look_up_or_wait(host: bytes, *others: Any) -> Any:
        if host.startswith(b"nowhere-"):
            asked.append(host.decode())
            told.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "no name server answers")
        return look_up(host, *others)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_or_wait)
    yield asked
    assert not told.is_set(), "the names were waited for"
    at_last.cancel()
    told.set()


NAMES = 40
"""More than an event loop's own pool has threads for."""


def test_names_that_do_not_resolve_are_not_waited_for_and_keep_nobody_from_being_heard(
    tmp_path: Path, unresolved: list[str]
) -> None:
    file, names = tmp_path / "peers.txt", [f"nowhere-{index}.example" for index in range(NAMES)]
    with peer(_saying(_signed(0))) as named, peer(_saying(_signed(1))) as addressed:
        urls = [f"http://{name}:8110" for name in names]
        urls += [named.replace("127.0.0.1", "localhost"), addressed]
        file.write_text("\n".join(urls))
        peers = Peers(PeerList(file))
        assert set(_each_once(peers.collect(CLEARING, DOMAIN, COMMITTEE, lambda votes: False))) == {0, 1}
        for _ in range(3):
            assert peers.collect(CLEARING, DOMAIN, COMMITTEE, lambda votes: len(votes) == 2)
    # Round after round each is looked up once at a time.
    assert sorted(unresolved) == sorted(names)


def test_the_list_of_peers_names_the_line_that_is_no_address(tmp_path: Path) -> None:
    file = tmp_path / "peers.txt"
    file.write_text("# the others\nhttp://10.0.0.2:8110/   # Ada\n\nhttps://oracle.example\n")
    assert PeerList(file).urls() == ["http://10.0.0.2:8110", "https://oracle.example"]
    file.write_text("http://10.0.0.2:8110\n10.0.0.3\n")
    with pytest.raises(InputError, match=r"peers\.txt:2: '10\.0\.0\.3' is no address"):
        PeerList(file).urls()
    file.write_text("http://xn--a:8110\n")
    with pytest.raises(InputError, match=r"peers\.txt:1: 'http://xn--a:8110' is no address"):
        PeerList(file).urls()
    with pytest.raises(InputError, match="cannot be read"):
        PeerList(tmp_path / "missing.txt").urls()


def test_only_a_signature_under_the_envelope_that_was_asked_for_is_a_vote(tmp_path: Path) -> None:
    limits = (EnvelopeLimits(0xFFFF, 0xFFFF),) * ROSTER_PAGE
    asked = OperatingEnvelope(7, 1, HASH, HASH, limits)

    def saying(index: int, envelope: OperatingEnvelope, role: str = "committee") -> Answer:
        signature = envelope.sign(DOMAIN, demo_private_key(1, role, index))
        body = {"envelope": as_hex(encoded_envelope(envelope)), "signature": as_hex(signature)}
        return _saying(json.dumps(body).encode())

    answers = [
        saying(0, asked),
        saying(1, replace(asked, limits=(NO_LIMITS,))),
        saying(2, replace(asked, interval=8)),
        saying(2, replace(asked, page=0)),
        saying(3, asked, "stranger"),
        _saying(b'{"envelope": "0x00", "signature": "0x00"}'),
        _saying(_signed(3)),
    ]
    with _peers(tmp_path, *answers) as peers:
        votes = _each_once(peers.collect_envelope(7, 1, DOMAIN, COMMITTEE, lambda votes: False))
    assert sorted(votes) == [0, 1]
    assert votes[0].digest == asked.digest(DOMAIN) != votes[1].digest


def _showing(index: int, notice: ForecastNotice, shown: bytes = HASH, domain: Domain = DOMAIN) -> Answer:
    signature = notice.sign(domain, demo_private_key(1, "committee", index))
    return _saying(json.dumps({"forecast_hash": as_hex(shown), "signature": as_hex(signature)}).encode())


def test_a_notice_counts_for_the_interval_that_was_asked_for_and_its_own_signer(tmp_path: Path) -> None:
    same, other = ForecastNotice(7, HASH), ForecastNotice(7, CLEARING)
    answers = [
        _showing(0, same),
        _showing(1, other, CLEARING),
        _showing(2, other),
        _showing(3, ForecastNotice(8, HASH)),
        _saying(b'{"forecast_hash": "0x00", "signature": "0x00"}'),
    ]
    with _peers(tmp_path, *answers) as peers:
        votes = _each_once(peers.collect_notices(7, DOMAIN, COMMITTEE, lambda votes: False))
    assert {member: vote.digest for member, vote in votes.items()} == {
        0: same.digest(DOMAIN),
        1: other.digest(DOMAIN),
    }


def test_a_notice_that_was_taken_back_does_not_stand_in_the_way_of_the_newer_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Member 3 shows what member 1 has taken back, and is heard first: 0, 1 and 2 agree all the same."""
    caplog.set_level("INFO", "peerwatt.oracle.seat")
    older, newer = ForecastNotice(FIRST, CLEARING), ForecastNotice(FIRST, HASH)
    with open_small_market() as market:
        domain, key, older_was_heard = (
            market.client.domain,
            market.keys.committee_member(0),
            threading.Event(),
        )
        seat, digest = Seat(market.client, key, Habits()), newer.digest(domain)

        def then(index: int) -> Answer:
            def answer(request: BaseHTTPRequestHandler, stopped: threading.Event) -> None:
                older_was_heard.wait(PULL_SECONDS)
                _showing(index, newer, HASH, domain)(request, stopped)

            return answer

        def collect(members: list[ChecksumAddress], enough: Enough) -> list[Vote]:
            def heard(votes: Sequence[Vote]) -> bool:
                older_was_heard.set()
                return enough(votes)

            return peers.collect_notices(FIRST, domain, members, heard)

        with _peers(tmp_path, _showing(1, older, CLEARING, domain), then(1), then(2)) as peers:
            found = seat.quorum(FIRST, "forecast", digest, seat.sign(digest), collect)
    assert found is not None
    assert found[0] == 0b111
    assert caplog.messages == []
