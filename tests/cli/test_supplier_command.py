"""`peerwatt supplier`: the command that the operator is told does what lacks, or says what it takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from peerwatt.client.market import Registration
from peerwatt.client.supplier import CoverMissing
from peerwatt.market.participant_registry import Participant
from peerwatt.roles.operator import Operator
from tests.cli.supplied import send_tokens_to_the_supplier, supplied_market
from tests.cli.test_command_line import one_line_error, run


def test_the_command_that_the_operator_is_told_lets_the_next_home_join(tmp_path: Path) -> None:
    with supplied_market(tmp_path) as (market, options):
        operator, keys, account = Operator(market.client), market.keys, market.client.account_count()
        joins = Participant(keys.order_key(account).address, keys.meter_key(account).address, 100, 100)
        operator.accept(Registration(keys.wallet(account).address, joins, node=0))
        with pytest.raises(CoverMissing) as told:
            operator.step(0)
        needed, deposit = told.value.needed, told.value.deposit
        assert f"`peerwatt supplier cover {needed}`" in str(told.value)
        named = [*options, "--demo-seed", str(keys.seed)]
        error = one_line_error(run("supplier", "cover", str(needed), *named))
        assert f"takes a deposit of {deposit} base units" in error
        assert "at least these" in one_line_error(run("supplier", "cover", str(needed - 5001), *named))
        strangers = [*options, "--demo-seed", "77"]
        assert "is not registered for" in one_line_error(run("supplier", "cover", str(needed), *strangers))
        send_tokens_to_the_supplier(market, deposit)
        covered = run("supplier", "cover", str(needed), *named)
        assert (covered.returncode, covered.stderr) == (0, "")
        operator.step(0)
        shown = json.loads(run("supplier", "show", *options, "--json").stdout)
        assert (shown["registered"], shown["cover"], shown["free"]) == (needed, needed, 0)
