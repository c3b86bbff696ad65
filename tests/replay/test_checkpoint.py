"""The file of a replay's checkpoints: it only grows, and what a killed process left of a part is cut off."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import pytest

from peerwatt.errors import InputError
from peerwatt.replay.checkpoint import Checkpoint, CheckpointFile, _Unpickler
from peerwatt.replay.journal import Block


def checkpoint(over: int, market: object = None) -> Checkpoint:
    return Checkpoint((Block(over, (b"signed",)),), (), b"root", over, 1.5, market, ())


def read(path: Path) -> list[int]:
    with CheckpointFile(path, {"seed": 1}) as file:
        return [found.over for found in file.read()]


def test_checkpoints_are_read_in_the_order_in_which_they_were_kept(tmp_path: Path) -> None:
    with CheckpointFile(tmp_path / "kept", {"seed": 1}) as file:
        for over in (3, 5, 9):
            file.keep(checkpoint(over))
    assert read(tmp_path / "kept") == [3, 5, 9]


@pytest.mark.parametrize("left", [1, 20, 60])
def test_a_part_that_was_not_written_whole_is_cut_off_and_written_over(tmp_path: Path, left: int) -> None:
    path = tmp_path / "kept"
    with CheckpointFile(path, {"seed": 1}) as file:
        file.keep(checkpoint(3))
        whole = path.stat().st_size
        file.keep(checkpoint(5))
    path.write_bytes(path.read_bytes()[: whole + left])
    with CheckpointFile(path, {"seed": 1}) as file:
        assert [found.over for found in file.read()] == [3]
        file.keep(checkpoint(6))
    assert read(path) == [3, 6]


def test_a_file_without_a_whole_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    with CheckpointFile(path, {"seed": 1}) as file:
        file.keep(checkpoint(3))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="holds no whole checkpoint"):
        read(path)


def test_an_older_file_is_replaced_only_by_a_whole_new_one(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    with CheckpointFile(path, {"seed": 1}) as file:
        file.keep(checkpoint(3))
    again = CheckpointFile(path, {"seed": 1})
    assert read(path) == [3]
    with again:
        again.keep(checkpoint(1))
    assert read(path) == [1]
    assert [found.name for found in tmp_path.iterdir()] == ["kept"]


class Calls:
    """Pickled, it is a call of a function that writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("peerwatt.chain.nodes", "subprocess.Popen"),  # through a module to what it imported
        ("peerwatt.replay.checkpoint", "Path"),
        ("peerwatt.replay.checkpoint", "CheckpointFile"),  # made, it may open something
        ("peerwatt.chain.nodes", "LocalNode"),
        ("os", "system"),
        ("builtins", "getattr"),
    ],
)
def test_a_checkpoint_names_records_alone(tmp_path: Path, module: str, name: str) -> None:
    def text(said: str) -> bytes:
        return b"\x8c" + len(said).to_bytes(1) + said.encode()

    found = _Unpickler(io.BytesIO(b"\x80\x04" + text(module) + text(name) + b"\x93."))
    with pytest.raises(pickle.UnpicklingError, match="does not belong into a checkpoint"):
        found.load()


def test_a_checkpoint_from_elsewhere_calls_nothing(tmp_path: Path) -> None:
    path, planted = tmp_path / "kept", tmp_path / "planted"
    with CheckpointFile(path, {"seed": 1}) as file:
        file.keep(checkpoint(3, Calls(planted)))
    with pytest.raises(InputError, match="does not belong into a checkpoint"):
        read(path)
    assert not planted.exists()
    pickle.loads(pickle.dumps(Calls(planted))).close()
    assert planted.exists(), "the test would not notice a call"
