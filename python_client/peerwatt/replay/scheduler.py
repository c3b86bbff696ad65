"""The virtual clock: steps roles in the order of their appointments, and seals a block at each one's time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol, runtime_checkable

from peerwatt.chain import Network
from peerwatt.roles.appointments import Action, Appointment

ROUNDS: Final = {Action.PUBLISH_ENVELOPE: 3, Action.REPORT: 3}
"""How often the roles of an appointment are stepped; once where it is not said. Members show one another
which forecast they have, then what they signed, and then one of them sends it."""


class Role(Protocol):
    """A party with its own key and state. It speaks through the chain and through ports."""

    @property
    def actions(self) -> frozenset[Action]:
        """What it has appointments for."""

    def step(self, now: int) -> object:
        """Do everything that can be done now.

        Args:
            now: Unix time, s; the chain's newest block counts where it is later.
        """


@runtime_checkable
class Saving(Protocol):
    """A role that keeps something in memory which it would have on disk, were it a process of its own."""

    def save(self) -> object:
        """A copy of it, for a role like this one. Nobody else knows what it is."""

    def restore(self, saved: Any) -> None:
        """Go on from what `save` gave."""


class Scheduler:
    """Steps roles on a chain whose clock it holds. It has no key and reads no role's state."""

    def __init__(self, network: Network, roles: Sequence[Role], observe: Callable[[], None]) -> None:
        """
        Args:
            network: the chain; its clock must be ours.
            roles: in the order in which they are stepped at one appointment.
            observe: called after every step that may have changed the chain.
        """
        self._network = network
        self._roles = roles
        self._observe = observe

    def run(self, appointments: Iterable[Appointment], kept: Callable[[Appointment], None]) -> None:
        """Keep appointments, in their order.

        Args:
            appointments: in time order.
            kept: told of each that is over.

        Raises:
            PeerwattError: a role could not go on.
        """
        for appointment in appointments:
            for _ in range(ROUNDS.get(appointment.action, 1)):
                for role in self._roles:
                    if appointment.action in role.actions:
                        self._step(role, appointment.time)
            kept(appointment)

    def _step(self, role: Role, time: int) -> None:
        """Step one role; what it sends is in blocks of their own, from its appointment's second on."""
        turns, newest = self._network.turns, self._network.latest_timestamp()
        now = max(time, newest + 1)
        self._network.set_next_timestamp(now)
        role.step(now)
        if self._network.waiting:
            self._network.mine()
        if self._network.turns != turns:
            self._observe()
