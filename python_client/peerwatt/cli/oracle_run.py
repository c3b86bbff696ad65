"""`peerwatt oracle run`: one member of the committee as one process."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from peerwatt.cli import completion
from peerwatt.cli.console import log_to_stderr, say
from peerwatt.cli.key import PasswordFile, opened
from peerwatt.errors import InputError, missing

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from peerwatt.grid.feeder import Feeder
    from peerwatt.grid.gate.rules import GridRules
    from peerwatt.oracle.forecast_file import ForecastSource

_PATHS = frozenset({"deployment", "keystore", "password_file", "feeder", "forecasts", "peers", "state"})


def _read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Let the file's values be the options' defaults; its paths count from its own directory."""
    if path is None:
        return None
    import yaml

    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no settings: give lines such as `peers: peers.txt`")
    known = [str(parameter.name) for parameter in context.command.params if parameter.name != "config"]
    for key in content:
        if key not in known:
            raise InputError(f"{path}: {key}: unknown key: the known ones are {', '.join(known)}")
    context.default_map = {
        key: str(path.parent / value) if key in _PATHS and isinstance(value, str) else value
        for key, value in content.items()
    }
    return path


def run(
    deployment: Annotated[Path, typer.Option(help="The market's addresses, as deploy.py writes them.")],
    peers: Annotated[Path, typer.Option(help="Text file with the members' addresses, one per line.")],
    state: Annotated[Path, typer.Option(help="SQLite file of this member; made if it is not there.")],
    chain: Annotated[str, typer.Option(help="URL of a node, or rpc (ETH_RPC_URL).")] = "rpc",
    feeder: Annotated[Path | None, typer.Option(help="Canonical feeder file; else the scenario's.")] = None,
    forecasts: Annotated[Path | None, typer.Option(help="Directory of forecasts, INTERVAL.json.")] = None,
    scenario: Annotated[
        str | None,
        typer.Option(help="Or a scenario's, for demonstration.", autocompletion=completion.scenarios),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of those; the scenario's by default.")] = None,
    first_interval: Annotated[
        int | None, typer.Option(min=0, help="Interval on chain of the scenario's first one.")
    ] = None,
    rules: Annotated[
        str | None, typer.Option(help="Such as losses=tracing,curtailment=fair; the scenario's by default.")
    ] = None,
    keystore: Annotated[Path | None, typer.Option(help="The member's key, keystore v3.")] = None,
    account: Annotated[str | None, typer.Option(help="Or its name in Foundry, ape or geth.")] = None,
    password_file: PasswordFile = None,
    demo_seed: Annotated[int | None, typer.Option(min=0, help="Demonstration key of a seed instead.")] = None,
    member: Annotated[int | None, typer.Option(min=0, help="Which member's demonstration key.")] = None,
    listen: Annotated[str, typer.Option(help="HOST:PORT of its pages; port 0: any.")] = "127.0.0.1:0",
    confirmations: Annotated[
        int,
        typer.Option(min=0, help="Blocks on top before one is believed; 0 where nothing mines by itself."),
    ] = 2,
    patience: Annotated[int, typer.Option(min=1, help="How long a member's turn lasts, s.")] = 30,
    advance: Annotated[bool, typer.Option(help="Also clear and expire intervals when they are due.")] = True,
    envelope_lead: Annotated[
        int, typer.Option(min=1, help="How long before gate closure operating envelopes are signed, s.")
    ] = 300,
    poll: Annotated[float, typer.Option(min=0.01, help="How often to look at the chain, s.")] = 1.0,
    until_stdin_ends: Annotated[
        bool, typer.Option("--until-stdin-ends", help="End with the program that started it.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            help="YAML file with any of these options.", callback=_read_config, is_eager=True, dir_okay=False
        ),
    ] = None,
) -> None:
    """Be one member of the oracle committee: follow the chain, check, sign, and report in turn.

    Prints the address of its pages, then what happens on stderr. May be killed at any time and started again.
    """
    import signal
    import threading

    from peerwatt.chain import Deployment
    from peerwatt.grid.files.feeder_file import load_feeder

    try:
        from peerwatt.oracle.seat import Habits
        from peerwatt.roles.member_process import MemberSettings, run_member
    except ImportError as error:
        raise InputError(missing(error.name, "oracle")) from None

    log_to_stderr()
    host, port = _address(listen)
    keystore = _keystore(keystore, account)
    key = _key(keystore, password_file, demo_seed, member)
    if demo_seed is not None:
        logging.getLogger(__name__).warning(
            "demonstration key of seed %d: anyone can compute it, it protects nothing", demo_seed
        )
    basis = judging_basis(forecasts, scenario, seed, first_interval, rules)
    own_feeder = basis.feeder if feeder is None else load_feeder(feeder)
    if own_feeder is None:
        raise InputError("--feeder FILE is missing: name the member's own feeder file")
    settings = MemberSettings(
        chain=chain,
        deployment=Deployment.load(deployment),
        key=key,
        feeder=own_feeder,
        forecasts=basis.forecasts,
        rules=basis.rules,
        peers=peers,
        state=state,
        host=host,
        port=port,
        confirmations=confirmations,
        poll_s=poll,
        habits=Habits(patience, advance, envelope_lead),
    )
    stop = threading.Event()

    def stop_with_input() -> None:
        sys.stdin.read()
        stop.set()

    if until_stdin_ends:
        threading.Thread(target=stop_with_input, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def started(url: str) -> None:
        say(f"listening on {url}")
        _warn_of_readers(keystore, password_file)

    run_member(settings, stop, started)


@dataclass(frozen=True)
class JudgingBasis:
    """What a member judges by, besides the chain.

    Attributes:
        forecasts: where its forecasts come from.
        rules: by which the grid decides.
        feeder: the scenario's, where there is one.
    """

    forecasts: ForecastSource
    rules: GridRules
    feeder: Feeder | None


def judging_basis(
    directory: Path | None, scenario: str | None, seed: int | None, first: int | None, rules: str | None
) -> JudgingBasis:
    """What the options name.

    Raises:
        InputError: no forecasts are named or two kinds, or they or the rules cannot be used.
    """
    from peerwatt.oracle.judgement import DEFAULT_RULES
    from peerwatt.oracle.report_inputs import parse_rules

    named = None if rules is None else parse_rules(rules)
    if (directory is None) == (scenario is None):
        raise InputError("name either the directory of the --forecasts or the --scenario that they come from")
    if directory is not None:
        from peerwatt.oracle.forecast_file import ForecastDirectory

        return JudgingBasis(ForecastDirectory(directory), named or DEFAULT_RULES, None)
    from peerwatt.scenario.forecasts import ScenarioForecasts
    from peerwatt.scenario.loading import load_scenario

    found = load_scenario(str(scenario))
    source = ScenarioForecasts(found, found.seed if seed is None else seed, first)
    return JudgingBasis(source, named or found.rules, found.feeder)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 1 << 16):
        raise InputError(f"--listen {text!r}: give HOST:PORT, such as 127.0.0.1:8110")
    return host.strip("[]"), int(port)


def _keystore(file: Path | None, account: str | None) -> Path | None:
    """The keystore that one of the two options names; None where neither does."""
    from peerwatt.chain.keystore_files import keystore_of

    if file is not None and account is not None:
        raise InputError("name either the --keystore or the --account of the member's key")
    return file if account is None else keystore_of(account)


def _key(
    keystore: Path | None, password_file: Path | None, demo_seed: int | None, member: int | None
) -> LocalAccount:
    """The member's key: of an encrypted keystore, or a demonstration one.

    Raises:
        InputError: none or both are named, or the keystore cannot be opened.
    """
    from peerwatt.chain import demo_account

    if keystore is None and demo_seed is not None and member is not None:
        return demo_account(demo_seed, "committee", member)
    if keystore is None or demo_seed is not None:
        raise InputError("name either the --keystore of the member's key, or a --demo-seed and the --member")
    return opened(keystore, password_file)


def _warn_of_readers(*files: Path | None) -> None:
    """Say which of a key's files others may read, as ssh does."""
    from peerwatt.chain.keystore import readable_by_others

    for file in filter(None, files):
        if readable_by_others(file):
            logging.getLogger(__name__).warning(
                "%s: other accounts of this machine can read it: chmod 600 %s", file, file
            )
