"""A replay's checkpoints: one file that only grows, and that says at its end where the replay can go on.

Its first line says in JSON what is replayed. Behind it comes one part for each checkpoint, with what came new
since the one before: sealed blocks and finished intervals; and with what the parties keep, whole. A part that
a killed process left unfinished is not read, and cut off when the replay goes on.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from hexbytes import HexBytes

from peerwatt.errors import InputError
from peerwatt.record.interval_log import IntervalLog
from peerwatt.replay.journal import Block

FORMAT: Final = "peerwatt-checkpoint-1"
PROTOCOL: Final = 5
_LENGTH: Final = 8
_DIGEST: Final = 32


@dataclass(frozen=True)
class Checkpoint:
    """What is needed to go on from the end of an appointment.

    Attributes:
        blocks: that were sealed since the checkpoint before.
        finished: the intervals that were finished since then, in their order.
        state_root: 32 bytes, of the chain.
        over: how many appointments were kept.
        seconds: how long all of it took.
        market: what is kept of the market besides its chain; only who gave it knows what it is.
        roles: the same of every role that keeps something.
    """

    blocks: tuple[Block, ...]
    finished: tuple[IntervalLog, ...]
    state_root: bytes
    over: int
    seconds: float
    market: object
    roles: tuple[object, ...]


class CheckpointFile:
    """The file of one replay; use it in a `with` statement, or call `close()`.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path, of: Mapping[str, Any]) -> None:
        """
        Args:
            path: of the file.
            of: what is replayed, as JSON has it: whatever the results depend on.
        """
        self.path = path
        self._head = {"format": FORMAT, **of}
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """The replay's report is written: nothing has to go on."""
        self.close()
        self.path.unlink(missing_ok=True)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Add a checkpoint; it is on disk when this returns. The first one replaces an older file.

        Raises:
            InputError: the file cannot be written.
        """
        plain = io.BytesIO()
        _Pickler(plain, PROTOCOL).dump(checkpoint)
        packed = zlib.compress(plain.getvalue(), 1)
        part = len(packed).to_bytes(_LENGTH, "big") + sha256(packed).digest() + packed
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}.new")
                with fresh.open("wb") as file:
                    file.write(json.dumps(self._head).encode() + b"\n")
                    _write(file, part)
                fresh.replace(self.path)
                self._file = self.path.open("ab")
            else:
                _write(self._file, part)
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written: {error.strerror}; choose another --out"
            ) from None

    def require(self) -> None:
        """Refuse to go on, before anything is started for it.

        Raises:
            InputError: there is no checkpoint, or it is another replay's.
        """
        with self._opened("rb"):
            pass

    def read(self) -> Iterator[Checkpoint]:
        """All whole checkpoints, oldest first; once they are read, the next one is added behind them.

        Raises:
            InputError: there is none, or it is another replay's.
        """
        self._file = file = self._opened("r+b")
        end = start = file.tell()
        while (part := _part(file)) is not None:
            end = file.tell()
            yield _loaded(self.path, part)
        if end == start:
            raise InputError(f"{self.path}: holds no whole checkpoint: leave --resume out to begin again")
        file.truncate(end)
        file.seek(end)

    def _opened(self, mode: str) -> IO[bytes]:
        """The file, behind its first line."""
        try:
            file = self.path.open(mode)
        except FileNotFoundError:
            raise InputError(
                f"{self.path}: no checkpoint, nothing to go on with: leave --resume out to begin"
            ) from None
        except OSError as error:
            raise InputError(f"{self.path}: cannot be opened: {error.strerror}") from None
        try:
            self._require_own(file.readline())
        except InputError:
            file.close()
            raise
        return file

    def _require_own(self, line: bytes) -> None:
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise InputError(
                f"{self.path}: not a checkpoint of this version of peerwatt: "
                "leave --resume out to begin again"
            )
        for name, expected in self._head.items():
            if found.get(name) != expected:
                raise InputError(
                    f"{self.path}: is the checkpoint of another replay: {name} was "
                    f"{_told(found.get(name))} and is {_told(expected)} now: ask for the same, or leave "
                    "--resume out to begin again"
                )


def _told(value: object) -> str:
    return "nothing" if value is None else str(value)


def _write(file: IO[bytes], part: bytes) -> None:
    file.write(part)
    file.flush()
    os.fsync(file.fileno())


def _part(file: IO[bytes]) -> bytes | None:
    """The next part; None at the end, and where it was not written whole."""
    length = file.read(_LENGTH)
    digest = file.read(_DIGEST)
    packed = file.read(int.from_bytes(length, "big")) if len(digest) == _DIGEST else b""
    return packed if packed and sha256(packed).digest() == digest else None


def _loaded(path: Path, packed: bytes) -> Checkpoint:
    try:
        found = _Unpickler(io.BytesIO(zlib.decompress(packed))).load()
    except Exception as error:
        raise InputError(f"{path}: cannot be read ({error}): leave --resume out to begin again") from None
    if not isinstance(found, Checkpoint):
        raise InputError(f"{path}: holds no checkpoint: leave --resume out to begin again")
    return found


class _Pickler(pickle.Pickler):
    """Writes what `_Unpickler` reads."""

    def reducer_override(self, found: object) -> Any:
        # Left to itself it would be made again by a call of `getattr`.
        return (HexBytes, (bytes(found),)) if isinstance(found, HexBytes) else NotImplemented


class _Unpickler(pickle.Unpickler):
    """Makes this package's records, its twin and plain data alone: a file from elsewhere shall call nothing.

    A name with a dot reaches through a module to what it has imported, and a class that is no record may do
    something when it is made: neither belongs into a checkpoint.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        if module.startswith("peerwatt.") and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module and _is_record(found):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} does not belong into a checkpoint")


def _is_record(found: type) -> bool:
    """Whether making one changes nothing outside memory: plain records, and the twin, which is arithmetic."""
    return is_dataclass(found) or issubclass(found, Enum | tuple) or found.__module__.startswith(_TWIN)


_TWIN: Final = ("peerwatt.market.", "peerwatt.replay.told_twin")


_PLAIN: Final = frozenset(
    {
        ("builtins", "set"),
        ("builtins", "frozenset"),
        ("collections", "defaultdict"),
        ("hexbytes.main", "HexBytes"),
        ("web3.datastructures", "AttributeDict"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
        ("numpy.core.numeric", "_frombuffer"),
    }
)
"""Besides the package's own classes: what their fields hold."""
