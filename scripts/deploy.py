"""Deploy a scenario's market to a running node, register its participants, and keep the addresses.

    ETH_RPC_URL=http://127.0.0.1:8545 python scripts/deploy.py
    brownie run scripts/deploy.py --network ganache-local

`peerwatt.pilot.local_pilot` lists what the environment can say.
"""

from peerwatt.pilot.local_pilot import local_pilot
from peerwatt.pilot.market_setup import deploy_scenario


def main() -> None:
    with local_pilot() as pilot:
        deployment = deploy_scenario(pilot.network, pilot.scenario, pilot.keys)
        pilot.deployment_file.parent.mkdir(parents=True, exist_ok=True)
        deployment.save(pilot.deployment_file)
        for name, address in sorted(deployment.addresses.items()):
            print(f"{name:20} {address}")
        print(f"{len(pilot.scenario.participants)} participants; addresses in {pilot.deployment_file}")


if __name__ == "__main__":
    main()
