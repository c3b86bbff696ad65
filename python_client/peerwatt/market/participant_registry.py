"""Who takes part, and what each one's connection can carry."""

from dataclasses import dataclass
from enum import IntEnum

from peerwatt.addresses import checked_address
from peerwatt.messages import Order, Side


class Status(IntEnum):
    """Standing of a participant; only an active one may post."""

    ACTIVE = 1
    SUSPENDED = 2
    EXITING = 3
    EXITED = 4


class Party(IntEnum):
    """Who suspends participants: each for itself, so that whoever suspends must agree to readmit."""

    OPERATOR = 0
    SUPPLIER = 1


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant and its meter.

    Attributes:
        order_key: Address whose key signs its orders; empty where nobody shall.
        meter_key: Address whose key signs its meter's readings; empty where nobody shall.
        import_limit: Power that its connection may draw, units of 100 W.
        export_limit: Power that its connection may feed in, units of 100 W.

    Raises:
        InputError: An address is none, or has a wrong checksum.
    """

    order_key: str
    meter_key: str
    import_limit: int
    export_limit: int

    def __post_init__(self) -> None:
        # Signatures recover to addresses with their checksum, and are compared with these.
        for name in ("order_key", "meter_key"):
            if getattr(self, name):
                object.__setattr__(self, name, checked_address(getattr(self, name), f"Participant.{name}"))


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
