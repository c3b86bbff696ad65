"""The reference twin beside a market: told the chain's transactions in order, and compared with the chain.

Nobody asks it anything: it can look at a live market as well as at a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from eth_utils.address import to_checksum_address

from peerwatt.client import MarketClient, MarketTransaction
from peerwatt.client.market_follower import DEPLOYMENT
from peerwatt.market.energy_market import MarketTwin
from peerwatt.market.errors import MarketError
from peerwatt.market.ledger import SystemAccount
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.market.order_book import Posting
from peerwatt.market.participant_registry import Participant
from peerwatt.market.sealed_batches import SealedBatches
from peerwatt.market.settlement import Entries
from peerwatt.messages import (
    Clearing,
    OperatingEnvelope,
    SkipReason,
    TermsWord,
    decode_limits,
    decode_orders,
    decode_records,
    decode_signed_readings,
)
from peerwatt.oracle.report_bytes import report_of
from peerwatt.replay.books import Books, SettledOnChain, differences, read_books

Settled = Callable[[int, Sequence[int]], None]
"""Told an interval and what its settlement changed, base units, by account."""
IGNORED: Final = frozenset({DEPLOYMENT, "scheduleCommittee", "offerRole", "acceptRole"})
"""Calls about who may do what, which is the chain's alone to check."""
MONEY: Final = frozenset({"deposit", "withdraw", "forfeit", "correct"})
"""Calls that change balances besides the settlements."""
_SAVED: Final = (
    *("mismatched", "first_difference", "conservation_error", "books"),
    *("_twin", "_sealed", "_purses", "_to_compare", "_booked", "_money_moved"),
)
"""Attributes that a replay goes on with."""


