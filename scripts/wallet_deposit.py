"""Pay into a participant's account from its wallet, in local tokens that this script prints first.

PEERWATT_PARTICIPANT=ada PEERWATT_AMOUNT=25.50 python scripts/wallet_deposit.py
"""

from peerwatt.pilot.local_pilot import UNITS, amount, local_pilot
from peerwatt.pilot.market_setup import ETHER_PER_KEY


def main() -> None:
    units = amount()
    with local_pilot() as pilot:
        wallet = pilot.wallet()
        sender = wallet.client.sender
        pilot.network.fund({sender.address: ETHER_PER_KEY})
        sender.send(wallet.client.payment_token.functions.mint(sender.address, units))
        wallet.deposit(units)
        print(f"{pilot.home.name}: deposited {units / UNITS:.6f} {pilot.scenario.currency}")


if __name__ == "__main__":
    main()
