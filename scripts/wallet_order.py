"""Sign and post a participant's order.

python scripts/wallet_order.py ada
brownie run scripts/wallet_order.py main ada --network peerwatt-ganache
"""

from peerwatt.cli.script import run
from peerwatt.errors import ChainError, InputError
from peerwatt.messages.vocabulary import SkipReason
from peerwatt.replay.founding import ETHER_PER_KEY
from peerwatt.roles.local_pilot import DEFAULT_SCENARIO, local_pilot
from peerwatt.scenario.bidding import order_of
from peerwatt.units import BASE_UNITS_PER_CURRENCY


def main(participant: str, scenario: str = DEFAULT_SCENARIO) -> None:
    """Post what PARTICIPANT would bid at this time of day, for the next interval that takes orders."""
    with local_pilot(scenario) as pilot:
        home, market, client = pilot.home(participant), pilot.scenario.market, pilot.relayer()
        if market.is_sealed:
            raise InputError(
                f"{scenario} has a sealed market, where an order is committed to and revealed: use "
                "Wallet.commit_order and Wallet.reveal_order"
            )
        pilot.network.fund({client.sender.address: ETHER_PER_KEY})
        now = pilot.network.latest_timestamp()
        interval = (now + market.gate_lead) // market.interval_length + 1
        position = interval % pilot.scenario.calendar.per_day
        order = order_of(pilot.scenario, home, position, pilot.scenario.seed, interval)
        if order is None:
            raise InputError(f"{participant} expects to exchange nothing at that time: name another one")
        key = bytes(pilot.keys.order_key(home.account).key)
        posted = client.post(interval, [order.signed(client.domain, key)])
        if posted.batch is None:
            balance = pilot.wallet(home).balance()
            raise ChainError(
                f"{participant}: the market skipped the order for interval {interval}: "
                + _why(posted.skipped[0].reason, participant, balance.margin - balance.cash)
            )
        for step in order:
            limit = market.price(step.tick) / 10
            print(f"{step.side.name.lower()} {step.quantity} Wh, limit {limit:.1f} ct/kWh")
        print(f"posted for interval {interval} as batch {posted.batch}, {posted.gas} gas")


def _why(reason: SkipReason, participant: str, lacking: int) -> str:
    """A reason in words, with what to do where the participant can do something."""
    words = reason.name.lower().replace("_", " ")
    if reason is SkipReason.BELOW_MARGIN:
        amount = f"{lacking / BASE_UNITS_PER_CURRENCY:.6f}"
        return f"{words}; pay in what lacks: python scripts/wallet_deposit.py {participant} {amount}"
    return f"{words}, see docs/market.md"


if __name__ == "__main__":
    run(main)
