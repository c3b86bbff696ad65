"""A member that answers, but long after anybody waits for it: a proxy that keeps every connection waiting."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from peerwatt.oracle.peers import PULL_SECONDS

DELAY_SECONDS = 2 * PULL_SECONDS


@contextmanager
def slow_proxy(url: str) -> Iterator[str]:
    """Another address for what answers at `url`, each answer `DELAY_SECONDS` late."""
    target = urlsplit(url)
    assert target.hostname is not None
    address = (target.hostname, target.port)
    stopped = threading.Event()
    threads: list[threading.Thread] = []

    def forward(client: socket.socket) -> None:
        with client:
            client.settimeout(DELAY_SECONDS)
            try:
                request = client.recv(65536)
                if stopped.wait(DELAY_SECONDS):
                    return
                with socket.create_connection(address, timeout=DELAY_SECONDS) as server:
                    server.sendall(request)
                    client.sendall(server.recv(65536))
            except OSError:
                return

    def accept(listener: socket.socket) -> None:
        while not stopped.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=forward, args=(client,), daemon=True))
            threads[-1].start()

    listener = socket.create_server(("127.0.0.1", 0))
    acceptor = threading.Thread(target=accept, args=(listener,), daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopped.set()
        # A blocked accept does not notice that its socket is closed.
        socket.create_connection(listener.getsockname()).close()
        listener.close()
        for thread in (acceptor, *threads):
            thread.join(DELAY_SECONDS)
