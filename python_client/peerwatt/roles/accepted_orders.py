"""What of every order of a gated interval is accepted, by what the chain says of the interval."""

from __future__ import annotations

from peerwatt.client import IntervalState, IntervalView
from peerwatt.market.accepted import Accepted
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.market.settlement import accepted_by_batch
from peerwatt.market.terms import Terms
from peerwatt.messages import decode_records


def terms_of(state: IntervalState) -> Terms:
    """What a gated interval is settled by, as far as the gate has decided it."""
    said = state.terms
    return Terms(
        clearing=state.clearing,
        verdict=said.verdict,
        loss_rate=said.loss_rate,
        volume=said.volume,
        delivered=said.delivered,
        tariff=Tariff(said.retail, said.feed_in, said.network_fee),
    )


def accepted_orders(view: IntervalView, terms: Terms, config: MarketConfig) -> dict[int, Accepted]:
    """What of every order is accepted, by account.

    Args:
        view: the interval, with its verdict.
        terms: what it is settled by.
        config: the market's parameters.
    """
    found: dict[int, Accepted] = {}
    for batch, packed in enumerate(view.records):
        records = decode_records(packed)
        decisions = view.decisions.get(batch, b"")
        accepted = accepted_by_batch(records, decisions, terms, config)
        found |= {record.participant: of for record, of in zip(records, accepted, strict=True)}
    return found
