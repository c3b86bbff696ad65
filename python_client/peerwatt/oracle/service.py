"""What a member shows to everybody, over HTTP: its signed reports and envelopes. Nothing can be written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Response
from fastapi import Path as InPath

from peerwatt.oracle.envelope_record import EnvelopeRecord, encoded_envelope
from peerwatt.oracle.forecast_notice import NoticeBoard
from peerwatt.oracle.report_bytes import as_hex, encoded, from_hex
from peerwatt.oracle.signing_record import SignedReport, SigningRecord
from peerwatt.oracle.state import read_state
from peerwatt.oracle.web_server import WebServer

Hash = Annotated[str, InPath(pattern=r"^0x[0-9a-f]{64}$")]
Interval = Annotated[int, InPath(ge=0, lt=1 << 32)]


def application(state: sqlite3.Connection, health: Callable[[], dict[str, Any]]) -> FastAPI:
    """The member's pages.

    Args:
        state: opened for reading; used by one thread.
        health: what the member says of itself.
    """
    app = FastAPI(title="Peerwatt oracle member", docs_url=None, redoc_url=None)
    record, envelopes, notices = SigningRecord(state), EnvelopeRecord(state), NoticeBoard(state)

    def signed(clearing: str) -> SignedReport:
        found = record.find(from_hex(clearing))
        if found is None:
            raise HTTPException(404, "this member has signed no report on that clearing")
        return found

    # Coroutines, so that all of them run in the server's own thread, which the connection belongs to.

    @app.get("/health")
    async def read_health() -> dict[str, Any]:
        return health()

    @app.get("/intervals/{interval}")
    async def read_interval(interval: Interval) -> list[dict[str, Any]]:
        return [report.document for report in record.of_interval(interval)]

    @app.get("/clearings/{clearing}")
    async def read_report(clearing: Hash) -> dict[str, Any]:
        return signed(clearing).document

    @app.get("/clearings/{clearing}/signature")
    async def read_signature(clearing: Hash) -> dict[str, str]:
        report = signed(clearing)
        return {"report": as_hex(encoded(report.report)), "signature": as_hex(report.signature)}

    @app.get("/clearings/{clearing}/inputs")
    async def read_inputs(clearing: Hash) -> Response:
        return Response(signed(clearing).inputs, media_type="application/json")

    @app.get("/forecasts/{interval}")
    async def read_notice(interval: Interval) -> dict[str, str]:
        shown = notices.find(interval)
        if shown is None:
            raise HTTPException(404, "this member has shown no forecast of that interval")
        return {
            "forecast_hash": as_hex(shown.notice.forecast_hash),
            "signature": as_hex(shown.signature),
        }

    @app.get("/envelopes/{interval}")
    async def read_envelopes(interval: Interval) -> list[dict[str, Any]]:
        return [own.document for own in envelopes.of_interval(interval)]

    @app.get("/envelopes/{interval}/{page}/signature")
    async def read_envelope_signature(
        interval: Interval, page: Annotated[int, InPath(ge=0, lt=1 << 16)]
    ) -> dict[str, str]:
        for own in envelopes.of_interval(interval):
            if own.envelope.page == page:
                return {
                    "envelope": as_hex(encoded_envelope(own.envelope)),
                    "signature": as_hex(own.signature),
                }
        raise HTTPException(404, "this member has signed no envelope of that interval and page")

    return app


class Service(WebServer):
    """The pages on a port, in a thread of their own; use it in a `with` statement."""

    def __init__(self, host: str, port: int, state: Path, health: Callable[[], dict[str, Any]]) -> None:
        """Begin to answer.

        Args:
            host: address to listen on.
            port: 0 for any that is free.
            state: the member's file.
            health: what the member says of itself.

        Raises:
            InputError: nothing can listen there.
        """
        self._database = read_state(state, any_thread=True)
        super().__init__(host, port, application(self._database, health))

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._database.close()