class TwinObserver:
    """Compares one market with its reference.

    Attributes:
        mismatched: the intervals in which chain and reference differ.
        first_difference: the first difference that was found, or nothing.
        conservation_error: the largest error found at any time, base units plus Wh.
        books: the market's, when they were read last.
        settled: told of every settlement.
    """

    def __init__(
        self,
        client: MarketClient,
        config: MarketConfig,
        tariff: Tariff,
        metering_operator: str,
    ) -> None:
        """
        Args:
            client: the market, for reading.
            config: what it was created with.
            tariff: the first one.
            metering_operator: address of the key that attests.
        """
        self.mismatched: set[int] = set()
        self.first_difference = ""
        self.conservation_error = 0
        self._client = client
        self._founded = config, tariff, client.domain, metering_operator
        self.settled: Settled = lambda interval, cash: None
        self._history: list[MarketTransaction] = []
        self._start()
        self.books: Books = read_books(client, len(SystemAccount))
        self._purses: dict[str, int] = {}
        self._to_compare: dict[int, dict[int, tuple[int, int]]] = {}
        self._booked: dict[int, list[int]] = {}
        self._money_moved = False

    def _start(self) -> None:
        self._twin = MarketTwin(*self._founded)
        self._sealed = SealedBatches(self._twin) if self._twin.config.is_sealed else None

    def forget(self, before: int) -> None:
        """Forget intervals that are settled and that nobody will correct, up to one."""
        self._twin.forget(before)

    def save(self) -> object:
        """The reference and what was found so far; to be called after `check`."""
        return {name: getattr(self, name) for name in _SAVED}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `save` gave."""
        for name in _SAVED:
            setattr(self, name, saved[name])

    # What the follower tells

    def take(self, transaction: MarketTransaction) -> None:
        """As `Observer` has it."""
        if not self._client.network.controls_time:
            self._history.append(transaction)
        self._money_moved |= transaction.call in MONEY
        try:
            self._apply(transaction)
        except MarketError as refused:
            self._differ(
                transaction.interval or 0,
                f"{transaction.call} in block {transaction.block}: taken on chain, refused in the reference: "
                f"{refused}",
            )

    def take_back(self, block: int) -> None:
        """As `Observer` has it: the reference is made again from what is still on the chain."""
        kept = [transaction for transaction in self._history if transaction.block <= block]
        self._history.clear()
        self._start()
        for transaction in kept:
            self.take(transaction)

    def read_books(self) -> None:
        """Read the market's books, without comparing them."""
        self.books = read_books(self._client, len(self._twin.ledger))
        self._money_moved = False

    def check(self) -> None:
        """Compare the books and every interval that was settled since the last time; to be called when the
        follower is at the chain's newest block.
        """
        if self._sealed is not None:
            self._check_bonds()
        if not self._to_compare:
            return
        before, self.books = self.books, read_books(self._client, len(self._twin.ledger))
        if len(self._booked) == 1 and not self._money_moved:
            # Nothing else was booked since: the chain's own balances tell what the settlement changed.
            [interval] = self._booked
            pairs = zip(self.books.balances, before.balances, strict=True)
            self._booked[interval] = [now[0] - then[0] for now, then in pairs]
        for interval, cash in self._booked.items():
            self.settled(interval, cash)
        self._booked.clear()
        self._money_moved = False
        for interval, batches in self._to_compare.items():
            words = [self._client.batch_commitment(interval, batch) for batch in range(len(batches))]
            terms, clearing = next(iter(batches.values()))
            settled = SettledOnChain(
                TermsWord.unpack(terms), Clearing.unpack(clearing), tuple(words), self.books
            )
            for difference in differences(settled, self._twin, interval):
                self._differ(interval, difference)
        self._to_compare.clear()
        self.conservation_error = max(self.conservation_error, self.books.conservation_error)

    def _differ(self, interval: int, difference: str) -> None:
        self.mismatched.add(interval)
        self.first_difference = self.first_difference or difference

    def _check_bonds(self) -> None:
        """Bonds that are out, on chain as in the reference, and what relayers have left are their purses."""
        assert self._sealed is not None
        tokens = self._client.payment_token.functions
        held = int(tokens.balanceOf(self._client.deployment.addresses["SealedBatches"]).call())
        left = sum(int(tokens.balanceOf(relayer).call()) for relayer in self._purses)
        error = abs(held - self._sealed.held) + abs(left + held - sum(self._purses.values()))
        self.conservation_error = max(self.conservation_error, error)

    # What each transaction does to the reference

    def _apply(self, transaction: MarketTransaction) -> None:
        if transaction.call in IGNORED:
            return
        apply = _CALLS.get(transaction.call)
        if apply is not None:
            apply(self, transaction, transaction.arguments)
        else:
            self._differ(
                transaction.interval or 0,
                f"{transaction.call or 'a call by another contract'} in block {transaction.block}: the "
                "reference does not know it",
            )

    def _register(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self._twin.register(
            Participant(to_checksum_address(order_key), to_checksum_address(meter_key), imported, exported)
            for _, order_key, meter_key, _, imported, exported in said["participants"]
        )

    def _suspend(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        (self._twin.suspend if said["suspended"] else self._twin.readmit)(said["index"])

    def _deposit(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [deposited] = transaction.named("Deposited")
        self._twin.deposit(deposited["account"], deposited["amount"])

    def _withdraw(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [withdrawn] = transaction.named("Withdrawn")
        self._twin.withdraw(withdrawn["account"], withdrawn["amount"])

    def _take_out(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [taken] = transaction.named("EnergyTakenOut")
        self._twin.take_out_energy(taken["account"], taken["amount"])

    def _request_exit(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [asked] = transaction.named("ExitRequested")
        self._twin.request_exit(asked["account"], now=transaction.time)

    def _finish_exit(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [left] = transaction.named("Exited")
        self._twin.finish_exit(left["account"])

    def _publish_envelope(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        [published] = transaction.named("EnvelopePublished")
        envelope = OperatingEnvelope(
            published["interval"],
            published["page"],
            bytes(published["feederHash"]),
            bytes(published["inputsHash"]),
            decode_limits(bytes(published["limits"])),
        )
        self._twin.publish_envelope(envelope, now=transaction.time)

    def _post(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        orders = decode_orders(bytes(said["orders"]), said["interval"])
        self._compare(transaction, self._twin.post(said["interval"], orders, now=transaction.time))

    def _commit(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        assert self._sealed is not None
        [committed] = transaction.named("Committed")
        relayer, bond = committed["relayer"], self._twin.config.bond
        if relayer not in self._purses:
            left = self._client.payment_token.functions.balanceOf(relayer).call()
            self._purses[relayer] = int(left) + bond
        self._sealed.commit(relayer, committed["interval"], bytes(committed["seal"]), now=transaction.time)

    def _reveal(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        assert self._sealed is not None
        interval = said["interval"]
        orders = decode_orders(bytes(said["orders"]), interval)
        posting = self._sealed.reveal(
            transaction.sender, interval, orders, bytes(said["salt"]), now=transaction.time
        )
        self._compare(transaction, posting or Posting(None, (), ()))

    def _forfeit(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        assert self._sealed is not None
        [forfeited] = transaction.named("Forfeited")
        relayer = forfeited["relayer"]
        self._purses[relayer] = self._purses.get(relayer, 0) - self._twin.config.bond
        self._sealed.forfeit(forfeited["interval"], relayer, bytes(forfeited["seal"]), now=transaction.time)

    def _clear(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self._twin.clear(said["interval"], now=transaction.time)

    def _report(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        decisions = [bytes(packed) for packed in said["decisions"]]
        self._twin.report(report_of(said["r"]), decisions, now=transaction.time)

    def _expire(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self._twin.expire(said["interval"], now=transaction.time)

    def _attest(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        readings = [bytes(packed) for packed in said["readings"]]
        self._twin.attest(
            said["interval"], readings, said["delivered"], bytes(said["signature"]), now=transaction.time
        )

    def _overrule(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        signed = decode_signed_readings(bytes(said["signed"]))
        self._twin.overrule(said["interval"], said["batch"], signed, now=transaction.time)

    def _settle(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        interval, batch = said["interval"], said["batch"]
        entries = self._twin.settle(interval, batch, now=transaction.time)
        [settled] = transaction.named("BatchSettled")
        compared = self._to_compare.setdefault(interval, {})
        compared[batch] = settled["terms"], settled["clearing"]
        self._book(interval, batch, entries)

    def _correct(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        interval, batch = said["interval"], said["batch"]
        run, delivered, hashes, signature = said["correction"]
        if len(hashes) > 1:
            # The other batches' readings are on chain as hashes alone.
            self._differ(interval, f"interval {interval}: a correction of several batches is not followed")
            return
        entries = self._twin.correct(
            interval,
            batch,
            run,
            delivered,
            [bytes(said["newReadings"])],
            bytes(signature),
            now=transaction.time,
        )
        self._book(interval, batch, entries)

    def _book(self, interval: int, batch: int, entries: Sequence[Entries]) -> None:
        """Note what the reference booked for a batch."""
        cash = self._booked.setdefault(interval, [0] * len(self._twin.ledger))
        for record, booked in zip(self._twin.interval(interval).batches[batch].records, entries, strict=True):
            cash[record.participant] += booked.participant_cash
            cash[SystemAccount.GRID_OPERATOR] += booked.grid_operator_cash
            cash[SystemAccount.COMMUNITY] += booked.community_cash
            cash[SystemAccount.SUPPLIER] += booked.supplier_cash

    def _compare(self, transaction: MarketTransaction, expected: Posting) -> None:
        """Whether the chain took and skipped the same orders as the reference."""
        posted = transaction.named("BatchPosted")
        records = decode_records(bytes(posted[0]["records"])) if posted else ()
        skipped = [
            (skip["position"], skip["participant"], SkipReason(skip["reason"]))
            for skip in transaction.named("OrderSkipped")
        ]
        own = [(skip.position, skip.participant, skip.reason) for skip in expected.skipped]
        if records != expected.records or skipped != own:
            interval = transaction.interval or 0
            self._differ(interval, f"interval {interval}: the reference takes other orders")


_CALLS: Final[Mapping[str, Callable[[TwinObserver, MarketTransaction, Mapping[str, Any]], None]]] = {
    "register": TwinObserver._register,
    "setSuspended": TwinObserver._suspend,
    "deposit": TwinObserver._deposit,
    "withdraw": TwinObserver._withdraw,
    "takeOutEnergy": TwinObserver._take_out,
    "requestExit": TwinObserver._request_exit,
    "finishExit": TwinObserver._finish_exit,
    "publishEnvelope": TwinObserver._publish_envelope,
    "post": TwinObserver._post,
    "commit": TwinObserver._commit,
    "reveal": TwinObserver._reveal,
    "forfeit": TwinObserver._forfeit,
    "clear": TwinObserver._clear,
    "report": TwinObserver._report,
    "expire": TwinObserver._expire,
    "attest": TwinObserver._attest,
    "overrule": TwinObserver._overrule,
    "settle": TwinObserver._settle,
    "correct": TwinObserver._correct,
}
