"""How the parties of one process reach one another: by direct calls, or over HTTP on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from peerwatt.oracle.forecast_file import ForecastSource
from peerwatt.roles.ports import Allowances, Orders, Readings


@dataclass(frozen=True)
class Listeners:
    """Whoever homes and members speak to.

    Attributes:
        orders: the relayer.
        readings: the metering desk.
        allowances: the dispatch.
        forecasts: whoever has them.
    """

    orders: Orders
    readings: Readings
    allowances: Allowances
    forecasts: ForecastSource


Wiring = Callable[[Listeners], AbstractContextManager[Listeners]]
"""Puts a way between listeners and those who speak to them, for as long as it is open."""


@contextmanager
def direct(listeners: Listeners) -> Iterator[Listeners]:
    """Direct calls."""
    yield listeners


@contextmanager
def over_http(listeners: Listeners) -> Iterator[Listeners]:
    """Over HTTP, on a free port of loopback; needs the extra `oracle`."""
    from peerwatt.oracle.web_server import WebServer
    from peerwatt.roles.http_ports import HttpAllowances, HttpForecasts, HttpOrders, HttpReadings
    from peerwatt.roles.port_service import ports

    served = ports(
        threading.Lock(),
        listeners.orders,
        listeners.readings,
        listeners.allowances,
        listeners.forecasts,
    )
    with ExitStack() as stack:
        url = stack.enter_context(WebServer("127.0.0.1", 0, served)).url
        yield Listeners(
            stack.enter_context(HttpOrders(url)),
            stack.enter_context(HttpReadings(url)),
            stack.enter_context(HttpAllowances(url)),
            stack.enter_context(HttpForecasts(url)),
        )
