"""The words that messages, contracts and the market share, with their on-chain numbers."""

from enum import IntEnum
from typing import Final

TICKS: Final = 256
"""Price levels of a tick book; ticks are numbered ``0 .. TICKS - 1``."""

MAX_STEPS: Final = 8
"""Steps that one order may have."""

TICK_BITS: Final = 8
"""Width of a tick."""

QUANTITY_BITS: Final = 23
"""Width of one step's quantity."""

MAX_STEP_QUANTITY: Final = (1 << QUANTITY_BITS) - 1
"""Largest quantity of one step, Wh (about 8.4 MWh)."""

LANE_BITS: Final = 32
"""Width that records and clearings give to an energy of a lane."""

MAX_LANE_TOTAL: Final = (1 << 25) - 1
"""Largest total of one (side, tick) lane, Wh (about 33.6 MWh): the book keeps ten lanes in a word."""

VOLUME_BITS: Final = 40
"""Width of an interval's energy: matched, accepted or delivered, Wh."""

PRICE_BITS: Final = 16
"""Width of a price."""

MAX_PRICE: Final = (1 << PRICE_BITS) - 1
"""Largest price that the contract can settle, base units per Wh."""

POWER_BITS: Final = 16
"""Width of a connection's limit in units of 100 W."""


class Side(IntEnum):
    """Which way the energy of a step flows."""

    BUY = 0
    SELL = 1


class SkipReason(IntEnum):
    """Why an order was left out of its batch; checked in this order, the first that applies is given."""

    NONE = 0
    MALFORMED_STEPS = 1
    UNKNOWN_PARTICIPANT = 2
    SUSPENDED = 3
    BELOW_MARGIN = 4
    DUPLICATE_ORDER = 5
    OVER_CONNECTION_LIMIT = 6
    OVER_ENVELOPE = 7
    """Above limits to which the interval's operating envelope narrowed the connection's."""
    BAD_SIGNATURE = 8
    LANE_FULL = 9


class ReadingStatus(IntEnum):
    """Who vouches for a reading."""

    MISSING = 0
    ATTESTED = 1
    """The metering operator."""
    METER_SIGNED = 2
    """The meter's own key; it outranks the metering operator."""
    RESERVED = 3
    """Refused wherever readings are taken."""
