"""Replay a scenario on a running Ganache or Anvil, whose clock is taken over.

ETH_RPC_URL=http://127.0.0.1:8545 python scripts/replay_pilot.py
brownie run scripts/replay_pilot.py --network peerwatt-ganache
"""

from pathlib import Path

import typer

from peerwatt.cli.exit_codes import ExitCode
from peerwatt.cli.script import run
from peerwatt.replay.run import replay_scenario
from peerwatt.report.files import check_destination, write_results
from peerwatt.roles.local_pilot import DEFAULT_SCENARIO, node_address
from peerwatt.scenario.loading import load_scenario


def main(scenario: str = DEFAULT_SCENARIO, intervals: int = 96, out: str = "reports/running-node") -> None:
    """Replay the first INTERVALS of a scenario and write the report to OUT."""
    directory = Path(out)
    check_destination(directory)
    found = load_scenario(scenario)
    result = replay_scenario(found, node_address(), found.seed, int(intervals))
    write_results(result, directory)
    summary = result.summary
    print(f"traded {summary.traded_wh} Wh, accepted {summary.accepted_wh} Wh, {summary.gas_total} gas")
    print(f"{summary.reference_mismatches} mismatches, conservation error {summary.conservation_error}")
    print(f"report: {directory / 'report.html'}")
    if not result.agrees:
        raise typer.Exit(ExitCode.DISAGREE)


if __name__ == "__main__":
    run(main)
