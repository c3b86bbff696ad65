"""Looking names up without waiting for those that do not resolve.

The system's look-up cannot be interrupted and takes as long as the name servers let it. The event loop would
make it in a pool of few threads, where names that do not resolve keep the others waiting, and join that pool
when it is closed. Here each look-up has a thread of its own that nobody joins.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future
from typing import Any


class Resolver:
    """Look-ups under way. One name is looked up once at a time, however often it is asked for meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[tuple[Any, ...], Future[list[Any]]] = {}

    def loop(self) -> asyncio.AbstractEventLoop:
        """An event loop that looks names up here."""
        return _Loop(self)

    def look_up(self, *query: Any) -> Future[list[Any]]:
        """What `socket.getaddrinfo` says, when it says it; nobody can cancel it.

        Args:
            query: its arguments.
        """
        with self._lock:
            found = self._running.get(query)
            if found is None:
                found = self._running[query] = Future()
                found.set_running_or_notify_cancel()
                threading.Thread(target=self._ask, args=(query, found), name="look-up", daemon=True).start()
        return found

    def _ask(self, query: tuple[Any, ...], answer: Future[list[Any]]) -> None:
        try:
            found = socket.getaddrinfo(*query)
        except Exception as error:
            self._forget(query)
            answer.set_exception(error)
        else:
            self._forget(query)
            answer.set_result(found)

    def _forget(self, query: tuple[Any, ...]) -> None:
        with self._lock:
            del self._running[query]


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, resolver: Resolver) -> None:
        super().__init__()
        self._resolver = resolver

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        return await asyncio.wrap_future(self._resolver.look_up(host, port, family, type, proto, flags))
