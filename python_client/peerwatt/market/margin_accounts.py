"""Participants, their accounts and their margins: money in and out, admission and exit."""

from collections.abc import Iterable
from typing import Final

from peerwatt.market.errors import (
    AboveEnergyCredit,
    AboveFreeBalance,
    AboveSupplierCover,
    AlreadyLeaving,
    DepositTooLarge,
    InFlight,
    NoConnection,
    NotLeaving,
    NotWallet,
    OpenPosition,
    UnknownAccount,
    WrongStatus,
)
from peerwatt.market.interval_ring import IntervalRing
from peerwatt.market.ledger import FIRST_PARTICIPANT, SYSTEM_BITS, Ledger, SystemAccount
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.participant_registry import EnergyLimits, Participant, Party, Status
from peerwatt.messages import Domain
from peerwatt.messages.errors import require_uint

AMOUNT_BITS: Final = 61
"""Width of an amount in one call: far more than any market holds."""


class MarginAccounts(IntervalRing):
    """The accounts of a market.

    The margin of a participant covers its worst interval, as often as intervals can be unsettled. The
    supplier's covers that of all connections that it stands for, and who left: it pays for whoever falls
    short.

    Attributes:
        ledger: All balances.
        supplier_cover: How many Wh of connection limit the supplier stands for in an interval; None where it
            never said so, and stands for whoever is registered.
        exit_right: From when on each suspended participant may be made to leave, Unix time.
    """

    def __init__(self, config: MarketConfig, domain: Domain, *, check_signatures: bool = True) -> None:
        super().__init__(config, domain, check_signatures=check_signatures)
        self.ledger = Ledger()
        self._participants: dict[int, Participant] = {}
        self._status: dict[int, Status] = {}
        self._last_interval: dict[int, int] = {}
        self._suspended_by: dict[int, set[Party]] = {}
        self.supplier_cover: int | None = None
        self.exit_right: dict[int, int] = {}

    def cover(self, wh: int) -> None:
        """Let the supplier stand for so many Wh of connection limit, of all who were ever registered.

        Raises:
            AboveSupplierCover: More is registered.
        """
        registered = self._registered()
        if wh < registered:
            raise AboveSupplierCover(f"Connections of {registered} Wh are registered: cover at least these.")
        self.supplier_cover = wh

    def register(self, participants: Iterable[Participant]) -> int:
        """Append participants.

        Returns:
            The account index of the first of them; the others follow.

        Raises:
            NoConnection: One can neither import nor export.
            AboveSupplierCover: The supplier does not stand for all of them; none is registered then.
        """
        first, newcomers = len(self.ledger), list(participants)
        if any(newcomer.import_limit == newcomer.export_limit == 0 for newcomer in newcomers):
            raise NoConnection("A participant's connection carries nothing: give it a limit above 0.")
        needed = self._registered() + sum(map(self._carried, newcomers))
        if self.supplier_cover is not None and needed > self.supplier_cover:
            raise AboveSupplierCover(
                f"The supplier covers {self.supplier_cover} Wh, and these need {needed}: let it cover them."
            )
        for participant in newcomers:
            index = self.ledger.open()
            self._participants[index] = participant
            self._status[index] = Status.ACTIVE
        return first

    def participant(self, index: int) -> Participant:
        """A participant by its account index.

        Raises:
            UnknownAccount: There is none.
        """
        if index not in self._participants:
            raise UnknownAccount(f"Account {index} is no participant: {self._known()}.")
        return self._participants[index]

    def status(self, index: int) -> Status:
        """A participant's standing.

        Raises:
            UnknownAccount: There is no such participant.
        """
        self.participant(index)
        return self._status[index]

    def suspend(self, index: int, by: Party = Party.OPERATOR, *, now: int = 0) -> None:
        """Stop taking a participant's orders; what it has posted still settles.

        Args:
            index: The participant.
            by: Who suspends it.
            now: Unix time; a lap of the ring later it may be made to leave.

        Raises:
            UnknownAccount: There is no such participant.
        """
        self.participant(index)
        self._suspended_by.setdefault(index, set()).add(by)
        self.exit_right.setdefault(index, now + self.config.lap)
        if self._status[index] == Status.ACTIVE:
            self._status[index] = Status.SUSPENDED

    def readmit(self, index: int, by: Party = Party.OPERATOR) -> None:
        """No longer suspend a participant; its orders are taken again where nobody else suspends it.

        Raises:
            UnknownAccount: There is no such participant.
        """
        self.participant(index)
        self._suspended_by.setdefault(index, set()).discard(by)
        if not self._suspended_by[index]:
            self.exit_right.pop(index, None)
            if self._status[index] == Status.SUSPENDED:
                self._status[index] = Status.ACTIVE

    def energy_limits(self, index: int) -> EnergyLimits:
        """What a participant's connection can carry in one interval, Wh."""
        participant = self.participant(index)
        return EnergyLimits(
            imported=self.config.energy_limit(participant.import_limit),
            exported=self.config.energy_limit(participant.export_limit),
        )

    def deposit(self, account: int, amount: int) -> None:
        """Pay base units into an account.

        Raises:
            UnknownAccount: There is no such account.
            FieldError: The amount is negative or beyond any market.
            DepositTooLarge: The account would hold more than a quarter of what a system account can.
        """
        self._require_account(account)
        require_uint(amount, AMOUNT_BITS, "deposit's amount")
        most = 1 << SYSTEM_BITS - 3
        if self.ledger[account].cash + amount > most:
            raise DepositTooLarge(f"Account {account} would hold more than {most} base units: deposit less.")
        self.ledger.deposit(account, amount)

    def withdraw(self, account: int, amount: int) -> None:
        """Pay base units out of an account.

        Raises:
            AboveFreeBalance: The account would fall below its margin.
            InFlight: It is the community's, which holds what buyers paid in an interval that is settled in
                part.
        """
        require_uint(amount, AMOUNT_BITS, "withdraw's amount")
        in_flight = sum(held.is_partly_settled for held in self._intervals.values())
        if account == SystemAccount.COMMUNITY and in_flight:
            raise InFlight(f"{in_flight} intervals are settled in part: settle their other batches first.")
        free = self.free_balance(account)
        if amount > free:
            raise AboveFreeBalance(
                f"Account {account} asks for {amount} base units: {free} are above its margin."
            )
        self.ledger.deposit(account, -amount)

    def take_out_energy(self, account: int, amount: int) -> None:
        """Turn Wh of energy credit into tokens.

        Raises:
            AboveEnergyCredit: More than the account's credit, or more than meters recorded as delivered and
                nobody took out yet; of a system account, any.
        """
        self._require_account(account)
        require_uint(amount, AMOUNT_BITS, "take_out_energy's amount")
        available = min(self.ledger[account].energy, self.ledger.delivered - self.ledger.taken_out)
        if account < FIRST_PARTICIPANT:
            available = 0
        if amount > available:
            raise AboveEnergyCredit(f"Account {account} asks for {amount} Wh: it can take out {available}.")
        self.ledger.take_out(account, amount)

    def margin(self, account: int) -> int:
        """What an account must keep in order to trade, base units.

        Raises:
            UnknownAccount: There is no such account.
        """
        self._require_account(account)
        if account == SystemAccount.SUPPLIER:
            stood_for = self._registered() if self.supplier_cover is None else self.supplier_cover
            return self.config.ring_size * self.config.margin_price * (stood_for - self._exited())
        if account < FIRST_PARTICIPANT or self._status[account] == Status.EXITED:
            return 0
        participant = self._participants[account]
        return self.config.margin(participant.import_limit, participant.export_limit)

    def free_balance(self, account: int) -> int:
        """What an account has above its margin, base units; negative when it falls short.

        For the supplier what others owe is subtracted, because it pays for them.

        Raises:
            UnknownAccount: There is no such account.
        """
        margin = self.margin(account)
        if account == SystemAccount.SUPPLIER:
            return self.ledger.supplier_equity - margin
        return self.ledger[account].cash - margin

    def is_funded(self, account: int) -> bool:
        """Whether an account holds its margin.

        Raises:
            UnknownAccount: There is no such account.
        """
        return self.free_balance(account) >= 0

    def request_exit(self, account: int, *, now: int | None = None, by_wallet: bool = True) -> None:
        """Stop a participant's orders for good, so that its margin can be released.

        Args:
            account: The participant.
            now: Unix time; without it the last interval opened so far is taken as the last that may hold its
                orders.
            by_wallet: Whether its wallet asks, not the operator or the supplier.

        Raises:
            AlreadyLeaving: It is leaving already.
            NotWallet: Somebody else asks, and it has not been suspended for a lap of the ring.
        """
        if not by_wallet and (now or 0) < self.exit_right.get(account, 1 << 64):
            raise NotWallet(f"Account {account} is its wallet's: suspend it for {self.config.lap} s first.")
        if self.status(account) in (Status.EXITING, Status.EXITED):
            raise AlreadyLeaving(f"Account {account} has requested its exit: finish it.")
        self._change_status(account, {Status.ACTIVE, Status.SUSPENDED}, Status.EXITING)
        self._last_interval[account] = (
            max(self._intervals, default=0) if now is None else self.config.last_open(now)
        )

    def finish_exit(self, account: int, *, now: int | None = None) -> None:
        """Release the margin of a leaving participant, once every interval that may hold its orders is
        settled, or so old that a later one may take its slot.

        Args:
            account: Its index.
            now: Unix time, or None to leave the clock out.

        Raises:
            NotLeaving: It did not request its exit, or has left.
            OpenPosition: An interval is not settled yet.
        """
        if self.status(account) != Status.EXITING:
            raise NotLeaving(f"Account {account} is not leaving: request its exit first.")
        for held in self._ring.values():
            over = held.is_settled or self._is_late(held.number, now)
            if not over and held.number <= self._last_interval.get(account, 0):
                raise OpenPosition(
                    f"Interval {held.number} may hold orders of account {account}: settle it first."
                )
        self._change_status(account, {Status.EXITING}, Status.EXITED)

    def _change_status(self, index: int, allowed: set[Status], new: Status) -> None:
        status = self.status(index)
        if status not in allowed:
            raise WrongStatus(
                f"Participant {index} is {status.name.lower()}: it cannot become {new.name.lower()}."
            )
        self._status[index] = new

    def _carried(self, participant: Participant) -> int:
        """What a connection carries in an interval, both directions together, Wh."""
        limits = (participant.import_limit, participant.export_limit)
        return sum(map(self.config.energy_limit, limits))

    def _registered(self) -> int:
        return sum(map(self._carried, self._participants.values()))

    def _exited(self) -> int:
        left = (index for index, status in self._status.items() if status == Status.EXITED)
        return sum(self._carried(self._participants[index]) for index in left)

    def _require_account(self, account: int) -> None:
        if not 0 <= account < len(self.ledger):
            raise UnknownAccount(f"There is no account {account}: {self._known()}.")

    def _known(self) -> str:
        last = FIRST_PARTICIPANT - 1
        return f"accounts 0 to {last} are the system's, {len(self._participants)} participants follow"
