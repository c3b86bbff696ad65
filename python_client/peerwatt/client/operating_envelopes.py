"""The operating envelopes of a market: published by anybody, signed by the committee, read by everybody."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.types import TxReceipt

from peerwatt.chain import Call
from peerwatt.client.complete_events import complete_events
from peerwatt.client.market import MarketClient
from peerwatt.errors import ChainError, InputError
from peerwatt.market.ledger import FIRST_PARTICIPANT
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.messages import ROSTER_PAGE, Domain, EnvelopeLimits, OperatingEnvelope, decode_limits
from peerwatt.messages.roster import connection_limits, decode_energy_limits, page_code


@dataclass(frozen=True)
class Publication:
    """An envelope on the chain.

    Attributes:
        envelope: what the committee signed.
        signers: bit per member whose signature it came with.
        transaction: that brought it.
        time: of its block, s since the epoch.
    """

    envelope: OperatingEnvelope
    signers: int
    transaction: HexBytes
    time: int


class EnvelopeBoard:
    """Where a market's envelopes are published, seen through one sender.

    Attributes:
        client: the market.
        domain: what the committee's signatures under an envelope must be made for.
    """

    def __init__(self, client: MarketClient) -> None:
        """Open it.

        Raises:
            InputError: the market takes orders without envelopes.
        """
        if "OperatingEnvelopes" not in client.deployment.addresses:
            raise InputError(
                f"market {client.market.address} has no operating envelopes: deploy one with envelopes"
            )
        self.client = client
        self._contract = client.deployment.contract(client.network, "OperatingEnvelopes")
        self.domain = Domain(client.network.chain_id, self._contract.address)

    def publish(self, envelope: OperatingEnvelope, signers: int, signatures: bytes) -> TxReceipt:
        """Publish an envelope before gate closure; the arguments are those of `publish_call`."""
        return self.client.sender.send(self.publish_call(envelope, signers, signatures))

    def publish_call(self, envelope: OperatingEnvelope, signers: int, signatures: bytes) -> Call:
        """The call that publishes an envelope, for whoever does not wait for its receipt.

        Args:
            envelope: what the committee signed.
            signers: bit per committee member.
            signatures: 64 bytes per signer, in member order.
        """
        return self._contract.functions.publishEnvelope(
            tuple(envelope.values().values()), signers, signatures
        )

    def limits(self, interval: int, page: int) -> dict[int, EnergyLimits]:
        """What the accounts of a page may offer in an interval, Wh; empty where no envelope was published."""
        packed = bytes(self._contract.functions.energyLimits(interval, page).call())
        pairs = enumerate(decode_energy_limits(packed), page * ROSTER_PAGE)
        return {account: EnergyLimits(*pair) for account, pair in pairs}

    def connections(self) -> dict[int, EnvelopeLimits]:
        """What every participant's connection can carry, by account, units of 100 W.

        Read a page at a time, and anew each time: a reorganisation may take a registration back.

        Raises:
            ChainError: the registry changed while it was read.
        """
        network, accounts = self.client.network, self.client.account_count()
        limits: list[EnvelopeLimits] = []
        for page in range(-(-accounts // ROSTER_PAGE)):
            word = int(self.client.registry.functions.page(page).call())
            code = network.web3.eth.get_code(to_checksum_address(page_code(word)))
            limits += connection_limits(bytes(code))
        if len(limits) != accounts:
            raise ChainError(f"{network.endpoint}: the registry changed while it was read: ask again")
        return dict(enumerate(limits[FIRST_PARTICIPANT:], FIRST_PARTICIPANT))

    def published(self, interval: int) -> list[OperatingEnvelope]:
        """The envelopes of an interval that the chain holds, in the order of their pages."""
        return [found.envelope for found in self.publications(interval, self.client.deployment.block)]

    def publications(self, interval: int, since: int) -> list[Publication]:
        """How an interval's envelopes came to the chain from some block on, in the order of their pages.

        Raises:
            ChainError: the node does not give all of them.
        """
        events = complete_events(
            self.client.network, self._contract, "EnvelopePublished", since, interval=interval
        )
        return [
            Publication(
                OperatingEnvelope(
                    interval,
                    event["args"]["page"],
                    bytes(event["args"]["feederHash"]),
                    bytes(event["args"]["inputsHash"]),
                    decode_limits(bytes(event["args"]["limits"])),
                ),
                int(event["args"]["signers"]),
                event["transactionHash"],
                int(self.client.network.web3.eth.get_block(event["blockNumber"])["timestamp"]),
            )
            for event in sorted(events, key=lambda event: int(event["args"]["page"]))
        ]


def published_limits(client: MarketClient, interval: int) -> dict[int, EnergyLimits]:
    """What accounts may offer in an interval, Wh; empty where nothing was published."""
    if "OperatingEnvelopes" not in client.deployment.addresses:
        return {}
    board = EnvelopeBoard(client)
    limits: dict[int, EnergyLimits] = {}
    for page in range(-(-client.account_count() // ROSTER_PAGE)):
        limits |= board.limits(interval, page)
    return limits
