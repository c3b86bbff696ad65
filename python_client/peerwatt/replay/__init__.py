"""The replay: a scenario's days on a chain, next to the reference twin. `peerwatt.replay(...)` runs one."""

from peerwatt.callable_room import make_callable

make_callable(__name__)
