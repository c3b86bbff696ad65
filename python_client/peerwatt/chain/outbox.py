"""What was sent to a live chain from here: under which nonce, for what price, and until it counts.

A node behind a balancer may know less than it did a moment ago, a transaction may wait below the price of its
chain, and an answer may get lost. One nonce is one transaction all the while: what is stuck is offered again
under its own nonce, and only one of its offers can be mined.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3.types import TxReceipt

from peerwatt.chain.blocks import quantity
from peerwatt.chain.errors import FeeTooLow, NonceTaken, NotMined, TransactionRefused
from peerwatt.chain.fees import GWEI, FeePolicy, Offer, base_fee
from peerwatt.chain.finality import Finality
from peerwatt.chain.keccak import keccak
from peerwatt.chain.receipts import receipt_of
from peerwatt.errors import ChainError

log: Final = logging.getLogger(__name__)

STUCK_SECONDS: Final = 30.0
"""After so long without being mined, a transaction is offered for more, s."""
HOPELESS_SECONDS: Final = 3.0
"""After so long where its offer is below the base fee: it cannot be mined, s."""
REPLICA_SECONDS: Final = 2.0
"""How long a replica is given to learn of a transaction before it counts as dropped, s."""
NONCE_ATTEMPTS: Final = 8
POLL_GROWTH: Final = 1.2
LONGEST_POLL_SECONDS: Final = 1.0
REMEMBERED: Final = 64
"""Transactions of an account."""


NOTHING: Final = Offer(0)


class Node(Protocol):
    """The chain that is sent to."""

    endpoint: str
    chain_id: int
    poll_seconds: float

    def ask(self, method: str, params: list[Any]) -> Any:
        """The result of a JSON-RPC request."""

    def submit(self, raw_transaction: bytes) -> HexBytes:
        """Hand over a signed transaction."""


@dataclass
class Sending:
    """One transaction, in every offer that was made for it.

    Attributes:
        account: that signs it; None where it was signed elsewhere.
        fields: of the transaction, without its price.
        nonce: its own; None where it was signed elsewhere.
        offer: the newest.
        transactions: hash of each offer, the newest last.
        since: when the newest was handed over, on the monotonic clock, s.
        looked: when it was last looked after, s.
    """

    account: LocalAccount | None
    fields: dict[str, Any] = field(default_factory=dict)
    nonce: int = -1
    offer: Offer = NOTHING
    transactions: list[HexBytes] = field(default_factory=list)
    since: float = 0.0
    looked: float = 0.0


class Outbox:
    """What was sent from here.

    Attributes:
        fees: what is offered.
        finality: when a receipt counts.
    """

    def __init__(self, node: Node, fees: FeePolicy, finality: Finality) -> None:
        self.fees = fees
        self.finality = finality
        self._node = node
        self._sent: dict[ChecksumAddress, dict[int, Sending]] = {}

    def send(self, account: LocalAccount, fields: dict[str, Any]) -> Sending:
        """Sign a transaction under the account's next nonce and hand it over.

        Args:
            account: who signs.
            fields: `to`, `data`, `value` and `gas`.

        Raises:
            TransactionRefused: the node does not take it, or its chain asks for more than the cap.
        """
        sending = Sending(
            account, {**fields, "chainId": self._node.chain_id}, offer=self.fees.offer(self._node)
        )
        sending.nonce = self._next_nonce(account.address)
        for attempt in range(NONCE_ATTEMPTS):
            try:
                self._hand_over(sending)
                break
            except NonceTaken:
                # A replica's count lags: it is one more at least.
                if attempt + 1 == NONCE_ATTEMPTS:
                    raise
                sending.nonce = max(sending.nonce + 1, self._count(account.address, "pending"))
            except FeeTooLow:
                better = self.fees.raised(sending.offer, self.fees.offer(self._node))
                if better is None or attempt + 1 == NONCE_ATTEMPTS:
                    raise
                sending.offer = better
        return sending

    def receipts(self, sendings: Sequence[Sending], wait_seconds: float) -> list[TxReceipt]:
        """The receipts of transactions, once they count; what is stuck is offered for more meanwhile.

        Args:
            sendings: what was sent.
            wait_seconds: how long to wait for all of them.

        Raises:
            NotMined: one does not count by then; it may later, under any of its hashes.
            NonceTaken: another transaction has the nonce of one.
        """
        end = time.monotonic() + wait_seconds
        found: list[TxReceipt] = []
        for sending in sendings:
            poll, receipt = self._node.poll_seconds, self._receipt(sending)
            while receipt is None:
                if time.monotonic() >= end:
                    raise NotMined(
                        self._node.endpoint, sending.transactions, wait_seconds, self._why(sending)
                    )
                time.sleep(min(poll, max(0.0, end - time.monotonic())))
                poll = min(poll * POLL_GROWTH, LONGEST_POLL_SECONDS)
                self._look_after(sending)
                receipt = self._receipt(sending)
            found.append(receipt)
        return found

    def look_after(self, address: ChecksumAddress) -> None:
        """Offer more for what an account sent from here, if it is stuck."""
        if self._sent.get(address):
            self._mend(address, self._count(address, "latest"))

    def _receipt(self, sending: Sending) -> TxReceipt | None:
        """The receipt of whichever offer was mined, once it counts."""
        for transaction in reversed(sending.transactions):
            said = self._node.ask("eth_getTransactionReceipt", [transaction.to_0x_hex()])
            if said is not None and self.finality.holds(self._node, said):
                return receipt_of(said)
        return None

    def _look_after(self, sending: Sending) -> None:
        """Offer more for a transaction, or for the one that it waits behind, if that is stuck."""
        now = time.monotonic()
        if sending.account is None or now - max(sending.since, sending.looked) < HOPELESS_SECONDS:
            return
        sending.looked = now
        mined = self._count(sending.account.address, "latest")
        if mined > sending.nonce:
            self._require_own(sending)
        else:
            self._mend(sending.account.address, mined)

    def _mend(self, address: ChecksumAddress, mined: int) -> None:
        """Offer more for the transaction that all others of an account wait behind, if it is stuck."""
        first = self._sent[address].get(mined)
        if first is None:
            return
        waited = time.monotonic() - first.since
        if waited < HOPELESS_SECONDS:
            return
        base = base_fee(self._node) if waited < STUCK_SECONDS else None
        if waited >= STUCK_SECONDS or (base is not None and base > first.offer.most):
            self._replace(first)

    def _require_own(self, sending: Sending) -> None:
        """A mined transaction has this nonce: it must be one of these.

        Raises:
            NonceTaken: it is another one.
        """
        end = time.monotonic() + REPLICA_SECONDS
        while not any(self._knows(transaction) for transaction in sending.transactions):
            if time.monotonic() >= end:
                raise NonceTaken(
                    f"{self._node.endpoint}: nonce {sending.nonce} was used by another transaction: another "
                    "program sends with this key; send again"
                )
            time.sleep(self._node.poll_seconds)
        sending.since = time.monotonic()

    def _replace(self, sending: Sending) -> None:
        """Offer a transaction again under its own nonce, for more."""
        sending.since = time.monotonic()
        try:
            now = self.fees.offer(self._node)
        except TransactionRefused:
            # Above the cap; as much as the cap allows may do later.
            now = None
        better = self.fees.raised(sending.offer, now)
        if better is None:
            return
        old, sending.offer = sending.offer, better
        try:
            self._hand_over(sending)
        except NonceTaken:
            # Mined in this moment, or the node wants still more: the next look tells.
            return
        except TransactionRefused as refused:
            sending.offer = old
            log.warning("nonce %d is stuck and stays at its price: %s", sending.nonce, refused)
            return
        log.info("nonce %d was stuck: offered again for %.9g gwei", sending.nonce, better.most / GWEI)

    def _hand_over(self, sending: Sending) -> None:
        assert sending.account is not None, "what was signed elsewhere is not sent again"
        fields = {**sending.fields, "nonce": sending.nonce, **sending.offer.fields()}
        raw = bytes(sending.account.sign_transaction(fields).raw_transaction)
        try:
            self._node.submit(raw)
        except TransactionRefused:
            raise
        except ChainError:
            # The answer got lost; the node may have it.
            self._keep(sending, raw)
            raise
        self._keep(sending, raw)

    def _keep(self, sending: Sending, raw: bytes) -> None:
        """Note what the node has, or may have."""
        assert sending.account is not None
        sending.since = time.monotonic()
        sending.transactions.append(HexBytes(keccak(raw)))
        own = self._sent.setdefault(sending.account.address, {})
        own[sending.nonce] = sending
        for nonce in sorted(own)[:-REMEMBERED]:
            del own[nonce]

    def _next_nonce(self, address: ChecksumAddress) -> int:
        """The nonce after everything that was sent, here or elsewhere, and is mined or waits."""
        counted = self._count(address, "pending")
        own = self._sent.get(address, {})
        end = time.monotonic() + REPLICA_SECONDS
        while counted in own:
            # The node does not count it: it lags, or the transaction was dropped and its nonce is free.
            if any(self._knows(transaction) for transaction in own[counted].transactions):
                counted += 1
            elif time.monotonic() < end:
                time.sleep(self._node.poll_seconds)
                counted = max(counted, self._count(address, "pending"))
            else:
                break
        return counted

    def _count(self, address: ChecksumAddress, block: str) -> int:
        return quantity(self._node.ask("eth_getTransactionCount", [address, block]))

    def _knows(self, transaction: HexBytes) -> bool:
        return self._node.ask("eth_getTransactionByHash", [transaction.to_0x_hex()]) is not None

    def _why(self, sending: Sending) -> str:
        """What keeps a transaction from being mined, or from counting, if that is known."""
        for transaction in sending.transactions:
            said = self._node.ask("eth_getTransactionReceipt", [transaction.to_0x_hex()])
            if said is not None and said.get("blockNumber") is not None:
                return f"it is in block {quantity(said['blockNumber'])}, which does not count yet"
        if sending.account is None:
            return ""
        mined = self._count(sending.account.address, "latest")
        if mined < sending.nonce:
            return f"it waits for nonce {mined} of {sending.account.address}"
        base = base_fee(self._node)
        if base is not None and base > sending.offer.most:
            return (
                f"it offers {sending.offer.most / GWEI:.9g} gwei and the base fee is {base / GWEI:.9g}; at "
                f"most {self.fees.cap_wei / GWEI:.9g} are offered: allow more in PEERWATT_MAX_FEE_GWEI"
            )
        return ""
