"""The artifacts that ship are what the sources compile to, on any machine."""

import hashlib
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

import compile_contracts
from peerwatt.chain import Artifact, artifact_names, load_artifact
from peerwatt.errors import ChainError
from tests.chain.conftest import DOORMAN

ROOT = Path(compile_contracts.ROOT)


def test_sources_compile_to_what_is_there() -> None:
    artifacts = compile_contracts.deployable(
        compile_contracts.compile_sources(compile_contracts.all_sources())
    )
    for folder, target in compile_contracts.FOLDERS.items():
        assert compile_contracts.differences(compile_contracts.of_folder(artifacts, folder), target) == []


def test_mocks_of_tests_and_benchmarks_do_not_ship() -> None:
    for name, folder in (("HostileToken", "tests/contracts"), ("TextbookAuction", "benchmarks")):
        assert name not in artifact_names()
        assert (ROOT / folder / "artifacts" / f"{name}.json").is_file()


def test_changed_source_is_noticed(doorman: Artifact, tmp_path: Path) -> None:
    [artifact] = compile_contracts.compile_sources({"contracts/Doorman.sol": DOORMAN}).values()
    compile_contracts.write_artifacts({"Doorman": artifact}, tmp_path)
    assert compile_contracts.differences({"Doorman": artifact}, tmp_path) == []
    [changed] = compile_contracts.compile_sources(
        {"contracts/Doorman.sol": DOORMAN.replace("times > 13", "times > 14")}
    ).values()
    assert compile_contracts.differences({"Doorman": changed}, tmp_path) == [
        "Doorman.json: bytecode, deployedBytecode, metadata, sourcesHash differ from what "
        "contracts/Doorman.sol compiles to"
    ]
    assert compile_contracts.differences({}, tmp_path) == [
        "Doorman.json: no contract of this name among the sources"
    ]


def test_artifact_does_not_depend_on_what_else_is_compiled(
    doorman: Artifact, compile_solidity: Callable[[Mapping[str, str]], dict[str, Artifact]]
) -> None:
    other = (
        "// SPDX-License-Identifier: MIT\npragma solidity 0.8.30;\ncontract Alarm { uint256 public a = 1; }\n"
    )
    together = compile_solidity({"contracts/Alarm.sol": other, "contracts/Doorman.sol": DOORMAN})
    assert together["Doorman"] == doorman


def test_warning_stops_the_compilation() -> None:
    source = DOORMAN.replace("external view returns (uint256) {", "external returns (uint256) {")
    with pytest.raises(compile_contracts.CompilationError, match="can be restricted to view"):
        compile_contracts.compile_sources({"contracts/Doorman.sol": source})


def test_missing_import_is_named() -> None:
    source = DOORMAN.replace("contract Doorman", 'import {A} from "@nobody/A.sol";\ncontract Doorman')
    with pytest.raises(
        compile_contracts.CompilationError, match=r"^@nobody/A.sol: neither here nor in node_modules"
    ):
        compile_contracts.compile_sources({"contracts/Doorman.sol": source})


def test_wrapper_names_the_compiler_it_runs() -> None:
    wrapper = compile_contracts.SOLC_FOLDER / f"solc-v{compile_contracts.solc_version()}"
    said = subprocess.run([wrapper, "--version"], capture_output=True, text=True, check=True).stdout
    script = "console.log(require('solc').version())"
    actual = subprocess.run(
        ["node", "-e", script], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert said.splitlines()[1] == f"Version: {actual.strip()}"
    packages = json.loads((ROOT / "package.json").read_text())
    assert packages["devDependencies"]["solc"] == compile_contracts.solc_version()


def test_every_tool_compiles_with_the_same_settings() -> None:
    settings = compile_contracts.compiler_settings()
    brownie = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())
    assert "default" not in brownie["networks"]
    assert brownie["compiler"]["evm_version"] == settings["evmVersion"]
    solc = brownie["compiler"]["solc"]
    assert str(solc["version"]) == compile_contracts.solc_version()
    assert (solc["viaIR"], solc["optimizer"]) == (settings["viaIR"], settings["optimizer"])
    for name in artifact_names():
        compiler = load_artifact(name).compiler
        assert compiler["version"].startswith(compile_contracts.solc_version())
        assert (compiler["evmVersion"], compiler["viaIR"], compiler["optimizer"]) == (
            settings["evmVersion"],
            settings["viaIR"],
            settings["optimizer"],
        )


def test_an_artifacts_metadata_is_what_its_code_names() -> None:
    for name in artifact_names():
        artifact = load_artifact(name)
        # CBOR at the end of the code, its length in the last two bytes: the metadata's hash, the version.
        length = int.from_bytes(artifact.deployed_bytecode[-2:], "big")
        trailer = artifact.deployed_bytecode[-2 - length : -2]
        assert trailer[2:6] == b"ipfs", name
        assert ipfs_hash(artifact.metadata.encode()) in trailer, name
        metadata = json.loads(artifact.metadata)
        assert metadata["settings"]["compilationTarget"] == {artifact.source: name}
        assert metadata["output"]["abi"] == artifact.abi


def test_code_is_told_from_other_code_whatever_its_immutables_are() -> None:
    artifact = load_artifact("EnergyMarket")
    start, length = artifact.immutables[0]
    deployed = bytearray(artifact.deployed_bytecode)
    deployed[start : start + length] = bytes([7]) * length
    assert artifact.is_code(bytes(deployed))
    assert artifact.masked(bytes(deployed)) == artifact.deployed_bytecode
    deployed[start - 1] ^= 1
    assert not artifact.is_code(bytes(deployed))
    for other in (b"", artifact.deployed_bytecode[:-1], load_artifact("GridGate").deployed_bytecode):
        assert not artifact.is_code(other)


def ipfs_hash(content: bytes) -> bytes:
    """The multihash of a file of one block, as IPFS names it: UnixFS in a DAG-PB node."""

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2]) + varint(len(data)) + data

    def varint(value: int) -> bytes:
        low, rest = value & 127, value >> 7
        return bytes([low | 128]) + varint(rest) if rest else bytes([low])

    assert len(content) <= 262_144
    file = b"\x08\x02" + field(2, content) + b"\x18" + varint(len(content))
    return b"\x12\x20" + hashlib.sha256(field(1, file)).digest()


def test_unknown_contract_lists_what_ships() -> None:
    with pytest.raises(ChainError, match=r"no compiled contract Nothing: choose one of .*PaymentToken"):
        load_artifact("Nothing")
