"""What an interval is settled by."""

from dataclasses import dataclass

from peerwatt.market.config import Tariff
from peerwatt.messages import Clearing, Verdict


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything but the readings that an interval is settled by.

    Attributes:
        clearing: The auction's outcome as the gate left it.
        verdict: What the gate decided.
        loss_rate: Losses where no decision names them, ppm of the accepted energy.
        volume: Accepted energy V, Wh; when it is 0 nothing stands, whatever the clearing says.
        delivered: Peer energy D that was metered as delivered, Wh.
        tariff: The prices around the peer trade.
        run: 1 for the first settlement, higher for corrections.
    """

    clearing: Clearing
    verdict: Verdict
    loss_rate: int
    volume: int
    delivered: int
    tariff: Tariff
    run: int = 1

    def pack(self) -> int:
        """The contract's word, without the clearing; `contracts/libraries/Terms.sol` draws it."""
        fields = (
            (self.verdict, 0),
            (self.run, 8),
            (self.loss_rate, 24),
            (self.delivered, 48),
            (self.volume, 88),
            (self.tariff.retail, 128),
            (self.tariff.feed_in, 144),
            (self.tariff.network_fee, 160),
        )
        return sum(value << shift for value, shift in fields)
