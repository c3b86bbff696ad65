"""The reference twin as it is told of a market's transactions: each call is made again in plain integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from peerwatt.client import MarketTransaction
from peerwatt.client.market_follower import DEPLOYMENT
from peerwatt.market.energy_market import MarketTwin
from peerwatt.market.errors import MarketError
from peerwatt.market.ledger import SystemAccount
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.market.order_book import Posting
from peerwatt.market.participant_registry import Participant, Party
from peerwatt.market.sealed_batches import SealedBatches
from peerwatt.market.settlement import Entries
from peerwatt.messages import (
    Domain,
    MeterCorrection,
    MeterReading,
    OperatingEnvelope,
    SkipReason,
    decode_limits,
    decode_orders,
    decode_records,
    decode_signed_readings,
)
from peerwatt.oracle.report_bytes import report_of

IGNORED: Final = frozenset(
    {
        DEPLOYMENT,
        "scheduleCommittee",
        "offerRole",
        "acceptRole",
        "proposeWallet",
        "vetoWallet",
        "acceptWallet",
        "proposeTariff",
        "setPostingPaused",
    }
)
"""Calls about who may do what, which is the chain's alone to check."""
MONEY: Final = frozenset({"deposit", "withdraw", "correct"})
"""Calls that change balances besides the settlements."""


