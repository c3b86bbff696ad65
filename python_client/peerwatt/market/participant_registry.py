"""Who takes part, and what each one's connection can carry."""

from dataclasses import dataclass
from enum import IntEnum

from peerwatt.messages import Order, Side


class Status(IntEnum):
    """Standing of a participant; only an active one may post."""

    ACTIVE = 1
    SUSPENDED = 2
    EXITING = 3
    EXITED = 4


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant and its meter.

    Attributes:
        order_key: Address whose key signs its orders.
        meter_key: Address whose key signs its meter's readings.
        import_limit: Power that its connection may draw, units of 100 W.
        export_limit: Power that its connection may feed in, units of 100 W.
    """

    order_key: str
    meter_key: str
    import_limit: int
    export_limit: int


@dataclass(frozen=True, slots=True)
class EnergyLimits:
    """What a connection can carry in one interval, Wh.

    Attributes:
        imported: Most that it can draw.
        exported: Most that it can feed in.
    """

    imported: int
    exported: int

    def carry(self, order: Order) -> bool:
        """Whether both sides of an order are within them."""
        return order.total(Side.BUY) <= self.imported and order.total(Side.SELL) <= self.exported
