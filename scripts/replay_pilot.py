"""Replay one day of a scenario on a running Ganache or Anvil, whose clock it takes over.

    ETH_RPC_URL=http://127.0.0.1:8545 python scripts/replay_pilot.py
    brownie run scripts/replay_pilot.py --network ganache-local

`PEERWATT_INTERVALS` shortens the day; `PEERWATT_OUT` says where the report goes.
"""

import os
from pathlib import Path

from peerwatt.pilot.local_pilot import DEFAULT_SCENARIO, node_address
from peerwatt.pilot.run import replay_scenario
from peerwatt.pilot.scenario import load_scenario
from peerwatt.report.files import write_results


def main() -> None:
    scenario = load_scenario(os.environ.get("PEERWATT_SCENARIO", DEFAULT_SCENARIO))
    out = Path(os.environ.get("PEERWATT_OUT", f"reports/{scenario.name}"))
    intervals = int(os.environ.get("PEERWATT_INTERVALS", scenario.calendar.per_day))
    result = replay_scenario(scenario, node_address(), scenario.seed, intervals)
    write_results(result, out)
    summary = result.summary
    print(f"traded {summary.traded_wh} Wh, accepted {summary.accepted_wh} Wh, {summary.gas_total} gas")
    print(f"{summary.reference_mismatches} mismatches, conservation error {summary.conservation_error}")
    print(f"report: {out / 'report.html'}")


if __name__ == "__main__":
    main()