class ToldTwin:
    """The reference of one market.

    Attributes:
        market: the twin.
        sealed: its sealed phase, where it has one.
        settled: of each interval that was settled, the terms word and the clearing word of its batches.
        booked: of each interval that was settled or corrected, what changed in every account, base units.
    """

    def __init__(self, config: MarketConfig, tariff: Tariff, domain: Domain, metering_operator: str) -> None:
        """
        Args:
            config: what the market was created with.
            tariff: the first one.
            domain: of the market.
            metering_operator: address of the key that attests.
        """
        self.market = MarketTwin(config, tariff, domain, metering_operator)
        self.sealed = SealedBatches(self.market) if config.is_sealed else None
        self.settled: dict[int, dict[int, tuple[int, int]]] = {}
        self.booked: dict[int, list[int]] = {}
        self._proposed: dict[bytes, MeterCorrection] = {}

    def apply(self, transaction: MarketTransaction) -> str:
        """Make a transaction's call again.

        Returns:
            In what the reference differs from the chain; nothing where it does not.
        """
        if transaction.call in IGNORED:
            return ""
        call = _CALLS.get(transaction.call)
        if call is None:
            what = transaction.call or "a call by another contract"
            return f"{what} in block {transaction.block}: the reference does not know it"
        try:
            return call(self, transaction, transaction.arguments) or ""
        except MarketError as refused:
            return (
                f"{transaction.call} in block {transaction.block}: taken on chain, refused in the reference: "
                f"{refused}"
            )

    def _register(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.market.register(
            Participant(order_key, meter_key, imported, exported)
            for _, order_key, meter_key, _, imported, exported in said["participants"]
        )

    def _suspend(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [suspended] = transaction.named("Suspended")
        for party, by in ((Party.OPERATOR, "byOperator"), (Party.SUPPLIER, "bySupplier")):
            if suspended[by]:
                self.market.suspend(suspended["index"], party, now=transaction.time)
            else:
                self.market.readmit(suspended["index"], party)

    def _cover(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.market.cover(said["cover"])

    def _deposit(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [deposited] = transaction.named("Deposited")
        self.market.deposit(deposited["account"], deposited["amount"])

    def _withdraw(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [withdrawn] = transaction.named("Withdrawn")
        self.market.withdraw(withdrawn["account"], withdrawn["amount"])

    def _take_out(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [taken] = transaction.named("EnergyTakenOut")
        self.market.take_out_energy(taken["account"], taken["amount"])

    def _request_exit(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [asked] = transaction.named("ExitRequested")
        self.market.request_exit(asked["account"], now=transaction.time)

    def _finish_exit(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [left] = transaction.named("Exited")
        self.market.finish_exit(left["account"], now=transaction.time)

    def _publish_envelope(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [published] = transaction.named("EnvelopePublished")
        envelope = OperatingEnvelope(
            published["interval"],
            published["page"],
            bytes(published["feederHash"]),
            bytes(published["inputsHash"]),
            decode_limits(bytes(published["limits"])),
        )
        self.market.publish_envelope(envelope, now=transaction.time)

    def _post(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> str:
        orders = decode_orders(bytes(said["orders"]), said["interval"])
        return _compared(transaction, self.market.post(said["interval"], orders, now=transaction.time))

    def _commit(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        assert self.sealed is not None
        [committed] = transaction.named("Committed")
        self.sealed.commit(
            committed["relayer"], committed["interval"], bytes(committed["seal"]), now=transaction.time
        )

    def _reveal(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> str:
        assert self.sealed is not None
        interval = said["interval"]
        orders = decode_orders(bytes(said["orders"]), interval)
        posting = self.sealed.reveal(
            transaction.sender, interval, orders, bytes(said["salt"]), now=transaction.time
        )
        return _compared(transaction, posting or Posting(None, (), ()))

    def _forfeit(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        assert self.sealed is not None
        [forfeited] = transaction.named("Forfeited")
        self.sealed.forfeit(
            forfeited["interval"], forfeited["relayer"], bytes(forfeited["seal"]), now=transaction.time
        )

    def _collect(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        assert self.sealed is not None
        [collected] = transaction.named("Collected")
        self.sealed.collect(collected["relayer"])

    def _clear(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.market.clear(said["interval"], now=transaction.time)

    def _report(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        decisions = [bytes(packed) for packed in said["decisions"]]
        self.market.report(report_of(said["r"]), decisions, now=transaction.time)

    def _expire(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.market.expire(said["interval"], now=transaction.time)

    def _attest(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        readings = [bytes(packed) for packed in said["readings"]]
        self.market.attest(
            said["interval"], readings, said["delivered"], bytes(said["signature"]), now=transaction.time
        )

    def _overrule(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        signed = decode_signed_readings(bytes(said["signed"]))
        self.market.overrule(said["interval"], said["batch"], signed, now=transaction.time)

    def _settle(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        interval, batch = said["interval"], said["batch"]
        entries = self.market.settle(interval, batch, now=transaction.time)
        [settled] = transaction.named("BatchSettled")
        compared = self.settled.setdefault(interval, {})
        compared[batch] = settled["terms"], settled["clearing"]
        self._book(interval, batch, entries)

    def _forget(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.market.give_up(said["interval"], now=transaction.time)

    def _correct(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        interval, batch = said["interval"], said["batch"]
        entries = self.market.correct(
            interval,
            batch,
            said["run"],
            said["delivered"],
            bytes(said["newReadings"]),
            now=transaction.time,
        )
        self._book(interval, batch, entries)

    def _propose(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [proposed] = transaction.named("CorrectionProposed")
        self._proposed[bytes(proposed["id"])] = self.market.corrections.propose(
            said["interval"],
            said["batch"],
            said["run"],
            said["delivered"],
            bytes(said["unread"]),
            bytes(said["readings"]),
            bytes(said["signature"]),
            now=transaction.time,
        )

    def _contest(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        reading = MeterReading(*said["reading"])
        self.market.corrections.contest(reading, bytes(said["signature"]), now=transaction.time)

    def _cancel(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.market.corrections.cancel(self._proposed[bytes(said["id"])])

    def _book(self, interval: int, batch: int, entries: Sequence[Entries]) -> None:
        """Note what the reference booked for a batch."""
        cash = self.booked.setdefault(interval, [0] * len(self.market.ledger))
        for record, booked in zip(
            self.market.interval(interval).batches[batch].records, entries, strict=True
        ):
            cash[record.participant] += booked.participant_cash
            cash[SystemAccount.GRID_OPERATOR] += booked.grid_operator_cash
            cash[SystemAccount.COMMUNITY] += booked.community_cash
            cash[SystemAccount.SUPPLIER] += booked.supplier_cash


def _compared(transaction: MarketTransaction, expected: Posting) -> str:
    """Whether the chain took and skipped the same orders as the reference; a difference if not."""
    posted = transaction.named("BatchPosted")
    records = decode_records(bytes(posted[0]["records"])) if posted else ()
    skipped = [
        (skip["position"], skip["participant"], SkipReason(skip["reason"]))
        for skip in transaction.named("OrderSkipped")
    ]
    own = [(skip.position, skip.participant, skip.reason) for skip in expected.skipped]
    if records == expected.records and skipped == own:
        return ""
    return f"interval {transaction.interval}: the reference takes other orders"


_CALLS: Final[Mapping[str, Callable[[ToldTwin, MarketTransaction, Mapping[str, Any]], str | None]]] = {
    "register": ToldTwin._register,
    "setSupplierCover": ToldTwin._cover,
    "setSuspended": ToldTwin._suspend,
    "deposit": ToldTwin._deposit,
    "withdraw": ToldTwin._withdraw,
    "takeOutEnergy": ToldTwin._take_out,
    "requestExit": ToldTwin._request_exit,
    "finishExit": ToldTwin._finish_exit,
    "publishEnvelope": ToldTwin._publish_envelope,
    "post": ToldTwin._post,
    "commit": ToldTwin._commit,
    "reveal": ToldTwin._reveal,
    "forfeit": ToldTwin._forfeit,
    "collect": ToldTwin._collect,
    "clear": ToldTwin._clear,
    "report": ToldTwin._report,
    "expire": ToldTwin._expire,
    "attest": ToldTwin._attest,
    "overrule": ToldTwin._overrule,
    "settle": ToldTwin._settle,
    "forget": ToldTwin._forget,
    "correct": ToldTwin._correct,
    "propose": ToldTwin._propose,
    "contest": ToldTwin._contest,
    "cancel": ToldTwin._cancel,
}
