"""Sign a participant's order for the next interval that still takes any, and post it as a batch of one.

The order is what the scenario's home would bid at this time of its first day.

    PEERWATT_PARTICIPANT=ada python scripts/wallet_order.py
"""

from peerwatt.errors import InputError
from peerwatt.pilot.bidding import order_of
from peerwatt.pilot.local_pilot import local_pilot
from peerwatt.pilot.market_setup import ETHER_PER_KEY


def main() -> None:
    with local_pilot() as pilot:
        scenario, home, client = pilot.scenario, pilot.home, pilot.relayer()
        pilot.network.fund({client.sender.address: ETHER_PER_KEY})
        now, market = pilot.network.latest_timestamp(), scenario.market
        interval = (now + market.gate_lead) // market.interval_length + 1
        position = interval % scenario.calendar.per_day
        order = order_of(scenario, home, position, scenario.seed, interval)
        if order is None:
            raise InputError(f"{home.name} expects to exchange nothing at that time of day: name another one")
        key = bytes(pilot.keys.order_key(home.account).key)
        posted = client.post(interval, [order.signed(client.domain, key)])
        for step in order:
            price = market.price(step.tick) / 10
            print(f"{step.side.name.lower()} {step.quantity} Wh, limit {price:.1f} ct/kWh")
        if posted.batch is None:
            print(f"skipped by the market: {posted.skipped[0].reason.name.lower().replace('_', ' ')}")
        else:
            print(f"posted for interval {interval} as batch {posted.batch}, {posted.gas} gas")


if __name__ == "__main__":
    main()
