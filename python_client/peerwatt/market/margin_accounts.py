"""Participants, their accounts and their margins: money in and out, admission and exit."""

from collections.abc import Iterable
from typing import Final

from peerwatt.market.errors import (
    AboveEnergyCredit,
    AboveFreeBalance,
    AlreadyLeaving,
    DepositTooLarge,
    InFlight,
    NoConnection,
    NotLeaving,
    OpenPosition,
    UnknownAccount,
    WrongStatus,
)
from peerwatt.market.interval_ring import IntervalRing
from peerwatt.market.ledger import FIRST_PARTICIPANT, SYSTEM_BITS, Ledger, SystemAccount
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.participant_registry import EnergyLimits, Participant, Status
from peerwatt.messages import Domain
from peerwatt.messages.errors import require_uint

AMOUNT_BITS: Final = 61
"""Width of an amount in one call: far more than any market holds."""


class MarginAccounts(IntervalRing):
    """The accounts of a market.

    The margin of a participant covers its worst interval, as often as intervals can be unsettled. The
    supplier's covers the sum of all participants': it pays for whoever falls short.

    Attributes:
        ledger: All balances.
    """

    def __init__(self, config: MarketConfig, domain: Domain, *, check_signatures: bool = True) -> None:
        super().__init__(config, domain, check_signatures=check_signatures)
        self.ledger = Ledger()
        self._participants: dict[int, Participant] = {}
        self._status: dict[int, Status] = {}
        self._last_interval: dict[int, int] = {}

    def register(self, participants: Iterable[Participant]) -> int:
        """Append participants.

        Returns:
            The account index of the first of them; the others follow.

        Raises:
            NoConnection: One can neither import nor export.
        """
        first = len(self.ledger)
        for participant in participants:
            if participant.import_limit == participant.export_limit == 0:
                raise NoConnection("A participant's connection carries nothing: give it a limit above 0.")
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

    def suspend(self, index: int) -> None:
        """Stop taking a participant's orders; what it has posted still settles.

        Raises:
            WrongStatus: It is not active.
        """
        self._change_status(index, {Status.ACTIVE}, Status.SUSPENDED)

    def readmit(self, index: int) -> None:
        """Take a suspended participant's orders again.

        Raises:
            WrongStatus: It is not suspended.
        """
        self._change_status(index, {Status.SUSPENDED}, Status.ACTIVE)

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
            return sum(self.margin(index) for index in self._participants)
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

    def request_exit(self, account: int, *, now: int | None = None) -> None:
        """Stop a participant's orders for good, so that its margin can be released.

        Args:
            account: The participant.
            now: Unix time; without it the last interval opened so far is taken as the last that may hold its
                orders.

        Raises:
            AlreadyLeaving: It is leaving already.
        """
        if self.status(account) in (Status.EXITING, Status.EXITED):
            raise AlreadyLeaving(f"Account {account} has requested its exit: finish it.")
        self._change_status(account, {Status.ACTIVE, Status.SUSPENDED}, Status.EXITING)
        self._last_interval[account] = (
            max(self._intervals, default=0) if now is None else self.config.last_open(now)
        )

    def finish_exit(self, account: int) -> None:
        """Release the margin of a leaving participant, once every interval that may hold its orders is
        settled.

        Raises:
            NotLeaving: It did not request its exit, or has left.
            OpenPosition: An interval is not settled yet.
        """
        if self.status(account) != Status.EXITING:
            raise NotLeaving(f"Account {account} is not leaving: request its exit first.")
        for held in self._ring.values():
            if not held.is_settled and held.number <= self._last_interval.get(account, 0):
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

    def _require_account(self, account: int) -> None:
        if not 0 <= account < len(self.ledger):
            raise UnknownAccount(f"There is no account {account}: {self._known()}.")

    def _known(self) -> str:
        last = FIRST_PARTICIPANT - 1
        return f"accounts 0 to {last} are the system's, {len(self._participants)} participants follow"
