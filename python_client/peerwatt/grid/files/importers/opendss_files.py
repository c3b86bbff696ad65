"""The files that an OpenDSS circuit may read: those in the folder of its master file and in those below.

One exception: circuits often share codes (of lines, wires, transformers) in the folder above, as the IEEE
feeders of OpenDSS's own distribution do; such a `.dss` file is read when it holds codes and nothing else."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from peerwatt.grid.errors import FeederError

_MOST_BYTES = 256 * 2**20
_FOREIGN = ("/", "~", "//")


class Folder:
    """The folder of a circuit.

    Args:
        master: The circuit's master file.
    """

    def __init__(self, master: Path) -> None:
        self.root = master.resolve().parent
        self._bytes = 0

    def find(self, name: str, beside: Path, where: str) -> tuple[Path, bool]:
        """The file that a line of a script names.

        Args:
            name: As the script writes it; either slash parts folders, and case is no matter where no file has
                that very name.
            beside: Folder of the script.
            where: Script and line, named in errors.

        Returns:
            The file, and whether it lies outside of the circuit's folder and may hold codes only.

        Raises:
            FeederError: It does not exist, or may not be read.
        """
        plain = name.strip().replace("\\", "/")
        if plain.startswith(_FOREIGN) or plain[1:2] == ":" or "\0" in plain:
            raise FeederError(
                f"{where}: {name!r} is no path within the circuit's folder; put the file beside it"
            )
        found = _resolve(beside, PurePosixPath(plain))
        if self._within(found):
            if not found.is_file():
                raise FeederError(f"{where}: no file {name!r}")
            return found, False
        if found.parent == self.root.parent and found.suffix.lower() == ".dss" and found.is_file():
            return found, True
        raise FeederError(
            f"{where}: {name!r} lies outside of the circuit's folder {self.root.name!r}; put the file into it"
        )

    def read(self, path: Path, where: str) -> str:
        """The text of a file of the circuit.

        Raises:
            FeederError: The circuit's files are larger than 256 MiB together, or it cannot be read.
        """
        try:
            self._bytes += path.stat().st_size
            if self._bytes > _MOST_BYTES:
                raise FeederError(f"{where}: the files of this circuit are larger than 256 MiB together")
            raw = path.read_bytes()
        except OSError as error:
            raise FeederError(f"{where}: {path.name} cannot be read: {error.strerror}") from None
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            return raw.decode("latin-1")

    def name(self, path: Path) -> str:
        """How messages call a file."""
        return path.relative_to(self.root).as_posix() if self._within(path) else f"../{path.name}"

    def _within(self, path: Path) -> bool:
        return path.is_relative_to(self.root)


def _resolve(folder: Path, name: PurePosixPath) -> Path:
    """The real path, links followed; components in another case where there is no other of that name."""
    at = folder
    for part in name.parts:
        if part == "..":
            at = at.resolve().parent
            continue
        following = at / part
        if not following.exists():
            following = _other_case(at, part) or following
        at = following
    if not at.exists() and not at.suffix:
        at = at.with_name(f"{at.name}.dss")
    return at.resolve()


def _other_case(folder: Path, part: str) -> Path | None:
    if not folder.is_dir():
        return None
    alike = [entry for entry in folder.iterdir() if entry.name.lower() == part.lower()]
    return alike[0] if len(alike) == 1 else None
