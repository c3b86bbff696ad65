"""Compare a deployment's code on chain with this version's contracts, and write what a verifier asks for.

ETH_RPC_URL=http://127.0.0.1:8545 python scripts/verify_deployment.py deployments/31337.json
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from compile_contracts import OUTPUTS, CompilationError, read_source
from peerwatt.chain import Artifact, Deployment, Network, load_artifact, open_network
from peerwatt.chain.keccak import keccak
from peerwatt.cli.exit_codes import ExitCode
from peerwatt.cli.script import run
from peerwatt.errors import InputError
from peerwatt.roles.local_pilot import node_address


def main(deployment: Path, out: Path = Path("build/verification")) -> None:
    """Compare the code of DEPLOYMENT's contracts with this version's; write each one's sources and settings.

    OUT gets NAME.json for each contract, the compiler's standard JSON input, and NAME.arguments, what its
    constructor was given, ABI-encoded. Ends with 3 where a contract has other code.
    """
    found = Deployment.load(deployment)
    out.mkdir(parents=True, exist_ok=True)
    with open_network(node_address(), chain_id=found.chain_id) as network:
        alike = [_compare(network, found, name) for name in sorted(found.addresses)]
    for name, creation in found.creations.items():
        document = json.dumps(standard_json(load_artifact(name)), indent=1)
        (out / f"{name}.json").write_text(document + "\n", encoding="utf-8")
        (out / f"{name}.arguments").write_text(creation.arguments.removeprefix("0x") + "\n", encoding="utf-8")
    print(f"standard JSON inputs and constructor arguments of {len(found.creations)} contracts in {out}")
    if not all(alike):
        raise typer.Exit(ExitCode.VERDICT)


def _compare(network: Network, deployment: Deployment, name: str) -> bool:
    """Whether a contract's code is this version's, or it is a token that was there before."""
    address = deployment.addresses[name]
    code = bytes(network.web3.eth.get_code(address))
    if name not in deployment.creations:
        said, alike = "not created by this deployment", bool(code)
    else:
        alike = load_artifact(name).is_code(code)
        said = "this version's code" if alike else "other code" if code else "no code"
    print(f"{name:20} {address}  {said}")
    return alike


def standard_json(artifact: Artifact) -> dict[str, Any]:
    """The compiler's input that an artifact came from.

    Args:
        artifact: with its metadata.

    Raises:
        InputError: a source is missing here, or is another one than was compiled.
    """
    metadata = json.loads(artifact.metadata)
    settings = dict(metadata["settings"])
    del settings["compilationTarget"]
    sources = {name: {"content": _source(name, said, artifact)} for name, said in metadata["sources"].items()}
    selection = {artifact.source: {artifact.name: OUTPUTS}}
    return {
        "language": metadata["language"],
        "sources": sources,
        "settings": {**settings, "outputSelection": selection},
    }


def _source(name: str, said: dict[str, Any], artifact: Artifact) -> str:
    try:
        text = read_source(name)
    except CompilationError as error:
        raise InputError(str(error)) from None
    if "0x" + keccak(text.encode()).hex() != said["keccak256"]:
        raise InputError(
            f"{name}: not the source that {artifact.name} was compiled from: check out the version that was "
            "deployed"
        )
    return text


if __name__ == "__main__":
    run(main)
