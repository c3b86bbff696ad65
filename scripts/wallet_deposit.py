"""Pay into a participant's account.

python scripts/wallet_deposit.py ada 25.50
brownie run scripts/wallet_deposit.py main ada 25.50 --network peerwatt-ganache
"""

from peerwatt.cli.script import run
from peerwatt.replay.founding import pay_in
from peerwatt.roles.local_pilot import DEFAULT_SCENARIO, base_units, local_pilot
from peerwatt.units import BASE_UNITS_PER_CURRENCY


def main(participant: str, amount: str, scenario: str = DEFAULT_SCENARIO) -> None:
    """Pay AMOUNT of the currency into PARTICIPANT's account, in local tokens that are printed first."""
    units = base_units(amount)
    with local_pilot(scenario) as pilot:
        pay_in(pilot.wallet(pilot.home(participant)), units)
        print(f"{participant}: deposited {units / BASE_UNITS_PER_CURRENCY:.6f} {pilot.scenario.currency}")


if __name__ == "__main__":
    run(main)
