"""Layers point one way: the line that README and architecture print is what the imports say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python_client" / "peerwatt"
PAGES = (ROOT / "README.md", ROOT / "docs" / "architecture.md")
ARROW = "◀"
GROUND = "errors"  # the first layer: the files that lie beside the rooms
ROOMS_LINE = f"{GROUND} {ARROW} tables"
GRID_LINE = f"ground {ARROW} flow"


class Import(NamedTuple):
    """One import of a module of the package: what imports, what is imported, both as paths below it."""

    place: str
    importer: tuple[str, ...]
    imported: tuple[str, ...]


def layers_of(page: Path, start: str) -> list[list[str]]:
    """The layers that a page's line beginning with `start` names, lowest first."""
    lines = [line.strip(" `") for line in page.read_text().splitlines()]
    found = [line for line in lines if line.startswith(start)]
    assert len(found) == 1, f"{page.name} has {len(found)} lines that begin with '{start}': it needs one."
    return [[room.strip() for room in layer.split(",")] for layer in found[0].split(ARROW)]


def imports(root: Path) -> Iterator[Import]:
    """Every import between modules below `root`, those inside functions and under TYPE_CHECKING included."""
    for path in sorted(root.rglob("*.py")):
        importer = path.relative_to(root).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                place = f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}:{node.lineno}"
                for name in _names(node, importer):
                    if name[0] == root.name:
                        yield Import(place, importer, name[1:])


def _names(node: ast.Import | ast.ImportFrom, importer: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What is imported, each name with its module's: `from peerwatt import grid` imports `peerwatt.grid`."""
    if isinstance(node, ast.Import):
        yield from (tuple(alias.name.split(".")) for alias in node.names)
        return
    base = (PACKAGE.name, *importer)[: -node.level] if node.level else ()
    module = tuple(node.module.split(".")) if node.module else ()
    yield from ((*base, *module, alias.name) for alias in node.names)


def room_of(module: tuple[str, ...], rooms: set[str], ground: str) -> str | None:
    """The room that a module is in; None for the package's own `__init__` and `__main__`, which see all."""
    first = module[0] if module else "__init__"
    if first in rooms:
        return first
    if first == "__version__":
        return ground
    is_front_door = first in ("__init__", "__main__") or not _is_module(module)
    return None if is_front_door else ground


def _is_module(module: tuple[str, ...]) -> bool:
    """Whether a path below the package begins with a file beside its rooms, and not with a name in it."""
    return (PACKAGE / f"{module[0]}.py").is_file() or (PACKAGE / module[0]).is_dir()


def offences(found: Iterator[Import], layers: list[list[str]], ground: str) -> list[str]:
    """The imports that point upward, or sideways between two rooms of one layer."""
    level = {room: number for number, layer in enumerate(layers) for room in layer}
    wrong = []
    for each in found:
        importer = room_of(each.importer, set(level), ground)
        imported = room_of(each.imported, set(level), ground)
        if importer is None or importer == imported:
            continue
        if imported is None or level[imported] >= level[importer]:
            wrong.append(f"{each.place} {importer} imports {'.'.join(each.imported)}")
    return wrong


def test_readme_and_architecture_print_the_same_line() -> None:
    readme, architecture = (layers_of(page, ROOMS_LINE) for page in PAGES)
    assert readme == architecture


def test_every_room_is_in_the_line_and_every_name_of_the_line_is_a_room() -> None:
    named = {room for layer in layers_of(PAGES[0], ROOMS_LINE) for room in layer}
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert named - {GROUND} == rooms


def test_imports_point_down_the_layers() -> None:
    wrong = offences(imports(PACKAGE), layers_of(PAGES[0], ROOMS_LINE), GROUND)
    assert not wrong, "These imports point upward or sideways:\n" + "\n".join(wrong)


def test_the_grids_imports_point_down_its_own_layers() -> None:
    layers = layers_of(PAGES[1], GRID_LINE)
    level = {room: number for number, layer in enumerate(layers) for room in layer}
    wrong = []
    for each in imports(PACKAGE):
        if each.importer[0] != "grid" or each.imported[:1] != ("grid",):
            continue
        importer, imported = (_grid_room(module, level) for module in (each.importer, each.imported))
        if importer != imported and level[imported] >= level[importer]:
            wrong.append(f"{each.place} {importer} imports {'.'.join(each.imported)}")
    assert not wrong, "These imports of grid point upward or sideways:\n" + "\n".join(wrong)


def _grid_room(module: tuple[str, ...], level: dict[str, int]) -> str:
    return module[1] if len(module) > 1 and module[1] in level else "ground"


@pytest.mark.parametrize(
    ("source", "offence"),
    [
        ("from peerwatt.b import x", True),
        ("def f():\n    import peerwatt.b.c", True),
        ("if TYPE_CHECKING:\n    from peerwatt.b import x", True),
        ("from ..b import x", True),
        ("from peerwatt import b", True),
        ("from peerwatt.errors import PeerwattError", False),
        ("from peerwatt import __version__", False),
        ("import json", False),
    ],
)
def test_an_upward_import_is_found_wherever_it_stands(tmp_path: Path, source: str, offence: bool) -> None:
    root = tmp_path / "peerwatt"
    (root / "a").mkdir(parents=True)
    (root / "a" / "module.py").write_text(source)
    assert bool(offences(imports(root), [["errors"], ["a"], ["b"]], "errors")) is offence


def test_a_sideways_import_is_an_offence_only_within_a_layer(tmp_path: Path) -> None:
    root = tmp_path / "peerwatt"
    (root / "a").mkdir(parents=True)
    (root / "a" / "module.py").write_text("from peerwatt.b import x")
    assert offences(imports(root), [["errors"], ["a", "b"]], "errors")
    assert not offences(imports(root), [["errors"], ["b"], ["a"]], "errors")
