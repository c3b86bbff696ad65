"""The ports over HTTP, from the side of whoever listens: a role's own methods, one page each."""

from __future__ import annotations

import threading
from typing import Annotated, Any, Final, Self

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi import Path as InPath
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator
from starlette.middleware.base import RequestResponseEndpoint

from peerwatt.errors import ChainError, PeerwattError
from peerwatt.messages import (
    MAX_STEP_QUANTITY,
    MAX_STEPS,
    TICKS,
    MeterReading,
    Order,
    Side,
    SignedOrder,
    Step,
    compact_signature,
    decode_order,
    decode_signed_reading,
)
from peerwatt.oracle.forecast_file import ForecastSource
from peerwatt.roles.ports import Allowances, MeterSignedReading, Orders, OwnReading, Readings

MOST_BYTES: Final = 8192
"""Of the body of a request: an order of eight steps has a tenth of it."""

MOST_DIGITS: Final = 20
"""Of a number that is written as text."""


def _whole(value: Any) -> Any:
    """Decimal text as the number that it is: JavaScript writes its large integers so."""
    is_text = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS
    return int(value) if is_text else value


Whole = Annotated[int, BeforeValidator(_whole, json_schema_input_type=int | str)]
Interval = Annotated[Whole, Field(ge=0, lt=1 << 32)]
IntervalInPath = Annotated[int, InPath(ge=0, lt=1 << 32)]
Account = Annotated[Whole, Field(ge=0, lt=1 << 16)]
AccountInPath = Annotated[int, InPath(ge=0, lt=1 << 16)]
Wh = Annotated[Whole, Field(ge=0, lt=1 << 31)]
Register = Annotated[Whole, Field(ge=0, lt=1 << 48)]
Signature = Annotated[
    bytes, PlainValidator(compact_signature, json_schema_input_type=str | dict[str, str | int | None])
]
"""In any form that a wallet gives."""
Packed = Annotated[str, Field(pattern=r"^(0[xX])?([0-9a-fA-F]{2})+$", max_length=1024)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class StepIn(_Strict):
    """One step of an order; fields as the EIP-712 message names them."""

    side: Annotated[Whole, Field(ge=0, le=1)]
    tick: Annotated[Whole, Field(ge=0, lt=TICKS)]
    quantity: Annotated[Whole, Field(ge=0, le=MAX_STEP_QUANTITY)]


class OrderIn(_Strict):
    """One signed order: packed as a batch of one, or the fields of the EIP-712 message with its signature."""

    interval: Interval
    order: Packed | None = None
    participant: Account | None = None
    steps: Annotated[tuple[StepIn, ...], Field(max_length=MAX_STEPS, strict=False)] | None = None
    signature: Signature | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        fields = [self.participant, self.steps, self.signature]
        given = sum(field is not None for field in fields)
        if given != (len(fields) if self.order is None else 0):
            raise ValueError("give either the packed order, or participant, steps and signature")
        return self

    def signed(self) -> SignedOrder:
        """The order with its signature.

        Raises:
            InputError: it is packed wrongly.
        """
        if self.order is not None:
            return decode_order(_bytes(self.order), self.interval)
        steps = tuple(Step(Side(step.side), step.tick, step.quantity) for step in self.steps or ())
        return SignedOrder(Order(self.interval, self.participant or 0, steps), self.signature or b"")


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


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.lower().removeprefix("0x"))


def _refused(error: PeerwattError) -> HTTPException:
    """What was handed in is refused; it may come again where only the chain did not answer."""
    return HTTPException(503 if isinstance(error, ChainError) else 422, str(error))


def _serve_orders(app: FastAPI, lock: threading.Lock, orders: Orders) -> None:
    @app.post("/v1/orders")
    def take_order(content: OrderIn) -> dict[str, bool]:
        try:
            signed = content.signed()
            with lock:
                orders.accept(signed)
        except PeerwattError as error:
            raise _refused(error) from None
        return {"accepted": True}

    @app.post("/v1/overrulings")
    def take_own_reading(content: OverrulingIn) -> dict[str, bool]:
        try:
            signed = decode_signed_reading(_bytes(content.reading))
            with lock:
                orders.accept_reading(OwnReading(content.interval, content.batch, signed))
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
                readings.accept(MeterSignedReading(reading, content.signature))
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
