"""What a participant's account holds: cash, margin, what can be withdrawn, and energy credit.

PEERWATT_PARTICIPANT=ada python scripts/wallet_balance.py
"""

from peerwatt.pilot.local_pilot import UNITS, local_pilot


def main() -> None:
    with local_pilot() as pilot:
        balance = pilot.wallet().balance()
        currency = pilot.scenario.currency
        print(f"{pilot.home.name}, account {pilot.home.account}")
        print(f"cash          {balance.cash / UNITS:14.6f} {currency}")
        print(f"margin        {balance.margin / UNITS:14.6f} {currency}")
        print(f"to withdraw   {balance.free / UNITS:14.6f} {currency}")
        print(f"energy credit {balance.energy / 1000:14.3f} kWh")


if __name__ == "__main__":
    main()
