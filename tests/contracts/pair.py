"""The contracts and their Python twin, driven side by side: whatever one says, the other must say."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Any, TypeVar

from onchain import TARIFF, OnChainMarket, participants, role

from peerwatt.chain import ContractReverted
from peerwatt.client import BatchData, IntervalState, PostedBatch
from peerwatt.market import FIRST_PARTICIPANT, MarketError, MarketTwin, Participant, SystemAccount
from peerwatt.market.interval_ring import Phase
from peerwatt.market.market_rules import MarketConfig
from peerwatt.messages import (
    MeterCorrection,
    MeterReading,
    NetworkReport,
    OperatingEnvelope,
    SignedOrder,
    SignedReading,
    encode_records,
)

Result = TypeVar("Result")


class MarketPair:
    """A market on chain and its twin.

    Every method makes one call on both, at the same second, and fails unless they agree on the outcome: taken
    by both, or refused by both under one name, which is raised as the twin's error.

    Attributes:
        chain: the contracts.
        twin: the reference.
        time: when the next call is made at the earliest; a call takes a second.
    """

    def __init__(self, chain: OnChainMarket) -> None:
        self.chain = chain
        config: MarketConfig = chain.config
        metering_operator = chain.client.registry.functions.holderOf(role("metering operator")).call()
        self.twin = MarketTwin(config, TARIFF, chain.domain, metering_operator)
        self.twin.register(participants(chain.size, chain.limit))
        self.twin.cover(chain.client.registry.functions.supplierCover().call())
        for account in range(FIRST_PARTICIPANT + chain.size):
            self.twin.deposit(account, chain.client.accounts(account + 1)[account][0])
        self.time = 0
        self._settled_by: dict[tuple[int, int], tuple[int, int]] = {}

    def mark(self) -> Any:
        """A state to come back to."""
        return self.chain.network.snapshot(), copy.deepcopy(self.twin)

    def back_to(self, mark: Any) -> None:
        snapshot, twin = mark
        self.chain.network.revert(snapshot)
        self.twin = copy.deepcopy(twin)
        self.time = 0
        self._settled_by.clear()

    # Calls

    def post(self, interval: int, orders: Sequence[SignedOrder]) -> PostedBatch:
        posted, expected = self._both(
            lambda: self.chain.client.post(interval, orders),
            lambda now: self.twin.post(interval, orders, now=now),
        )
        assert posted.batch == expected.batch
        assert posted.packed == (encode_records(expected.records) if expected.records else b"")
        if posted.batch is not None:
            assert posted.previous == self.twin.interval(interval).batches[posted.batch].previous
        assert [astuple(skip) for skip in posted.skipped] == [astuple(skip) for skip in expected.skipped]
        return posted

    def publish_envelope(self, envelope: OperatingEnvelope) -> None:
        self._both(
            lambda: self.chain.publish(envelope),
            lambda now: self.twin.publish_envelope(envelope, now=now),
        )

    def clear(self, interval: int) -> int:
        """Returns the matched volume, Wh."""
        _, cleared = self._both(
            lambda: self.chain.client.clear(interval), lambda now: self.twin.clear(interval, now=now)
        )
        assert self.state(interval).clearing_word == cleared.clearing.pack()
        assert self.chain.client.clearing_hash(interval) == self.twin.interval(interval).clearing_hash
        return int(cleared.volume)

    def report(self, report: NetworkReport, decisions: Sequence[bytes] = ()) -> None:
        signers, signatures = self.chain.quorum_of(report)
        self._both(
            lambda: self.chain.client.report(report, decisions, signers, signatures),
            lambda now: self.twin.report(report, decisions, now=now),
        )

    def expire(self, interval: int) -> None:
        self._both(
            lambda: self.chain.client.expire(interval), lambda now: self.twin.expire(interval, now=now)
        )

    def attest(self, interval: int, readings: Sequence[bytes], delivered: int, signature: bytes) -> None:
        self._both(
            lambda: self.chain.client.attest(interval, readings, delivered, signature),
            lambda now: self.twin.attest(interval, readings, delivered, signature, now=now),
        )

    def overrule(self, interval: int, batch: int, signed: Sequence[SignedReading]) -> None:
        data = self.batch(interval, batch)
        (_, readings), _ = self._both(
            lambda: self.chain.client.overrule(interval, batch, data, signed),
            lambda now: self.twin.overrule(interval, batch, signed, now=now),
        )
        assert readings == self.twin.interval(interval).batches[batch].readings

    def settle(self, interval: int, batch: int) -> None:
        data = self.batch(interval, batch)
        receipt, _ = self._both(
            lambda: self.chain.client.settle(interval, batch, data),
            lambda now: self.twin.settle(interval, batch, now=now),
        )
        self._settled_by[interval, batch] = self.chain.client.settlement_terms(receipt)

    def propose(
        self, interval: int, batch: int, run: int, delivered: int, readings: bytes
    ) -> MeterCorrection:
        data = self.batch(interval, batch)
        signature = self.chain.correction(interval, batch, data, run, readings, delivered)
        said = interval, batch, run, delivered
        _, proposed = self._both(
            lambda: self.chain.corrections.propose(
                interval, batch, data, run, delivered, readings, signature
            ),
            lambda now: self.twin.corrections.propose(
                *said, data.unread(interval, batch), readings, signature, now=now
            ),
        )
        assert isinstance(proposed, MeterCorrection)
        return proposed

    def book(self, interval: int, batch: int, run: int, delivered: int, readings: bytes) -> None:
        """Book a correction that was proposed."""
        data, settled_by = self.batch(interval, batch), self._settled_by.get((interval, batch), (0, 0))
        receipt, _ = self._both(
            lambda: self.chain.client.correct(interval, batch, data, settled_by, run, delivered, readings),
            lambda now: self.twin.correct(interval, batch, run, delivered, readings, now=now),
        )
        self._settled_by[interval, batch] = self.chain.client.settlement_terms(receipt)

    def correct(self, interval: int, batch: int, run: int, delivered: int, readings: bytes) -> None:
        """Propose a correction and book it when its delay is over."""
        self.propose(interval, batch, run, delivered, readings)
        self.time += self.twin.config.correction_delay
        self.book(interval, batch, run, delivered, readings)

    def contest(self, reading: MeterReading, signature: bytes) -> None:
        self._both(
            lambda: self.chain.corrections.contest(reading, signature),
            lambda now: self.twin.corrections.contest(reading, signature, now=now),
        )

    def cancel(self, said: MeterCorrection) -> None:
        self._both(
            lambda: self.chain.corrections.cancel(said.struct_hash()),
            lambda now: self.twin.corrections.cancel(said),
        )

    def register(self, newcomers: Sequence[Participant]) -> None:
        self.chain.cover(newcomers)
        self.twin.cover(self.chain.client.registry.functions.supplierCover().call())
        self.chain.register_within_cover(newcomers)
        self.twin.register(newcomers)

    def suspend(self, account: int) -> None:
        call = self.chain.client.registry.functions.setSuspended(account, True)
        self._both(lambda: self.chain.sender.send(call), lambda now: self.twin.suspend(account, now=now))

    def deposit(self, account: int, amount: int) -> None:
        self._both(
            lambda: self.chain.client.deposit(account, amount), lambda now: self.twin.deposit(account, amount)
        )

    def withdraw(self, account: int, amount: int) -> None:
        client = self.chain.as_wallet(account)
        self._both(lambda: client.withdraw(account, amount), lambda now: self.twin.withdraw(account, amount))

    def take_out_energy(self, account: int, amount: int) -> None:
        client = self.chain.as_wallet(account)
        self._both(
            lambda: client.sender.send(client.market.functions.takeOutEnergy(account, amount)),
            lambda now: self.twin.take_out_energy(account, amount),
        )

    def request_exit(self, account: int) -> None:
        client = self.chain.as_wallet(account)
        self._both(
            lambda: client.sender.send(client.market.functions.requestExit(account)),
            lambda now: self.twin.request_exit(account, now=now),
        )

    def finish_exit(self, account: int) -> None:
        client = self.chain.client
        self._both(
            lambda: client.sender.send(client.market.functions.finishExit(account)),
            lambda now: self.twin.finish_exit(account, now=now),
        )

    def _both(self, on_chain: Callable[[], Result], in_twin: Callable[[int], Any]) -> tuple[Result, Any]:
        now = max(self.time, self.chain.network.latest_timestamp() + 1)
        self.time = now + 1
        expected: Any = None
        refusal: MarketError | None = None
        try:
            expected = in_twin(now)
        except MarketError as error:
            refusal = error
        self.chain.network.set_next_timestamp(now)
        try:
            result = on_chain()
        except ContractReverted as reverted:
            if refusal is None or reverted.name != type(refusal).__name__:
                raise AssertionError(f"the contract: {reverted}; its twin: {refusal!r}") from None
            raise refusal from None
        assert refusal is None, f"the contract took what its twin refused: {refusal}"
        return result, expected

    # What both must agree on

    def batch(self, interval: int, number: int) -> BatchData:
        """A batch as it must be supplied again; of one that does not exist, nothing."""
        batches = self.twin.interval(interval).batches
        if number >= len(batches):
            return BatchData(b"")
        batch = batches[number]
        return BatchData(
            encode_records(batch.records), batch.decisions or b"", batch.readings or b"", batch.previous
        )

    def state(self, interval: int) -> IntervalState:
        return self.chain.client.interval(interval)

    def compare(self, interval: int) -> None:
        """Everything that can be read of an interval and of all accounts."""
        state, expected = self.state(interval), self.twin.interval(interval)
        assert (state.number, state.phase, state.attested) == (
            expected.number,
            expected.phase,
            expected.attested,
        )
        assert state.batches == len(expected.batches)
        assert state.settled == sum(batch.settled is not None for batch in expected.batches)
        terms = expected.terms
        assert astuple(state.terms) == (
            terms.verdict,
            terms.run,
            terms.loss_rate,
            terms.volume,
            terms.delivered,
            *astuple(terms.tariff),
        )
        assert state.accounts == (expected.accounts if expected.phase == Phase.OPEN else None)
        for number, batch in enumerate(expected.batches):
            assert self.chain.client.batch_commitment(interval, number) == batch.commitment
        self.compare_accounts()

    def compare_accounts(self) -> None:
        client, ledger = self.chain.client, self.twin.ledger
        expected = [(ledger[account].cash, ledger[account].energy) for account in range(len(ledger))]
        assert client.accounts(len(ledger)) == expected
        assert client.totals() == (ledger.total_debt, ledger.delivered, ledger.taken_out)
        free = client.market.functions.freeBalance
        for account in range(len(ledger)):
            assert free(account).call() == self.twin.free_balance(account)
        self.conserved()

    def conserved(self) -> None:
        """What must always hold, read from the chain alone, as equalities."""
        client = self.chain.client
        accounts = client.accounts(client.account_count())
        debt, delivered, taken_out = client.totals()
        assert sum(cash for cash, _ in accounts) == client.token_balance()
        assert sum(energy for _, energy in accounts) + taken_out == delivered
        assert sum(max(0, -cash) for cash, _ in accounts[SystemAccount.SUPPLIER + 1 :]) == debt
        supply = client.energy_token.functions.totalSupply().call()
        retired = sum(
            event["args"]["amount"] for event in client.energy_token.events.Retired().get_logs(from_block=0)
        )
        assert supply + retired == taken_out
