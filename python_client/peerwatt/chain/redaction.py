"""What is shown of a node's address: never a password and never a key, wherever in the address they stand."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Final
from urllib.parse import quote, unquote, urlsplit

HIDDEN: Final = "…"
"""Stands for what is not shown."""
SHORTEST_PASSWORD: Final = 4
SHORTEST_KEY: Final = 8
"""Shorter parts of an address are looked for in no other text: they would be found in any."""

_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>`]*[^\s'\"<>`:.,;!?)]", re.IGNORECASE)
"""An address in a text; a mark behind it belongs to the text."""


def shown_url(url: str) -> str:
    """An address as people may see it: scheme, host and port; for the rest, where there is any, `…`.

    Providers put their keys into the path, the query or the user's part, so none of them is shown.
    """
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
        host = parts.hostname or ""
    except ValueError:
        return HIDDEN
    host = f"[{host}]" if ":" in host else host
    rest = f"/{HIDDEN}" if parts.path.strip("/") or parts.query or parts.fragment else ""
    return f"{parts.scheme}://{host}{port}{rest}"


def without_urls(text: str) -> str:
    """A text with every address in it as `shown_url` shows it."""
    return _URL.sub(lambda found: shown_url(found.group()), text)


class Redaction:
    """What is secret about one address, found in any text.

    Attributes:
        shown: the address as people may see it.
    """

    def __init__(self, url: str) -> None:
        self.shown: Final = shown_url(url)
        self._url = url
        self._secrets = sorted(_secrets(url), key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without anything secret: a node may repeat the key that it was asked with."""
        text = without_urls(text.replace(self._url, self.shown))
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


def _secrets(url: str) -> set[str]:
    """The parts of an address that are not shown, in every form in which they may turn up."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return {url}
    user, password = parts.username or "", parts.password or ""
    words = [word for word in (user, password) if len(word) >= SHORTEST_PASSWORD]
    if user or password:
        words.append(b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode())
    places = re.split(r"[/&=?;]", f"{parts.path}/{parts.query}/{parts.fragment}")
    words += [word for word in places if len(word) >= SHORTEST_KEY]
    forms = {form for word in words for form in (word, unquote(word), quote(unquote(word), safe=""))}
    return {form for form in forms if form and form not in (parts.hostname or "")}
