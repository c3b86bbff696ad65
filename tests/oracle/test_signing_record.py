"""A member signs one report per clearing, whatever happens to it, and shows nothing that is not on disk."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.chain import demo_account, demo_private_key
from peerwatt.errors import InputError
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.messages import Domain
from peerwatt.messages.signature import sign_digest
from peerwatt.oracle.judgement import Judgement
from peerwatt.oracle.report_inputs import PostedInterval, ReportInputs
from peerwatt.oracle.signing_record import AnotherReport, SigningRecord
from peerwatt.oracle.state import Identity, open_state, read_state
from peerwatt.scenario.forecasts import ScenarioForecasts
from peerwatt.scenario.loading import load_scenario

DOMAIN = Domain(31337, "0x" + "11" * 20)
IDENTITY = Identity(demo_account(1, "committee", 0).address, DOMAIN.chain_id, DOMAIN.market)
KEY = demo_private_key(1, "committee", 0)

KILLED_WHILE_SIGNING = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.oracle.test_signing_record import DOMAIN, IDENTITY, inputs_and_judgement, sign
from peerwatt.oracle.signing_record import SigningRecord
from peerwatt.oracle.state import open_state

inputs, judgement = inputs_and_judgement()
record = SigningRecord(open_state(Path(sys.argv[1]), IDENTITY))
for number in range(1, 100_000):
    report = replace(judgement.report, clearing_hash=number.to_bytes(32, "big"))
    signed = record.sign_once(inputs, replace(judgement, report=report), DOMAIN, sign)
    print(signed.digest.hex(), flush=True)
"""


def inputs_and_judgement() -> tuple[ReportInputs, Judgement]:
    """An interval in which nothing was traded, and what follows from it."""
    scenario = load_scenario("brooklyn-10")
    source = ScenarioForecasts(scenario, scenario.seed)
    posted = PostedInterval(source.first, 900, 0, ())
    inputs = ReportInputs(DOMAIN, posted, source.forecast(source.first))
    return inputs, inputs.judge(PowerFlow(scenario.feeder))


def sign(digest: bytes) -> bytes:
    """With the demonstration key."""
    return sign_digest(digest, KEY)


@pytest.fixture(scope="module")
def judged() -> tuple[ReportInputs, Judgement]:
    return inputs_and_judgement()


def _another(judgement: Judgement) -> Judgement:
    return replace(judgement, report=replace(judgement.report, inputs_hash=b"\x01" * 32))


def test_a_second_report_on_a_clearing_is_refused_and_the_first_stays(
    judged: tuple[ReportInputs, Judgement], tmp_path: Path
) -> None:
    inputs, judgement = judged
    path = tmp_path / "member.sqlite"
    with closing(open_state(path, IDENTITY)) as database:
        first = SigningRecord(database).sign_once(inputs, judgement, DOMAIN, sign)
        # Another process on the same file is no way around it.
        with closing(open_state(path, IDENTITY)) as other:
            with pytest.raises(AnotherReport, match="the member stands by what it signed"):
                SigningRecord(other).sign_once(inputs, _another(judgement), DOMAIN, sign)
            assert SigningRecord(other).sign_once(inputs, judgement, DOMAIN, sign) == first
    with closing(read_state(path)) as database:
        assert SigningRecord(database).find(judgement.report.clearing_hash) == first
        assert SigningRecord(database).count() == 1


def test_what_is_read_back_is_what_was_signed(judged: tuple[ReportInputs, Judgement], tmp_path: Path) -> None:
    inputs, judgement = judged
    with closing(open_state(tmp_path / "member.sqlite", IDENTITY)) as database:
        SigningRecord(database).sign_once(inputs, judgement, DOMAIN, sign)
        found = SigningRecord(database).find(judgement.report.clearing_hash)
    assert found is not None
    assert (found.report, found.decisions) == (judgement.report, judgement.decisions)
    assert found.signature == judgement.report.sign(DOMAIN, KEY)
    assert ReportInputs.from_json(found.inputs, "stored") == inputs


def test_every_signature_that_was_shown_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "member.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_WHILE_SIGNING, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout is not None
        shown = [process.stdout.readline().strip() for _ in range(30)]
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    with closing(read_state(path)) as database:
        found = [SigningRecord(database).find(number.to_bytes(32, "big")) for number in range(1, 31)]
    assert [signed.digest.hex() for signed in found if signed is not None] == shown


def test_a_state_is_one_members_and_one_markets(tmp_path: Path) -> None:
    path = tmp_path / "member.sqlite"
    open_state(path, IDENTITY).close()
    for other in (
        replace(IDENTITY, member=demo_account(1, "committee", 1).address),
        replace(IDENTITY, market="0x" + "22" * 20),
        replace(IDENTITY, chain_id=1),
    ):
        with pytest.raises(InputError, match=r"member\.sqlite: is the state of member 0x.*: name another"):
            open_state(path, other)


def test_what_is_no_state_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database\n" * 100)
    with pytest.raises(InputError, match=r"notes\.txt: cannot be used as a member's state"):
        open_state(path, IDENTITY)
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE orders (interval INTEGER)")
    with pytest.raises(InputError, match=r"other\.sqlite: cannot be used.*another program's database"):
        open_state(other, IDENTITY)
    with pytest.raises(InputError, match=r"missing\.sqlite: no state of a committee member"):
        read_state(tmp_path / "missing.sqlite")
