"""Before anything is sent: the code at an address, and the room in a block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.chain import Deployment, Network, NoSuchContract, OutOfGas, open_network
from peerwatt.client import deployment as deployments
from peerwatt.replay.founding import deploy_scenario
from peerwatt.roles.local_pilot import local_pilot
from peerwatt.scenario import variants
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario
from tests.chain.small_blocks import small_blocks


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("brooklyn-10")


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with open_network("eth-tester") as found:
        yield found


@pytest.fixture(scope="module")
def deployment(network: Network, scenario: Scenario) -> Deployment:
    return deploy_scenario(network, scenario, PilotKeys(scenario.seed))


def test_every_contract_of_a_deployment_is_found_by_its_code(
    network: Network, deployment: Deployment
) -> None:
    network.known_code.clear()
    for name in deployment.addresses:
        assert deployment.contract(network, name).address == deployment.addresses[name]
    assert len(network.known_code) == len(deployment.addresses)


def test_the_deployment_of_a_chain_that_was_started_anew_is_refused(deployment: Deployment) -> None:
    with open_network("eth-tester") as fresh:
        for name, address in deployment.addresses.items():
            with pytest.raises(NoSuchContract) as caught:
                deployment.contract(fresh, name)
            assert str(caught.value).startswith(
                f"eth-tester: no contract is at {address}, where the deployment has its {name}: the chain was"
            )


def test_other_code_is_refused_by_name(network: Network, deployment: Deployment) -> None:
    wrong = {
        **deployment.addresses,
        "EnergyMarket": deployment.addresses["GridGate"],
        "GridGate": deployment.addresses["PaymentToken"],
    }
    for name in ("EnergyMarket", "GridGate"):
        with pytest.raises(NoSuchContract, match=f"is not that of this version's {name}: use the version"):
            replace(deployment, addresses=wrong).contract(network, name)


def test_a_payment_token_may_be_anybodys_but_must_be_a_contract(
    network: Network, deployment: Deployment, scenario: Scenario
) -> None:
    theirs = {"PaymentToken": deployment.addresses["EnergyToken"]}
    replace(deployment, addresses=theirs).contract(network, "PaymentToken")
    nobody = {"PaymentToken": PilotKeys(scenario.seed).operator.address}
    with pytest.raises(NoSuchContract, match="no contract is at"):
        replace(deployment, addresses=nobody).contract(network, "PaymentToken")


@pytest.mark.parametrize("sealed", [False, True])
def test_the_stated_gas_is_what_creating_a_market_needs(
    sealed: bool, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: dict[str, int] = {}
    deploy = deployments.deploy

    def measured(sender: object, name: str, *arguments: object) -> object:
        found = deploy(sender, name, *arguments)  # type: ignore[arg-type]
        used[name] = found.gas_used
        return found

    monkeypatch.setattr(deployments, "deploy", measured)
    scenario = variants.enveloped(variants.sealed(scenario) if sealed else scenario, True)
    with open_network("eth-tester") as network:
        deploy_scenario(network, scenario, PilotKeys(scenario.seed))
    stated = deployments.SEALED_MARKET_GAS if sealed else deployments.MARKET_GAS
    assert used["EnergyMarket"] == max(used.values())
    assert used["EnergyMarket"] <= stated <= used["EnergyMarket"] * 103 // 100
    page = (Path(__file__).parents[2] / "docs/nodes.md").read_text(encoding="utf-8")
    assert f"block gas limit of {deployments.MARKET_GAS:,}" in page
    assert f"with a sealed phase {deployments.SEALED_MARKET_GAS:,}" in page
    for name, gas in used.items():
        row = f"`{name}` with a sealed phase" if sealed and name == "EnergyMarket" else f"`{name}`"
        [written] = re.findall(rf"^\| {row} \| ([\d,]+) \|$", page, re.MULTILINE)
        assert abs(int(written.replace(",", "")) - gas) <= gas // 100


@pytest.mark.parametrize(("limit", "sealed"), [(4_700_000, False), (7_500_000, False), (8_000_000, True)])
def test_a_market_that_does_not_fit_into_a_block_is_refused_before_anything_is_sent(
    limit: int, sealed: bool, scenario: Scenario
) -> None:
    scenario = variants.sealed(scenario) if sealed else scenario
    needed = deployments.SEALED_MARKET_GAS if sealed else deployments.MARKET_GAS
    with small_blocks(limit) as url, open_network(url) as network:
        with pytest.raises(OutOfGas) as caught:
            deploy_scenario(network, scenario, PilotKeys(scenario.seed))
        assert f"{needed:,} gas to be created" in str(caught.value)
        assert f"gas limit of {limit:,}: nothing was sent" in str(caught.value)
        assert network.web3.eth.block_number == 0


def test_a_market_fits_into_blocks_of_eight_million(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_blocks(8_000_000) as url, open_network(url) as network:
        deployment = deploy_scenario(network, scenario, PilotKeys(scenario.seed))
        monkeypatch.setenv("ETH_RPC_URL", url)
        with local_pilot() as pilot:
            assert deployment.contract(pilot.network, "EnergyMarket").functions.totals().call() == [0, 0, 0]
