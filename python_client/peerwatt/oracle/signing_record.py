"""What a member signed: at most one report per clearing, on disk before it is shown to anyone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peerwatt.errors import PeerwattError
from peerwatt.messages import Domain, NetworkReport
from peerwatt.oracle.judgement import Judgement
from peerwatt.oracle.report_bytes import as_hex, decoded, encoded, from_hex
from peerwatt.oracle.report_inputs import ReportInputs


class AnotherReport(PeerwattError):
    """A second, different report on a clearing that the member has signed a report on."""


@dataclass(frozen=True)
class SignedReport:
    """A report under one member's signature.

    Attributes:
        report: the message.
        decisions: one packed vector per batch, or none.
        digest: 32 bytes, what was signed.
        signature: 64 bytes.
        inputs: the document that the report follows from.
    """

    report: NetworkReport
    decisions: tuple[bytes, ...]
    digest: bytes
    signature: bytes
    inputs: str

    @property
    def document(self) -> dict[str, Any]:
        """The report and its signature as JSON has it, without the inputs."""
        return {
            **report_document(self.report, self.decisions),
            "digest": as_hex(self.digest),
            "signature": as_hex(self.signature),
        }


class SigningRecord:
    """The reports that a member signed.

    Args:
        database: of `open_state`, or of `read_state` for reading alone.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def sign_once(
        self, inputs: ReportInputs, judgement: Judgement, domain: Domain, sign: Callable[[bytes], bytes]
    ) -> SignedReport:
        """Sign a report unless another one on the same clearing was signed; it is on disk when this returns.

        Args:
            inputs: what the judgement follows from.
            judgement: what to sign.
            domain: the market's.
            sign: from digest to signature.

        Raises:
            AnotherReport: there is a different report on that clearing, and the member stands by it.
        """
        report = judgement.report
        digest = report.digest(domain)
        with self._database:
            # From here to the commit no other process can write: two members on one file still sign once.
            self._database.execute("BEGIN IMMEDIATE")
            found = self.find(report.clearing_hash)
            if found is not None:
                if found.digest != digest:
                    raise AnotherReport(
                        f"interval {report.interval}: a report on this clearing is signed already "
                        f"(digest {as_hex(found.digest)}), and another one follows from the inputs "
                        "now: they were changed; the member stands by what it signed"
                    )
                return found
            signed = SignedReport(report, judgement.decisions, digest, sign(digest), inputs.to_json())
            self._database.execute(
                "INSERT INTO signatures VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    report.clearing_hash,
                    report.interval,
                    signed.digest,
                    signed.signature,
                    encoded(report),
                    json.dumps([as_hex(packed) for packed in signed.decisions]),
                    signed.inputs,
                ),
            )
        return signed

    def find(self, clearing_hash: bytes) -> SignedReport | None:
        """What was signed on a clearing."""
        rows = self._database.execute(f"{_SELECT} WHERE clearing_hash = ?", (clearing_hash,)).fetchall()
        return _signed(*rows[0]) if rows else None

    def of_interval(self, interval: int) -> list[SignedReport]:
        """What was signed on an interval: one report per clearing that the member saw of it."""
        return [_signed(*row) for row in self._database.execute(f"{_SELECT} WHERE interval = ?", (interval,))]

    def newest(self, count: int) -> list[SignedReport]:
        """The reports on the newest intervals, newest first."""
        rows = self._database.execute(f"{_SELECT} ORDER BY interval DESC LIMIT ?", (count,))
        return [_signed(*row) for row in rows]

    def count(self) -> int:
        """How many reports were signed."""
        [number] = self._database.execute("SELECT count(*) FROM signatures").fetchone()
        return int(number)


_SELECT = "SELECT report, decisions, digest, signature, inputs FROM signatures"


def report_document(report: NetworkReport, decisions: tuple[bytes, ...]) -> dict[str, Any]:
    """A report as JSON has it: its fields, and the bytes that the contract is given."""
    return {
        "interval": report.interval,
        "verdict": str(report.verdict),
        "volume_wh": report.volume,
        "loss_rate_ppm": report.loss_rate,
        "feeder_hash": as_hex(report.feeder_hash),
        "inputs_hash": as_hex(report.inputs_hash),
        "clearing_hash": as_hex(report.clearing_hash),
        "decisions_hash": as_hex(report.decisions_hash),
        "report": as_hex(encoded(report)),
        "decisions": [as_hex(packed) for packed in decisions],
    }


def _signed(packed: bytes, decisions: str, digest: bytes, signature: bytes, inputs: str) -> SignedReport:
    return SignedReport(
        decoded(packed),
        tuple(from_hex(text) for text in json.loads(decisions)),
        digest,
        signature,
        inputs,
    )
