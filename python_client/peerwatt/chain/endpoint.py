"""How an endpoint is spoken to over HTTP: one session, connections kept alive, proxies looked up once."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_netrc_auth

CONNECTIONS = 8
"""Most connections that are kept open to one endpoint."""


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine: `localhost` (RFC 6761) or a loopback address."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


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

    def post(self, body: bytes) -> bytes:
        """The answer's body.

        Raises:
            requests.RequestException: there is none, or it is not of success.
        """
        request = self._template.copy()
        request.body = body
        request.headers["Content-Length"] = str(len(body))
        response = self.session.send(request, timeout=self._timeout)
        response.raise_for_status()
        return response.content


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
