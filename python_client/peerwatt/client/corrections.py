"""Corrections of a market: proposed in public, contradicted by meters, cancelled by the operator."""

from __future__ import annotations

from dataclasses import dataclass

from web3.types import TxReceipt

from peerwatt.client.market import MarketClient
from peerwatt.client.state import BatchData
from peerwatt.messages import MeterCorrection, MeterReading, metered_commitment, require_own_registers


@dataclass(frozen=True)
class ProposedCorrection:
    """A correction that was proposed.

    Attributes:
        id: 32 bytes, by which the market knows it.
        since: from when on it can be booked, Unix time.
    """

    id: bytes
    since: int


class CorrectionBoard:
    """Where corrections are proposed and contested, seen through one sender.

    Attributes:
        client: the market.
    """

    def __init__(self, client: MarketClient) -> None:
        self.client = client
        self.contract = client.deployment.contract(client.network, "Corrections")

    def propose(
        self,
        interval: int,
        batch: int,
        data: BatchData,
        run: int,
        delivered: int,
        readings: bytes,
        signature: bytes,
    ) -> ProposedCorrection:
        """Propose corrected readings of a batch; `MarketClient.correct` books them when their delay is over.

        Args:
            interval: the interval.
            batch: the batch.
            data: the batch; its readings do not matter here.
            run: the correction's, higher than the last.
            delivered: peer energy delivered by the corrected readings, Wh.
            readings: the corrected readings of the batch, packed.
            signature: the metering operator's, over what `correction_of` makes, 64 bytes.
        """
        unread = data.unread(interval, batch)
        call = self.contract.functions.propose(interval, batch, run, delivered, unread, readings, signature)
        receipt = self.client.sender.send(call)
        [event] = self.contract.events.CorrectionProposed().process_receipt(receipt)
        return ProposedCorrection(bytes(event["args"]["id"]), int(event["args"]["from"]))

    def contest(self, reading: MeterReading, signature: bytes) -> TxReceipt:
        """Hand in what a meter recorded, under its own signature: no correction may say otherwise of it.

        Raises:
            InputError: the reading contradicts its own registers, which the contract does not look at.
        """
        where = f"reading of account {reading.participant}, interval {reading.interval}"
        require_own_registers(reading, where)
        values = tuple(reading.values().values())
        return self.client.sender.send(self.contract.functions.contest(values, signature))

    def cancel(self, correction: bytes) -> TxReceipt:
        """Cancel a proposed correction by its id. Only the market's operator may."""
        return self.client.sender.send(self.contract.functions.cancel(correction))

    def bookable_from(self, correction: bytes) -> int:
        """From when on a proposed correction can be booked, Unix time; 0 for one that nobody proposed."""
        return int(self.contract.functions.bookableFrom(correction).call())

    def left(self) -> int:
        """What corrections may still move today, base units."""
        return int(self.contract.functions.left().call())


def correction_of(
    interval: int, batch: int, data: BatchData, run: int, delivered: int, readings: bytes
) -> MeterCorrection:
    """What the metering operator signs of corrected readings of a batch."""
    word = metered_commitment(data.unread(interval, batch), readings)
    return MeterCorrection(interval, batch, run, word, delivered)
