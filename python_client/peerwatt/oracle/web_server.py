"""An ASGI application on a port, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from typing import Final, Self

import uvicorn
from fastapi import FastAPI

from peerwatt.errors import InputError

MAX_CONNECTIONS: Final = 256
"""Answered at once; beyond it a request gets status 503."""
STOP_SECONDS: Final = 5.0
KEEP_ALIVE_SECONDS: Final = 5


class WebServer:
    """Serves one application; use it in a `with` statement.

    Attributes:
        url: where it is.
    """

    def __init__(self, host: str, port: int, application: FastAPI) -> None:
        """Begin to answer.

        Args:
            host: address to listen on.
            port: 0 for any that is free.
            application: what is served.

        Raises:
            InputError: nothing can listen there.
        """
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise InputError(
                f"--listen {host}:{port}: {error.strerror}: choose another address, or port 0"
            ) from None
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            lifespan="off",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="service", daemon=True
        )
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self._socket.close()
