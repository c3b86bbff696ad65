"""The ports over HTTP, from the side of whoever asks: what `port_service` serves."""

from __future__ import annotations

from typing import Any, Final, Self

import httpx

from peerwatt.errors import InputError, PeerwattError
from peerwatt.messages import SignedOrder, encode_orders, encode_signed_readings
from peerwatt.oracle.forecast_file import ForecastDocument, parse_document
from peerwatt.oracle.report_bytes import as_hex
from peerwatt.roles.ports import MeterSignedReading, OwnReading

ANSWER_SECONDS: Final = 10.0


class Unanswered(PeerwattError):
    """A party did not answer, or not as a port does. What was handed to it may have arrived: ask again."""


class _Port:
    """One party's address; use it in a `with` statement, or call `close()`."""

    def __init__(self, url: str) -> None:
        """
        Args:
            url: such as `http://10.0.0.2:8120`.
        """
        self._url = url.rstrip("/")
        # Parties are named by their operator: no proxy of the environment and no redirect has a say in it.
        self._client = httpx.Client(base_url=self._url, trust_env=False, timeout=ANSWER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def _hand_in(self, page: str, content: dict[str, Any]) -> None:
        """Hand something in: only a port that says so has taken it, not any server that answers."""
        if _json(self._ask("POST", page, content)) != {"accepted": True}:
            raise Unanswered(f"{self._url}/{page}: did not say that it took what it was given: is it a port?")

    def _ask(
        self, method: str, page: str, content: dict[str, Any] | None = None, *, may_lack: bool = False
    ) -> httpx.Response:
        """An answer of 200; of 404 too, where what is asked for may not be there.

        Raises:
            InputError: the party refused what it was given, and says why.
            Unanswered: it did not answer, or not as a port does.
        """
        try:
            response = self._client.request(method, page, json=content)
        except httpx.HTTPError as error:
            raise Unanswered(f"{self._url}: no answer: {error or type(error).__name__}") from None
        if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise InputError(f"{self._url}: {_reason(response)}")
        lacks = may_lack and response.status_code == httpx.codes.NOT_FOUND
        if response.status_code != httpx.codes.OK and not lacks:
            raise Unanswered(f"{self._url}/{page}: status {response.status_code}: {_reason(response)}")
        return response


class HttpOrders(_Port):
    """`Orders` over HTTP."""

    def accept(self, order: SignedOrder) -> None:
        """As `Orders` has it."""
        content = {"interval": order.order.interval, "order": as_hex(encode_orders([order]))}
        self._hand_in("v1/orders", content)

    def accept_reading(self, own: OwnReading) -> None:
        """As `Orders` has it."""
        packed = as_hex(encode_signed_readings([own.signed]))
        content = {"interval": own.interval, "batch": own.batch, "reading": packed}
        self._hand_in("v1/overrulings", content)


class HttpReadings(_Port):
    """`Readings` over HTTP."""

    def accept(self, signed: MeterSignedReading) -> None:
        """As `Readings` has it."""
        self._hand_in("v1/readings", {**signed.reading.values(), "signature": as_hex(signed.signature)})


class HttpAllowances(_Port):
    """`Allowances` over HTTP."""

    def allowed_export(self, interval: int, account: int) -> int | None:
        """As `Allowances` has it."""
        page = f"v1/allowances/{interval}/{account}"
        match _json(self._ask("GET", page)):
            case {"allowed_export_wh": None}:
                return None
            case {"allowed_export_wh": int(allowed)}:
                return allowed
        # Silence is no leave to feed in: only a port that says "no limit" means it.
        raise Unanswered(f"{self._url}/{page}: no allowance in the answer: is it a dispatch?")


class HttpForecasts(_Port):
    """`ForecastSource` over HTTP."""

    def forecast(self, interval: int) -> ForecastDocument | None:
        """What is expected in an interval; None where nobody has said so yet."""
        response = self._ask("GET", f"v1/forecasts/{interval}", may_lack=True)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return parse_document(ForecastDocument, response.text, f"{self._url}/v1/forecasts/{interval}")


def _json(response: httpx.Response) -> Any:
    """What an answer says; None where it is no JSON."""
    try:
        return response.json()
    except ValueError:
        return None


def _reason(response: httpx.Response) -> str:
    """Why something was refused, one line."""
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = response.reason_phrase
    if isinstance(detail, list):
        places = (".".join(str(part) for part in each["loc"][1:]) for each in detail)
        detail = "; ".join(f"{place}: {each['msg']}" for place, each in zip(places, detail, strict=True))
    return " ".join(str(detail).split())[:500]
