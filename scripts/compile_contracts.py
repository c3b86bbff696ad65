#!/usr/bin/env python3
"""Compile the contracts and write one artifact per deployable contract.

    python scripts/compile_contracts.py            write the artifacts
    python scripts/compile_contracts.py --check    recompile and compare with the artifacts that are there

What is in contracts/ ships in the package; what only tests or benchmarks deploy stays beside them.

The settings come from foundry.toml, the compiler from npm (`npm install`), called through py-solc-x. Sources
enter the compiler under their repository paths and nothing else, so the same sources give the same bytes on
every machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
PACKAGES = ROOT / "node_modules"
SOLC_FOLDER = ROOT / "scripts" / "compiler"
ARTIFACTS = ROOT / "python_client" / "peerwatt" / "chain" / "artifacts"

# Where sources lie, and where their artifacts go.
FOLDERS = {
    CONTRACTS: ARTIFACTS,
    ROOT / "tests" / "solidity" / "mocks": ROOT / "tests" / "contracts" / "artifacts",
    ROOT / "benchmarks": ROOT / "benchmarks" / "artifacts",
}

# Folders of contracts/ whose code is only ever part of another contract.
NOT_DEPLOYED = ("interfaces", "libraries")
MAX_CONTRACT_BYTES = 24_576  # EIP-170

OUTPUTS = [
    "abi",
    "metadata",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.immutableReferences",
]

IMPORT = re.compile(r"""^\s*import\b[^;"']*["']([^"']+)["']""", re.MULTILINE)

Artifact = dict[str, Any]


class CompilationError(Exception):
    """What stands between the sources and their artifacts, in lines that a person can act on."""


def compiler_profile() -> dict[str, Any]:
    """The `[profile.default]` table of foundry.toml: the one place that holds the compiler's settings."""
    settings = tomllib.loads((ROOT / "foundry.toml").read_text(encoding="utf-8"))
    profile: dict[str, Any] = settings["profile"]["default"]
    return profile


def solc_version() -> str:
    """Version of the pinned compiler, from the name of the wrapper that foundry.toml points to."""
    return Path(compiler_profile()["solc"]).name.removeprefix("solc-v")


def compiler_settings() -> dict[str, Any]:
    """The `settings` object of the standard JSON input."""
    profile = compiler_profile()
    return {
        "evmVersion": profile["evm_version"],
        "viaIR": profile["via_ir"],
        "optimizer": {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]},
        "metadata": {"bytecodeHash": profile["bytecode_hash"]},
        "outputSelection": {"*": {"*": OUTPUTS}},
    }


def read_source(name: str) -> str:
    """Text of a source unit: a repository path, or a path inside an npm package."""
    path = ROOT / name if (ROOT / name).is_file() else PACKAGES / name
    if not path.is_file():
        raise CompilationError(
            f"{name}: neither here nor in node_modules: correct the import, or run `npm install`"
        )
    return path.read_text(encoding="utf-8")


def imported_names(name: str, text: str) -> Iterable[str]:
    """Names of the source units that `text` imports, relative ones resolved against `name`."""
    for target in IMPORT.findall(text):
        yield os.path.normpath(f"{os.path.dirname(name)}/{target}") if target.startswith(".") else target


def with_imports(sources: Mapping[str, str]) -> dict[str, str]:
    """`sources` and everything they import, directly or not: source unit name to text, sorted by name."""
    found = dict(sources)
    queue = list(sources)
    while queue:
        name = queue.pop()
        for imported in imported_names(name, found[name]):
            if imported not in found:
                found[imported] = read_source(imported)
                queue.append(imported)
    return dict(sorted(found.items()))


def contract_sources(folder: Path = CONTRACTS) -> dict[str, str]:
    """Every Solidity file under `folder`: repository path to text."""
    paths = sorted(folder.rglob("*.sol"))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def all_sources() -> dict[str, str]:
    """Every Solidity file that becomes an artifact somewhere: repository path to text."""
    return {name: text for folder in FOLDERS for name, text in contract_sources(folder).items()}


def of_folder(artifacts: Mapping[str, Artifact], folder: Path) -> dict[str, Artifact]:
    """The artifacts whose sources lie under `folder`."""
    return {n: a for n, a in artifacts.items() if (ROOT / a["source"]).is_relative_to(folder)}


def compile_sources(sources: Mapping[str, str]) -> dict[str, Artifact]:
    """Compile `sources` (repository path to text) together with what they import.

    Returns:
        Contract name to artifact, for every contract among `sources` that has code, libraries included.

    Raises:
        CompilationError: the compiler is missing, refuses the sources, warns, or two contracts share a name.
    """
    units = {name: {"content": text} for name, text in with_imports(sources).items()}
    output = run_compiler({"language": "Solidity", "sources": units, "settings": compiler_settings()})
    complaints = [e for e in output.get("errors", []) if e.get("sourceLocation", {}).get("file") in sources]
    if complaints:
        raise CompilationError("\n".join(e["formattedMessage"].rstrip() for e in complaints))
    artifacts: dict[str, Artifact] = {}
    for source in sorted(sources):
        for name, compiled in sorted(output["contracts"].get(source, {}).items()):
            if not compiled["evm"]["bytecode"]["object"]:
                continue
            if name in artifacts:
                other = artifacts[name]["source"]
                raise CompilationError(f"{source}: {other} has a contract {name} too: rename one")
            artifacts[name] = as_artifact(name, source, compiled)
    return artifacts


