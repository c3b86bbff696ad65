"""The ports over HTTP, from the side of whoever listens: a role's own methods, one page each."""

from __future__ import annotations

import threading
from typing import Annotated, Final

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi import Path as InPath
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware.base import RequestResponseEndpoint

from peerwatt.errors import PeerwattError
from peerwatt.messages import MeterReading, decode_orders, decode_signed_readings
from peerwatt.oracle.forecast_file import ForecastSource
from peerwatt.oracle.report_bytes import from_hex
from peerwatt.roles.ports import Allowances, MeterSignedReading, Orders, OwnReading, Readings

MOST_BYTES: Final = 8192
"""Of the body of a request: an order of eight steps has a tenth of it."""

Interval = Annotated[int, Field(ge=0, lt=1 << 32)]
IntervalInPath = Annotated[int, InPath(ge=0, lt=1 << 32)]
Account = Annotated[int, Field(ge=0, lt=1 << 16)]
AccountInPath = Annotated[int, InPath(ge=0, lt=1 << 16)]
Wh = Annotated[int, Field(ge=0, lt=1 << 31)]
Register = Annotated[int, Field(ge=0, lt=1 << 48)]
Signature = Annotated[str, Field(pattern=r"^0x[0-9a-f]{128}$")]
Packed = Annotated[str, Field(pattern=r"^0x([0-9a-f]{2})+$", max_length=1024)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class OrderIn(_Strict):
    """One signed order, packed as a batch of one."""

    interval: Interval
    order: Packed


class OverrulingIn(_Strict):
    """One meter's own reading, packed as `overrule` takes it."""

    interval: Interval
    batch: Annotated[int, Field(ge=0, lt=1 << 16)]
    reading: Packed


class ReadingIn(_Strict):
    """One interval's reading under its meter's signature; fields as the EIP-712 message names them."""

    interval: Interval
    participant: Account
    imported: Wh
    exported: Wh
    importRegister: Register
    exportRegister: Register
    signature: Signature


def ports(
    lock: threading.Lock,
    orders: Orders | None = None,
    readings: Readings | None = None,
    allowances: Allowances | None = None,
    forecasts: ForecastSource | None = None,
) -> FastAPI:
    """The pages of the ports that a process serves.

    Args:
        lock: taken for every call: roles are stepped under it, one thing at a time.
        orders: the relayer.
        readings: the metering desk.
        allowances: the dispatch.
        forecasts: whoever has them.
    """
    app = FastAPI(title="Peerwatt ports", docs_url=None, redoc_url=None)
    app.middleware("http")(_refuse_long)
    if orders is not None:
        _serve_orders(app, lock, orders)
    if readings is not None:
        _serve_readings(app, lock, readings)
    if allowances is not None:
        _serve_allowances(app, lock, allowances)
    if forecasts is not None:
        _serve_forecasts(app, lock, forecasts)
    return app


async def _refuse_long(request: Request, answer: RequestResponseEndpoint) -> Response:
    """Read no body whose length is not told or is more than any message of a port has."""
    if request.method == "POST":
        told = request.headers.get("content-length", "")
        if not told.isascii() or not told.isdigit():
            return JSONResponse({"detail": "tell the length of the body"}, 411)
        if int(told[:10]) > MOST_BYTES:
            return JSONResponse({"detail": f"{told[:10]} bytes: at most {MOST_BYTES} are read"}, 413)
    return await answer(request)


def _refused(error: PeerwattError) -> HTTPException:
    return HTTPException(422, str(error))


def _serve_orders(app: FastAPI, lock: threading.Lock, orders: Orders) -> None:
    @app.post("/v1/orders")
    def take_order(content: OrderIn) -> dict[str, bool]:
        try:
            found = decode_orders(from_hex(content.order), content.interval)
            if len(found) != 1:
                raise HTTPException(422, f"{len(found)} orders in one: hand them in one by one")
            with lock:
                orders.accept(found[0])
        except PeerwattError as error:
            raise _refused(error) from None
        return {"accepted": True}

    @app.post("/v1/overrulings")
    def take_own_reading(content: OverrulingIn) -> dict[str, bool]:
        try:
            found = decode_signed_readings(from_hex(content.reading))
            if len(found) != 1:
                raise HTTPException(422, f"{len(found)} readings in one: hand them in one by one")
            with lock:
                orders.accept_reading(OwnReading(content.interval, content.batch, found[0]))
        except PeerwattError as error:
            raise _refused(error) from None
        return {"accepted": True}


def _serve_readings(app: FastAPI, lock: threading.Lock, readings: Readings) -> None:
    @app.post("/v1/readings")
    def take_reading(content: ReadingIn) -> dict[str, bool]:
        try:
            reading = MeterReading(
                content.interval,
                content.participant,
                content.imported,
                content.exported,
                content.importRegister,
                content.exportRegister,
            )
            with lock:
                readings.accept(MeterSignedReading(reading, from_hex(content.signature)))
        except PeerwattError as error:
            raise _refused(error) from None
        return {"accepted": True}


def _serve_allowances(app: FastAPI, lock: threading.Lock, allowances: Allowances) -> None:
    @app.get("/v1/allowances/{interval}/{account}")
    def read_allowance(interval: IntervalInPath, account: AccountInPath) -> dict[str, int | None]:
        with lock:
            return {"allowed_export_wh": allowances.allowed_export(interval, account)}


def _serve_forecasts(app: FastAPI, lock: threading.Lock, forecasts: ForecastSource) -> None:
    @app.get("/v1/forecasts/{interval}")
    def read_forecast(interval: IntervalInPath) -> Response:
        with lock:
            found = forecasts.forecast(interval)
        if found is None:
            raise HTTPException(404, "no forecast of that interval yet")
        return Response(found.model_dump_json(), media_type="application/json")
