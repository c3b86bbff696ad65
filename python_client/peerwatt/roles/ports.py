"""What the parties of a market say to one another besides the chain.

Each port is a small protocol. The party that listens implements it itself, which is its direct form; its form
over HTTP is in `http_ports`. The committee's votes and the forecasts are ports too: `peerwatt.oracle.votes`
and `peerwatt.oracle.forecast_file` have them, where their messages are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from peerwatt.agents.home import Flow
from peerwatt.messages import (
    Domain,
    MeterReading,
    SignatureError,
    SignedOrder,
    SignedReading,
    compact_signature,
)
from peerwatt.messages.domain import TypedMessage
from peerwatt.oracle import Judgement


@dataclass(frozen=True)
class MeterSignedReading:
    """One interval's reading with the meter's own signature under the market's domain.

    Attributes:
        reading: what the meter counted.
        signature: 64 bytes; what a wallet gives is brought into that form.

    Raises:
        SignatureError: the signature is in no form that a wallet gives.
    """

    reading: MeterReading
    signature: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "signature", compact_signature(self.signature))

    def at(self, position: int) -> SignedReading:
        """The same as an overruling carries it, for the order at a position of a batch."""
        read = self.reading
        return SignedReading(
            position,
            read.imported,
            read.exported,
            read.import_register,
            read.export_register,
            self.signature,
        )


@dataclass(frozen=True)
class OwnReading:
    """A meter's own reading, for its place in a batch.

    Attributes:
        interval: of the reading.
        batch: that holds the participant's order.
        signed: the reading, with its position in the batch.
    """

    interval: int
    batch: int
    signed: SignedReading


class Orders(Protocol):
    """Who carries orders and meters' own readings to the market: the relayer."""

    def accept(self, order: SignedOrder) -> None:
        """Take an order in; it is safe when this returns.

        Raises:
            InputError: it is not signed by its participant's order key, or is not the first for its interval.
        """

    def accept_reading(self, own: OwnReading) -> None:
        """Take a meter's own reading in, to overrule what was attested for it.

        Raises:
            InputError: it is not signed by the meter of the order in whose place it is.
        """


class Readings(Protocol):
    """Who collects readings: the metering desk."""

    def accept(self, signed: MeterSignedReading) -> None:
        """Take an interval's reading in.

        Raises:
            InputError: it is not signed by its participant's meter key, or contradicts its registers.
        """


class Allowances(Protocol):
    """Who says how much an inverter may feed in: the network operator's dispatch."""

    def allowed_export(self, interval: int, account: int) -> int | None:
        """Most that a participant may feed in, Wh; None where everything may flow."""


class Diary(Protocol):
    """Whoever keeps a record of what happens out of the chain's sight; nobody has to."""

    def ordered(self, interval: int, order: SignedOrder, shrunk: bool) -> None:
        """A home signed an order; `shrunk` where it offers less than it wished, for its envelope."""

    def withheld(self, interval: int, account: int) -> None:
        """A home signed no order where it would have without its envelope."""

    def flowed(self, interval: int, account: int, flow: Flow, reading: MeterReading) -> None:
        """A home's interval is over."""

    def judged(self, interval: int, judgement: Judgement) -> None:
        """What the grid made of an interval was derived again from its public inputs."""


def is_signed_by(message: TypedMessage, signature: bytes, domain: Domain, key: str) -> bool:
    """Whether a message bears a key's signature; a malformed signature is nobody's."""
    try:
        return message.recover(domain, signature) == key
    except SignatureError:
        return False
