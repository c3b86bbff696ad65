"""Deploy a scenario's market to a running node.

ETH_RPC_URL=http://127.0.0.1:8545 python scripts/deploy.py
brownie run scripts/deploy.py --network peerwatt-ganache
"""

from peerwatt.cli.script import run
from peerwatt.replay.founding import ETHER_PER_KEY, deploy_scenario
from peerwatt.roles.local_pilot import DEFAULT_SCENARIO, local_pilot


def main(scenario: str = DEFAULT_SCENARIO) -> None:
    """Deploy a scenario's market, cover and register its participants, fund the oracle."""
    with local_pilot(scenario) as pilot:
        deployment = deploy_scenario(pilot.network, pilot.scenario, pilot.keys)
        path = deployment.keep(pilot.deployment_file.parent)
        members = range(pilot.scenario.committee.members)
        committee = [pilot.keys.committee_member(index).address for index in members]
        pilot.network.fund(dict.fromkeys(committee, ETHER_PER_KEY))
        for name, address in sorted(deployment.addresses.items()):
            print(f"{name:20} {address}")
        print(f"{len(pilot.scenario.participants)} participants; addresses in {path}")


if __name__ == "__main__":
    run(main)
