"""The artifacts that ship are what the sources compile to, on any machine."""

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
        "Doorman.json: bytecode, deployedBytecode, sourcesHash differ from what contracts/Doorman.sol "
        "compiles to"
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


def test_unknown_contract_lists_what_ships() -> None:
    with pytest.raises(ChainError, match=r"no compiled contract Nothing: choose one of .*PaymentToken"):
        load_artifact("Nothing")