def run_compiler(standard_json: dict[str, Any]) -> dict[str, Any]:
    """The compiler's standard JSON output.

    Raises:
        CompilationError: npm's packages are missing, or the compiler reports an error.
    """
    if not (PACKAGES / "solc").is_dir():
        raise CompilationError("node_modules/solc is missing: install Node 20 and run `npm install`")
    import solcx
    from solcx.exceptions import SolcError

    try:
        output: dict[str, Any] = solcx.compile_standard(
            standard_json, solc_binary=SOLC_FOLDER / f"solc-v{solc_version()}", allow_empty=True
        )
    except SolcError as error:
        raise CompilationError(str(getattr(error, "message", error))) from error
    return output


def as_artifact(name: str, source: str, compiled: Mapping[str, Any]) -> Artifact:
    """What ships of one compiled contract."""
    metadata = json.loads(compiled["metadata"])
    hashes = {unit: entry["keccak256"] for unit, entry in sorted(metadata["sources"].items())}
    return {
        "name": name,
        "source": source,
        "abi": compiled["abi"],
        "bytecode": "0x" + compiled["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + compiled["evm"]["deployedBytecode"]["object"],
        "immutableReferences": immutable_references(compiled),
        "compiler": {
            "version": metadata["compiler"]["version"],
            "evmVersion": metadata["settings"]["evmVersion"],
            "viaIR": metadata["settings"].get("viaIR", False),
            "optimizer": metadata["settings"]["optimizer"],
            "bytecodeHash": metadata["settings"]["metadata"]["bytecodeHash"],
        },
        "metadata": compiled["metadata"],
        "sourcesHash": hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest(),
    }


def immutable_references(compiled: Mapping[str, Any]) -> list[dict[str, int]]:
    """Where the constructor writes immutables into the deployed code: start and length of each, in bytes.

    The compiler lists them by numbers of its syntax tree, which change with what else is compiled.
    """
    found = compiled["evm"]["deployedBytecode"]["immutableReferences"]
    places = {(place["start"], place["length"]) for each in found.values() for place in each}
    return [{"start": start, "length": length} for start, length in sorted(places)]


def deployable(artifacts: Mapping[str, Artifact]) -> dict[str, Artifact]:
    """The artifacts that ship: neither libraries nor contracts above the size limit of EIP-170.

    Raises:
        CompilationError: a contract is too large to be deployed.
    """
    chosen = {n: a for n, a in artifacts.items() if Path(a["source"]).parts[1] not in NOT_DEPLOYED}
    for name, artifact in chosen.items():
        size = len(artifact["deployedBytecode"]) // 2 - 1
        if size > MAX_CONTRACT_BYTES:
            raise CompilationError(
                f"{artifact['source']}: {name} has {size} bytes of code, the limit is {MAX_CONTRACT_BYTES}"
            )
    return chosen


def as_text(artifact: Artifact) -> str:
    """The bytes of an artifact file: sorted keys, one space of indentation, a newline at the end."""
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def write_artifacts(artifacts: Mapping[str, Artifact], folder: Path = ARTIFACTS) -> None:
    """Write one file per artifact and remove the files of contracts that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in set(folder.glob("*.json")) - {folder / f"{name}.json" for name in artifacts}:
        stale.unlink()
    for name, artifact in artifacts.items():
        (folder / f"{name}.json").write_text(as_text(artifact), encoding="utf-8")


def differences(artifacts: Mapping[str, Artifact], folder: Path = ARTIFACTS) -> list[str]:
    """One line per artifact file that is missing, left over, or not what the sources compile to."""
    shipped = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    gone = sorted(set(shipped) - set(artifacts))
    lines = [f"{name}.json: no contract of this name among the sources" for name in gone]
    for name, artifact in sorted(artifacts.items()):
        if name not in shipped:
            lines.append(f"{name}.json: missing")
        elif shipped[name] != as_text(artifact):
            old = json.loads(shipped[name])
            keys = [key for key in artifact if old.get(key) != artifact[key]] or ["formatting"]
            lines.append(f"{name}.json: {', '.join(keys)} differ from what {artifact['source']} compiles to")
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Compile, then write or compare. Returns 0, 1 when the artifacts differ, or 2 on an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the artifacts that ship")
    check = parser.parse_args(arguments).check
    try:
        artifacts = deployable(compile_sources(all_sources()))
    except CompilationError as error:
        print(error, file=sys.stderr)
        return 2
    if check:
        lines = [
            line for folder in FOLDERS for line in differences(of_folder(artifacts, folder), FOLDERS[folder])
        ]
        for line in lines:
            print(line, file=sys.stderr)
        if lines:
            print("run `make contracts` and commit the result", file=sys.stderr)
        return 1 if lines else 0
    for folder, target in FOLDERS.items():
        write_artifacts(of_folder(artifacts, folder), target)
    for name, artifact in artifacts.items():
        print(f"{name}: {len(artifact['deployedBytecode']) // 2 - 1} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
