"""What an interval is settled by."""

from dataclasses import dataclass

from peerwatt.market.market_rules import Tariff
from peerwatt.messages import Clearing, TermsWord, Verdict


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything but the readings that an interval is settled by.

    Attributes:
        clearing: The auction's outcome as the gate left it.
        verdict: What the gate decided.
        loss_rate: Losses where no decision names them, ppm of the accepted energy.
        volume: Accepted energy V, Wh; when it is 0 nothing is accepted of any order, whatever the clearing
            says.
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
        """The contract's word, without the clearing."""
        tariff = self.tariff
        return TermsWord(
            verdict=self.verdict,
            run=self.run,
            loss_rate=self.loss_rate,
            volume=self.volume,
            delivered=self.delivered,
            retail=tariff.retail,
            feed_in=tariff.feed_in,
            network_fee=tariff.network_fee,
        ).pack()
