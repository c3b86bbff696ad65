"""Pay out of a participant's account to its wallet, from what is above its margin.

PEERWATT_PARTICIPANT=ada PEERWATT_AMOUNT=5 python scripts/wallet_withdraw.py
"""

from peerwatt.pilot.local_pilot import UNITS, amount, local_pilot


def main() -> None:
    units = amount()
    with local_pilot() as pilot:
        pilot.wallet().withdraw(units)
        print(f"{pilot.home.name}: withdrew {units / UNITS:.6f} {pilot.scenario.currency}")


if __name__ == "__main__":
    main()
