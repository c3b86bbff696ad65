"""Show a participant's account.

python scripts/wallet_balance.py ada
brownie run scripts/wallet_balance.py main ada --network peerwatt-ganache
"""

from peerwatt.cli.script import run
from peerwatt.roles.local_pilot import DEFAULT_SCENARIO, local_pilot
from peerwatt.units import BASE_UNITS_PER_CURRENCY


def main(participant: str, scenario: str = DEFAULT_SCENARIO) -> None:
    """Show what PARTICIPANT's account holds: cash, margin, what can be withdrawn, and energy credit."""
    with local_pilot(scenario) as pilot:
        home, currency = pilot.home(participant), pilot.scenario.currency
        balance = pilot.wallet(home).balance()
        print(f"{participant}, account {home.account}")
        print(f"cash          {balance.cash / BASE_UNITS_PER_CURRENCY:14.6f} {currency}")
        print(f"margin        {balance.margin / BASE_UNITS_PER_CURRENCY:14.6f} {currency}")
        print(f"to withdraw   {balance.free / BASE_UNITS_PER_CURRENCY:14.6f} {currency}")
        print(f"energy credit {balance.energy / 1000:14.3f} kWh")


if __name__ == "__main__":
    run(main)
