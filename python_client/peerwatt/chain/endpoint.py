"""How an endpoint is spoken to over HTTP: one session, connections kept alive, proxies looked up once."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_netrc_auth

CONNECTIONS = 8
"""Most connections that are kept open to one endpoint."""


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine: `localhost` (RFC 6761), a loopback address or the unspecified one."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    if host in ("localhost", "ip6-localhost", "ip6-loopback") or host.endswith(".localhost"):
        return True
    address = _address(host)
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped is not None and (mapped.is_loopback or mapped.is_unspecified)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as; `127.1` is one too."""
    try:
        return ip_address(host.split("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


@dataclass(frozen=True)
class HttpAnswer:
    """What came back over HTTP.

    Attributes:
        status: of HTTP.
        headers: by name, in any case.
        body: as it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Posts:
    """JSON posted to one URL: the request is prepared once, only its body changes."""

    def __init__(self, url: str, timeout: tuple[float, float]) -> None:
        """
        Args:
            url: where to.
            timeout: for connecting and for an answer, s.
        """
        self.session = session_for(url)
        self._timeout = timeout
        headers = {"Content-Type": "application/json"}
        self._template = self.session.prepare_request(requests.Request("POST", url, headers))

    def post(self, body: bytes) -> HttpAnswer:
        """The answer, whatever its status.

        Raises:
            requests.RequestException: there is none, or only a part of one.
        """
        request = self._template.copy()
        request.body = body
        request.headers["Content-Length"] = str(len(body))
        # A redirected POST becomes a GET, and would take credentials elsewhere.
        response = self.session.send(request, timeout=self._timeout, allow_redirects=False)
        return HttpAnswer(response.status_code, response.headers, response.content)


def session_for(url: str) -> requests.Session:
    """A session for one endpoint.

    A loopback address never goes through a proxy. For any other, what the environment says of proxies,
    certificates and credentials is read now and never again; `requests` would at every request.
    """
    session = requests.Session()
    session.trust_env = False
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    if not is_loopback(url):
        with requests.Session() as environment:
            settings = environment.merge_environment_settings(url, {}, None, None, None)
        session.proxies, session.verify = settings["proxies"], settings["verify"]
        session.auth = get_netrc_auth(url)
    return session
