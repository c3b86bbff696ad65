"""One exchange over HTTP: JSON for JSON, or what kept it from coming."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final

import requests
from urllib3.exceptions import NewConnectionError

from peerwatt.chain.dialects import BUSY_STATUS, GATEWAY_STATUSES, error_of, message_of
from peerwatt.chain.endpoint import HttpAnswer, Posts
from peerwatt.chain.errors import UnreachableChain
from peerwatt.chain.redaction import Redaction
from peerwatt.chain.retry import ABSENT_SECONDS, LATE_SECONDS, Trouble, wait_asked_for

CONNECT_SECONDS: Final = 10.0


class Exchange:
    """One endpoint, asked once at a time."""

    def __init__(self, url: str, redaction: Redaction, answer_seconds: float) -> None:
        """
        Args:
            url: http or https address.
            redaction: what must not be shown of it.
            answer_seconds: how long an answer may take.

        Raises:
            UnreachableChain: the address is none.
        """
        self._redaction = redaction
        try:
            self._posts = Posts(url, (min(CONNECT_SECONDS, answer_seconds), answer_seconds))
        except (requests.RequestException, ValueError):
            raise UnreachableChain(redaction.shown, "this is no address of a node") from None

    def said(self, body: bytes) -> Any:
        """The JSON that a body is answered with: an object that is a response or an error, or a list.

        Raises:
            Trouble: none came, or not wholly, or from a gateway that did not reach a node.
        """
        return self._said(self._posted(body))

    def _posted(self, body: bytes) -> HttpAnswer:
        try:
            return self._posts.post(body)
        except requests.RequestException as error:
            raise self._trouble(error) from None
        except OSError:
            raise Trouble("connection refused or lost") from None
        except ValueError as error:
            raise Trouble(self._redaction.clean(str(error)), patience=0.0) from None

    def _said(self, answer: HttpAnswer) -> Any:
        wait = wait_asked_for(answer.headers.get("Retry-After"), time.time())
        status = f"HTTP status {answer.status}"
        if answer.status == BUSY_STATUS:
            raise Trouble(status, wait, busy=True)
        try:
            said = json.loads(answer.body)
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, list) or (isinstance(said, Mapping) and ("result" in said or error_of(said))):
            if answer.status in GATEWAY_STATUSES - {500} and not isinstance(said, list) and error_of(said):
                raise Trouble(f"{status}, {self._message(said)}", wait)
            return said
        if answer.status in GATEWAY_STATUSES:
            raise Trouble(status, wait)
        if answer.status // 100 == 3:
            to = self._redaction.clean(answer.headers.get("Location", "nowhere"))
            raise Trouble(f"{status}, it redirects to {to}: name that address", patience=0.0)
        if answer.status in (401, 403):
            raise Trouble(f"{status}, it refuses the key or the address asking", patience=0.0)
        if answer.status != 200:
            raise Trouble(status, patience=0.0)
        if answer.body.lstrip()[:1] in (b"{", b"["):
            raise Trouble("the answer ends in its middle")
        raise Trouble("what answers does not speak JSON-RPC", patience=LATE_SECONDS)

    def _message(self, said: Mapping[str, Any]) -> str:
        error = error_of(said)
        return "" if error is None else self._redaction.clean(message_of(error))

    def _trouble(self, error: requests.RequestException) -> Trouble:
        """A request's failure in a few words."""
        if isinstance(error, requests.exceptions.SSLError):
            return Trouble("its certificate or its TLS is not accepted", patience=0.0, connected=False)
        if isinstance(error, requests.exceptions.ProxyError):
            return Trouble("the proxy of the environment does not answer", patience=0.0, connected=False)
        if isinstance(error, requests.ConnectTimeout):
            return Trouble("timed out", patience=ABSENT_SECONDS, connected=False)
        if isinstance(error, requests.Timeout):
            return Trouble("timed out")
        if isinstance(error, requests.ConnectionError):
            reason = getattr(error.args[0] if error.args else None, "reason", None)
            if isinstance(reason, NewConnectionError):
                return Trouble("connection refused or lost", patience=ABSENT_SECONDS, connected=False)
            return Trouble("connection refused or lost")
        if isinstance(
            error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError
        ):
            return Trouble("the answer ends in its middle")
        return Trouble(self._redaction.clean(str(error)), patience=0.0)
