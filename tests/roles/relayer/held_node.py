"""A node that can be stopped at a request, so that whoever asks can be killed at that very instant."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

SENDING = "eth_sendRawTransaction"
ANSWER_SECONDS = 300.0


class HeldNode:
    """Another address for a node, where a chosen request is held.

    Attributes:
        url: that address.
        sent: transactions that the node has taken from here.
        asked: requests that came.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._hold: Callable[[int, str], bool] = lambda number, method: False
        self._reaches_node = False
        self._released = threading.Event()
        self.held = threading.Event()
        self.sent = 0
        self.asked = 0
        self.url = ""

    def hold_sending(self, *, reaches_node: bool) -> None:
        """Hold the next transactions, before they get through or before their answer does."""
        self._arm(lambda number, method: method == SENDING, reaches_node)

    def hold_request(self, number: int) -> None:
        """Hold everything from the `number`th request on, counted from now, before it gets through."""
        self._arm(lambda asked, method: asked >= number, False)

    def _arm(self, hold: Callable[[int, str], bool], reaches_node: bool) -> None:
        self.held.clear()
        self.asked = 0
        self._hold, self._reaches_node = hold, reaches_node

    def let_go(self) -> None:
        """Answer everything again; what was held is lost, as its asker is."""
        self._hold = lambda number, method: False
        self.held.clear()
        self._released.set()
        self._released = threading.Event()

    def answer(self, body: bytes) -> bytes | None:
        """The node's answer; None for whoever was held."""
        method = json.loads(body)["method"]
        self.asked += 1
        released, held = self._released, self._hold(self.asked, method)
        if held and not self._reaches_node:
            self.held.set()
            released.wait()
            return None
        with requests.Session() as session:
            session.trust_env = False
            found = session.post(
                self._node,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=ANSWER_SECONDS,
            ).content
        self.sent += method == SENDING and "result" in json.loads(found)
        if held:
            self.held.set()
            released.wait()
            return None
        return found


@contextmanager
def held_node(node: str) -> Iterator[HeldNode]:
    """Serve another address for the node at a URL."""
    held = HeldNode(node)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            found = held.answer(self.rfile.read(int(self.headers["Content-Length"])))
            if found is None:
                self.close_connection = True
                return
            try:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found)
            except ConnectionError:
                # Its asker was killed.
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    held.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        held.let_go()
        server.shutdown()
        thread.join()
        server.server_close()
