"""A member signs one envelope per interval and page, on disk, whatever is derived later."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.chain import demo_account
from peerwatt.errors import PeerwattError
from peerwatt.messages import Domain, EnvelopeLimits, OperatingEnvelope
from peerwatt.oracle.envelope_record import EnvelopeRecord, decoded_envelope, encoded_envelope
from peerwatt.oracle.state import Identity, open_state, read_state

DOMAIN = Domain(31337, "0x" + "11" * 20)
IDENTITY = Identity(demo_account(1, "committee", 0).address, DOMAIN.chain_id, DOMAIN.market)
FIRST = OperatingEnvelope(7, 0, b"\x01" * 32, b"\x02" * 32, (EnvelopeLimits(100, 20),) * 3)


def _sign(digest: bytes) -> bytes:
    return digest * 2


def test_a_second_envelope_is_never_signed_and_the_first_is_what_is_shown(tmp_path: Path) -> None:
    path, other = tmp_path / "member.sqlite", replace(FIRST, limits=(EnvelopeLimits(1, 1),) * 3)
    pages = [FIRST, replace(FIRST, page=1)]
    with closing(open_state(path, IDENTITY)) as database:
        signed = EnvelopeRecord(database).sign_once(pages, DOMAIN, _sign)
        assert [own.envelope for own in signed] == pages
    with closing(open_state(path, IDENTITY)) as database:
        assert EnvelopeRecord(database).sign_once([other], DOMAIN, _sign) == signed
        [next_one] = EnvelopeRecord(database).sign_once([replace(other, interval=8)], DOMAIN, _sign)
        assert next_one.digest == replace(other, interval=8).digest(DOMAIN)
    with closing(read_state(path)) as database:
        assert EnvelopeRecord(database).of_interval(7) == signed
        assert EnvelopeRecord(database).of_interval(9) == []


def test_a_state_from_before_envelopes_gets_their_table(tmp_path: Path) -> None:
    path = tmp_path / "member.sqlite"
    open_state(path, IDENTITY).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE envelopes")
        database.commit()
    with closing(open_state(path, IDENTITY)) as database:
        assert len(EnvelopeRecord(database).sign_once([FIRST], DOMAIN, _sign)) == 1


def test_an_envelope_comes_out_of_its_bytes_and_nonsense_is_refused() -> None:
    packed = encoded_envelope(FIRST)
    assert decoded_envelope(packed) == FIRST
    for nonsense in (b"", packed[:-1], b"\xff" * 128):
        with pytest.raises(PeerwattError):
            decoded_envelope(nonsense)
