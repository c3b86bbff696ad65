"""Pay out of a participant's account.

python scripts/wallet_withdraw.py ada 5
brownie run scripts/wallet_withdraw.py main ada 5 --network peerwatt-ganache
"""

from peerwatt.cli.script import run
from peerwatt.roles.local_pilot import DEFAULT_SCENARIO, base_units, local_pilot
from peerwatt.units import BASE_UNITS_PER_CURRENCY


def main(participant: str, amount: str, scenario: str = DEFAULT_SCENARIO) -> None:
    """Pay AMOUNT from PARTICIPANT's account to its wallet; what is above the margin can be withdrawn."""
    units = base_units(amount)
    with local_pilot(scenario) as pilot:
        pilot.wallet(pilot.home(participant)).withdraw(units)
        print(f"{participant}: withdrew {units / BASE_UNITS_PER_CURRENCY:.6f} {pilot.scenario.currency}")


if __name__ == "__main__":
    run(main)
