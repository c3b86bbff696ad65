"""A market on a chain, call by call. Every call may be made by anyone unless it says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from web3.types import TxReceipt

from peerwatt.addresses import checked_address
from peerwatt.chain import BLOCKS_PER_REQUEST, Call, Deployment, Network, Sender
from peerwatt.client.market_view import MarketView
from peerwatt.client.state import BatchData, ClearedAuction, IntervalState, PostedBatch
from peerwatt.errors import ChainError
from peerwatt.market.interval_ring import Phase
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.order_book import SkippedOrder
from peerwatt.market.participant_registry import Participant
from peerwatt.market.pricing import Pricing
from peerwatt.messages import (
    ZERO_HASH,
    Clearing,
    Domain,
    NetworkReport,
    SignedOrder,
    SignedReading,
    SkipReason,
    TermsWord,
    encode_orders,
    encode_signed_readings,
    posted_commitments,
    require_own_registers,
)


@dataclass(frozen=True)
class Registration:
    """A participant as it is registered: what is checked, whose account it is, where it is connected."""

    wallet: ChecksumAddress
    participant: Participant
    node: int

    def __post_init__(self) -> None:
        checked_address(self.wallet, "Registration.wallet")


class MarketClient:
    """One market, seen through one sender.

    Attributes:
        network: the chain.
        deployment: the market's contracts.
        sender: who sends the transactions, and pays their gas.
        domain: what signatures must be made for.
    """

    def __init__(self, network: Network, deployment: Deployment, sender: Sender) -> None:
        self.network = network
        self.deployment = deployment
        self.sender = sender
        self.market = deployment.contract(network, "EnergyMarket")
        self.registry = deployment.contract(network, "ParticipantRegistry")
        self.signed_readings = deployment.contract(network, "SignedReadings")
        self.gate = deployment.contract(network, "GridGate")
        self.payment_token = deployment.contract(network, "PaymentToken")
        self.energy_token = deployment.contract(network, "EnergyToken")
        self.domain = Domain(network.chain_id, self.market.address)

    def watch(self, confirmations: int = 0) -> MarketView:
        """A view of the market that follows its chain, with as many settled intervals as its ring has slots.

        Args:
            confirmations: how many blocks must lie on top of one before it is believed.
        """
        return MarketView(self.network, self.deployment, self.config().ring_size, confirmations)

    # The life of an interval

    def register(self, participants: Sequence[Registration]) -> TxReceipt:
        """Append participants; they get the next account indices. Only the market's operator may."""
        entries = [
            (
                entry.wallet,
                entry.participant.order_key,
                entry.participant.meter_key,
                entry.node,
                entry.participant.import_limit,
                entry.participant.export_limit,
            )
            for entry in participants
        ]
        return self.sender.send(self.registry.functions.register(entries))

    def post(self, interval: int, orders: Sequence[SignedOrder]) -> PostedBatch:
        """Post a batch of signed orders; bad ones are skipped, with a reason each."""
        return self.posted(self.sender.send(self.post_call(interval, orders)))

    def post_call(self, interval: int, orders: Sequence[SignedOrder]) -> Call:
        """The call that posts a batch, for whoever does not wait for its receipt."""
        return self.market.functions.post(interval, encode_orders(orders))

    def posted(self, receipt: TxReceipt) -> PostedBatch:
        """What the receipt of a `post` says."""
        posted = self.market.events.BatchPosted().process_receipt(receipt)
        skipped = self.market.events.OrderSkipped().process_receipt(receipt)
        event = posted[0]["args"] if posted else None
        previous = ZERO_HASH
        if event and event["batch"]:
            previous = self._posted_word(event["interval"], event["batch"] - 1, receipt["blockNumber"])
        return PostedBatch(
            batch=event["batch"] if event else None,
            packed=bytes(event["records"]) if event else b"",
            previous=previous,
            skipped=tuple(
                SkippedOrder(
                    event["args"]["position"],
                    event["args"]["participant"],
                    SkipReason(event["args"]["reason"]),
                )
                for event in skipped
            ),
            gas=receipt["gasUsed"],
        )

    def _posted_word(self, interval: int, batch: int, before: int) -> bytes:
        """The word of a batch as it was posted, whatever came to it since.

        Asked of the newest block, whose state every node has; a report adds to the word, and from then on it
        follows from the records.
        """
        if self.interval(interval).phase < Phase.GATED:
            return self.batch_commitment(interval, batch)
        records: dict[int, bytes] = {}
        event = self.market.events.BatchPosted()
        for last in range(before, self.deployment.block - 1, -BLOCKS_PER_REQUEST):
            first = max(self.deployment.block, last - BLOCKS_PER_REQUEST + 1)
            for found in event.get_logs({"interval": interval}, from_block=first, to_block=last):
                records[int(found["args"]["batch"])] = bytes(found["args"]["records"])
            if 0 in records:
                break
        if not all(number in records for number in range(batch + 1)):
            raise ChainError(
                f"{self.network.endpoint}: records of interval {interval} are missing: ask another node"
            )
        return posted_commitments(interval, [records[number] for number in range(batch + 1)])[-1]

    def clear(self, interval: int) -> ClearedAuction:
        """Run the auction, after gate closure."""
        receipt = self.sender.send(self.market.functions.clear(interval))
        [event] = self.market.events.Cleared().process_receipt(receipt)
        return ClearedAuction(
            clearing=Clearing.unpack(event["args"]["clearing"]),
            volume=event["args"]["volume"],
            clearing_hash=bytes(event["args"]["clearingHash"]),
            gas=receipt["gasUsed"],
        )

    def report(
        self, report: NetworkReport, decisions: Sequence[bytes], signers: int, signatures: bytes
    ) -> TxReceipt:
        """Apply the committee's verdict; the arguments are those of `report_call`."""
        return self.sender.send(self.report_call(report, decisions, signers, signatures))

    def report_call(
        self, report: NetworkReport, decisions: Sequence[bytes], signers: int, signatures: bytes
    ) -> Call:
        """The call that applies the committee's verdict, for whoever does not wait for its receipt.

        Args:
            report: what the committee signed.
            decisions: none, or one packed vector per batch.
            signers: bit per committee member.
            signatures: 64 bytes per signer, in member order.
        """
        return self.market.functions.report(
            tuple(report.values().values()),
            list(decisions),
            signers,
            signatures,
        )

    def expire(self, interval: int) -> TxReceipt:
        """Move on without the committee, after its deadline."""
        return self.sender.send(self.market.functions.expire(interval))

    def attest(self, interval: int, readings: Sequence[bytes], delivered: int, signature: bytes) -> TxReceipt:
        """Hand in the metering operator's readings of all batches, under its signature.

        Args:
            interval: the interval.
            readings: of every batch, packed.
            delivered: peer energy that was delivered, Wh.
            signature: 64 bytes; `compact_signature` makes them of what a wallet gives.
        """
        return self.sender.send(self.market.functions.attest(interval, list(readings), delivered, signature))

    def overrule(
        self, interval: int, batch: int, data: BatchData, signed: Sequence[SignedReading]
    ) -> tuple[TxReceipt, bytes]:
        """Replace readings of one batch by what the meters themselves signed.

        Returns:
            The receipt, and the batch's packed readings from now on.

        Raises:
            InputError: a reading contradicts its own registers, which the contract does not look at.
        """
        for own in signed:
            where = f"reading for interval {interval}, batch {batch}, position {own.position}"
            require_own_registers(own.message(interval, 0), where)
        receipt = self.sender.send(
            self.market.functions.overrule(interval, batch, data.abi, encode_signed_readings(signed))
        )
        [said] = self.signed_readings.events.ReadingsOverruled().process_receipt(receipt)
        return receipt, bytes(said["args"]["readings"])

    def settle(self, interval: int, batch: int, data: BatchData) -> TxReceipt:
        """Settle one batch, after the readings' deadline."""
        return self.sender.send(self.market.functions.settle(interval, batch, data.abi))

    def correct(
        self,
        interval: int,
        batch: int,
        data: BatchData,
        settled_by: tuple[int, int],
        run: int,
        delivered: int,
        readings: bytes,
    ) -> TxReceipt:
        """Book what proposed corrected readings change in a settled batch, once their delay is over.

        Args:
            interval: the interval.
            batch: the batch.
            data: the batch with the readings it was last settled by.
            settled_by: the terms word and the clearing word it was last settled by (`settlement_terms`).
            run: the correction's, higher than the last.
            delivered: peer energy delivered by the corrected readings, Wh.
            readings: the corrected readings of the batch, packed.
        """
        call = self.market.functions.correct(interval, batch, *settled_by, data.abi, readings, run, delivered)
        return self.sender.send(call)

    # Money

    def deposit(self, account: int, amount: int) -> TxReceipt:
        """Pay base units into an account, from the sender's tokens; the market must be approved for them."""
        return self.sender.send(self.market.functions.deposit(account, amount))

    def withdraw(self, account: int, amount: int) -> TxReceipt:
        """Pay base units out to the account's wallet, which must be the sender."""
        return self.sender.send(self.market.functions.withdraw(account, amount))

    # Reading

    def interval(self, number: int) -> IntervalState:
        """Where an interval stands.

        Raises:
            ContractReverted: it was never opened, or its ring slot is used by another one by now.
        """
        found = self.market.functions.intervalState(number).call()
        number, phase, *others = found
        return IntervalState(number, Phase(phase), *others)

    def clearing_hash(self, interval: int) -> bytes:
        """32 bytes, the clearing that a report must name."""
        return bytes(self.market.functions.clearingHash(interval).call())

    def batch_commitment(self, interval: int, batch: int, block: int | Literal["latest"] = "latest") -> bytes:
        """32 bytes, what the market keeps of a batch, or kept at the end of a block."""
        call = self.market.functions.batchCommitment(interval, batch)
        return bytes(call.call(block=block))

    def config(self) -> MarketConfig:
        """The parameters that the market was created with."""
        config = MarketConfig(*self.registry.functions.config().call())
        return replace(config, pricing=Pricing(config.pricing))

    def committee(self, interval: int) -> tuple[list[ChecksumAddress], int]:
        """Keys of the committee that reports on an interval, in their order, and how many of them sign."""
        members, quorum = self.gate.functions.committeeAt(interval).call()
        return [to_checksum_address(member) for member in members], int(quorum)

    def accounts(self, count: int) -> list[tuple[int, int]]:
        """Cash (base units) and energy (Wh) of the first `count` accounts."""
        return [(cash, energy) for cash, energy in self.market.functions.accounts(0, count).call()]

    def account_count(self) -> int:
        """How many accounts there are, the four system accounts included."""
        return int(self.registry.functions.accountCount().call())

    def totals(self) -> tuple[int, int, int]:
        """What others owe the market (base units), delivered peer energy and energy taken out (Wh)."""
        debt, delivered, taken_out = self.market.functions.totals().call()
        return debt, delivered, taken_out

    def books(self, count: int) -> tuple[list[tuple[int, int]], tuple[int, int, int], int]:
        """What `accounts`, `totals` and `token_balance` say, of one block and in one request."""
        market = self.market.functions
        accounts, totals, tokens = self.network.read_many(
            [
                market.accounts(0, count),
                market.totals(),
                self.payment_token.functions.balanceOf(self.market.address),
            ]
        )
        debt, delivered, taken_out = totals
        return [(cash, energy) for cash, energy in accounts], (debt, delivered, taken_out), tokens

    def token_balance(self) -> int:
        """What the market holds of the payment token, base units."""
        return int(self.payment_token.functions.balanceOf(self.market.address).call())

    def settled_by(self, receipt: TxReceipt) -> tuple[TermsWord, Clearing]:
        """The terms and the clearing that a settlement or a correction was made by."""
        terms, clearing = self.settlement_terms(receipt)
        return TermsWord.unpack(terms), Clearing.unpack(clearing)

    def settlement_terms(self, receipt: TxReceipt) -> tuple[int, int]:
        """The same as the contract's two words, which `correct` wants to see again."""
        for event in (self.market.events.BatchSettled(), self.market.events.BatchCorrected()):
            for found in event.process_receipt(receipt):
                return found["args"]["terms"], found["args"]["clearing"]
        raise ValueError("the receipt is of no settlement")
