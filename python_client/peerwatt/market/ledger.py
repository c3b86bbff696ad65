"""Double-entry accounts of cash and energy, as the contract keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from peerwatt.market.errors import BalanceOverflow
from peerwatt.market.settlement import Entries

SYSTEM_BITS: Final = 64
"""Width of a system account's cash. What a participant may hold has no bound that matters."""


class SystemAccount(IntEnum):
    """The accounts that are not participants."""

    SUPPLIER = 0
    """Sells and buys what peers do not; pays what others owe and do not have."""
    GRID_OPERATOR = 1
    """Earns network fees and losses."""
    METERING_OPERATOR = 2
    """Holds the difference between energy that meters recorded and energy that was credited."""
    COMMUNITY = 3
    """The pool that peer payments pass through."""


FIRST_PARTICIPANT: Final = len(SystemAccount)
"""Account index of the first participant."""


@dataclass(slots=True)
class Balance:
    """One account.

    Attributes:
        cash: Base units.
        energy: Peer energy credit, Wh.
    """

    cash: int = 0
    energy: int = 0


class Ledger:
    """All balances of a market, and the totals that they must agree with.

    Attributes:
        deposited: Deposits minus withdrawals, base units: what the contract holds of the payment token.
        delivered: Peer energy settled as delivered, Wh.
        taken_out: Energy credit that was turned into tokens, Wh.
    """

    def __init__(self) -> None:
        self._balances = [Balance() for _ in SystemAccount]
        self.deposited = 0
        self.delivered = 0
        self.taken_out = 0

    def __len__(self) -> int:
        return len(self._balances)

    def __getitem__(self, account: int) -> Balance:
        return self._balances[account]

    def open(self) -> int:
        """Add an empty account and return its index."""
        self._balances.append(Balance())
        return len(self._balances) - 1

    def add(self, account: int, cash: int = 0, energy: int = 0) -> None:
        """Change one balance.

        Raises:
            BalanceOverflow: It would leave its bits; nothing has changed then.
        """
        balance = self._balances[account]
        changed = Balance(balance.cash + cash, balance.energy + energy)
        if account < FIRST_PARTICIPANT and not -(1 << SYSTEM_BITS - 1) <= changed.cash < 1 << SYSTEM_BITS - 1:
            raise BalanceOverflow(
                f"Account {account} would hold {changed.cash} base units, beyond {SYSTEM_BITS} bits."
            )
        self._balances[account] = changed

    def deposit(self, account: int, amount: int) -> None:
        """Bring cash in; a negative amount takes it out."""
        self.add(account, cash=amount)
        self.deposited += amount

    def take_out(self, account: int, energy: int) -> None:
        """Turn energy credit into tokens."""
        self.add(account, energy=-energy)
        self.taken_out += energy

    def book_all(self, bookings: Iterable[tuple[int, Entries]]) -> None:
        """Book the settlement of many orders, or its correction, all or none.

        Args:
            bookings: The participant's account and the entries, per order.

        Raises:
            BalanceOverflow: A balance would leave its bits.
        """
        before = [Balance(balance.cash, balance.energy) for balance in self._balances], self.delivered
        try:
            for participant, entries in bookings:
                self._book(participant, entries)
        except BalanceOverflow:
            self._balances, self.delivered = before
            raise

    @property
    def total_debt(self) -> int:
        """What all accounts but the supplier's owe, base units."""
        return sum(max(0, -balance.cash) for balance in self._balances[SystemAccount.SUPPLIER + 1 :])

    @property
    def supplier_equity(self) -> int:
        """What the supplier has left when everybody's debts are counted as its own, base units."""
        return self._balances[SystemAccount.SUPPLIER].cash - self.total_debt

    @property
    def cash_error(self) -> int:
        """Cash over all accounts beyond what was deposited, base units; always 0."""
        return sum(balance.cash for balance in self._balances) - self.deposited

    @property
    def energy_error(self) -> int:
        """Energy over all accounts and tokens beyond what was delivered, Wh; always 0."""
        return sum(balance.energy for balance in self._balances) + self.taken_out - self.delivered

    def _book(self, participant: int, entries: Entries) -> None:
        self.add(participant, entries.participant_cash, entries.participant_energy)
        self.add(SystemAccount.GRID_OPERATOR, entries.grid_operator_cash)
        self.add(SystemAccount.METERING_OPERATOR, energy=entries.metering_operator_energy)
        self.add(SystemAccount.COMMUNITY, entries.community_cash)
        self.add(SystemAccount.SUPPLIER, entries.supplier_cash)
        self.delivered += entries.delivered
