"""A JSON-RPC proxy that misbehaves on request, in front of a real node: real HTTP, on a port of its own.

    with RoughNode(anvil_url, "429=3", "poa") as rough:
        open_network(rough.url)

Modes are written `NAME` or `NAME=ARGUMENT` and wrap one another, the first one outermost. As a process:

    python -m tests.rough_node UPSTREAM MODE...        # prints its address
"""

from __future__ import annotations

import json
import random
import socket
import sys
import threading
import time
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.rough_modes import MODES, Fault, Forward, Json, Mode, error

OTHER_MODES = ("nobatch", "shuffled", "partial", "wrongbatchids", "twice", "idle")
"""What is done with several requests in one, and with a connection that was idle for so many seconds."""


class RoughNode:
    """The proxy, until it is closed.

    Attributes:
        url: its address.
        modes: how it misbehaves now; may be changed at any time.
        asked: how often each method was asked for.
        last: what a mode remembers of the answer before.
    """

    def __init__(self, upstream: str, *modes: str) -> None:
        self.modes = list(modes)
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.last: Json | None = None
        self._counts: Counter[tuple[str, str]] = Counter()
        self._upstream = upstream
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def heal(self) -> None:
        """Behave from now on."""
        self.modes = []

    def count(self, mode: str, what: str = "") -> int:
        """How often a mode came to this, now included."""
        with self.lock:
            self._counts[mode, what] += 1
            return self._counts[mode, what]

    def ask(self, method: str, *params: Any) -> Any:
        """What the node itself says."""
        return self.forward({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})["result"]

    def head(self) -> int:
        """Number of the node's newest block."""
        return int(self.ask("eth_blockNumber"), 16)

    def forward(self, request: Json) -> Json:
        """The node's own answer."""
        posted = urllib.request.Request(
            self._upstream, json.dumps(request).encode(), {"Content-Type": "application/json"}
        )
        answer: Json = json.loads(self._opener.open(posted, timeout=120).read())
        return answer

    def answer(self, asked: Any) -> Any:
        """What a request or several are answered with.

        Raises:
            Fault: it is no answer.
        """
        modes = [mode for mode in self.modes if mode in OTHER_MODES]
        if not isinstance(asked, list):
            return self._answer(asked)
        if "nobatch" in modes:
            return error(None, -32600, "batch requests are not supported")
        answers = [self._answer(request) for request in asked]
        if "shuffled" in modes:
            random.Random(len(answers)).shuffle(answers)
        if "partial" in modes:
            answers = answers[::2]
        if "twice" in modes:
            answers = answers + answers[:1]
        if "wrongbatchids" in modes:
            answers = [{**answer, "id": 10**9 + number} for number, answer in enumerate(answers)]
        return answers

    def _answer(self, request: Json) -> Json:
        with self.lock:
            self.asked[request["method"]] += 1
        forward: Forward = self.forward
        for mode in reversed(self.modes):
            name, _, argument = mode.partition("=")
            if name not in OTHER_MODES:
                forward = _wrapped(MODES[name], self, argument, forward)
        return forward(request)


def _wrapped(mode: Mode, node: RoughNode, argument: str, forward: Forward) -> Forward:
    return lambda request: mode(node, argument, request, forward)


def _handler(node: RoughNode) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet for head and body, or the other side waits 40 ms for the second.
        wbufsize = -1
        last: float | None = None

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            before, self.last = self.last, time.monotonic()
            idle = next((mode for mode in node.modes if mode.startswith("idle")), "")
            patience = float(idle.partition("=")[2] or 0.5)
            try:
                if idle and before is not None and time.monotonic() - before > patience:
                    raise Fault
                said = Fault(200, json.dumps(node.answer(json.loads(body))).encode())
            except Fault as fault:
                said = fault
            if not said.status:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said.body) + said.cut))
            self.end_headers()
            self.wfile.write(said.body)
            if said.cut:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def finish(self) -> None:
            try:
                super().finish()
            except OSError:
                return

    return Handler


if __name__ == "__main__":
    rough = RoughNode(sys.argv[1], *sys.argv[2:])
    print(rough.url, flush=True)
    sys.stdin.read()
    rough.close()
