"""What members tell each other before they judge: which forecast they have.

A forecast that was replaced, or has reached some members alone, would split the committee for good, because a
member signs one report on a clearing. So each shows under its signature which forecast it has, which it may
take back, and judges by it once a quorum shows the same one.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from peerwatt.messages import Domain
from peerwatt.messages.domain import TypedMessage
from peerwatt.messages.errors import require_bytes32, require_uint
from peerwatt.oracle.forecast_file import ForecastDocument


@dataclass(frozen=True, slots=True)
class ForecastNotice(TypedMessage):
    """Which forecast of an interval a member has. No contract takes it.

    Attributes:
        interval: number of the delivery period.
        forecast_hash: 32 bytes, SHA-256 of the document.

    Raises:
        FieldError: a field does not fit its type.
    """

    TYPE: ClassVar[str] = "ForecastNotice(uint32 interval,bytes32 forecastHash)"

    interval: int
    forecast_hash: bytes

    def __post_init__(self) -> None:
        require_uint(self.interval, 32, "ForecastNotice.interval")
        require_bytes32(self.forecast_hash, "ForecastNotice.forecast_hash")

    @classmethod
    def of(cls, forecast: ForecastDocument) -> ForecastNotice:
        """The notice of a forecast."""
        return cls(forecast.interval, hashlib.sha256(forecast.model_dump_json().encode()).digest())

    def values(self) -> dict[str, int | bytes]:
        """The fields under their EIP-712 names."""
        return {"interval": self.interval, "forecastHash": self.forecast_hash}


@dataclass(frozen=True)
class SignedNotice:
    """A notice under one member's signature, 64 bytes."""

    notice: ForecastNotice
    signature: bytes


class NoticeBoard:
    """The notices that a member shows, the newest of each interval.

    Args:
        database: of `open_state`, or of `read_state` for reading alone.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def show(self, notice: ForecastNotice, domain: Domain, sign: Callable[[bytes], bytes]) -> SignedNotice:
        """Show a notice in the place of an interval's older one."""
        shown = self.find(notice.interval)
        if shown is None or shown.notice != notice:
            shown = SignedNotice(notice, sign(notice.digest(domain)))
            self._database.execute(
                "INSERT OR REPLACE INTO notices VALUES (?, ?, ?)",
                (notice.interval, notice.forecast_hash, shown.signature),
            )
        return shown

    def find(self, interval: int) -> SignedNotice | None:
        """What is shown of an interval."""
        rows = self._database.execute(
            "SELECT forecast_hash, signature FROM notices WHERE interval = ?", (interval,)
        ).fetchall()
        return SignedNotice(ForecastNotice(interval, rows[0][0]), rows[0][1]) if rows else None
