"""Shells complete verbs, options and the names that this program knows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import shellingham

import peerwatt
from peerwatt.cli import completion
from peerwatt.designs.registry import design
from peerwatt.scenario.catalogue import scenario_files
from peerwatt.scenario.variants import SWITCH_OF
from tests.cli.conftest import Here
from tests.cli.test_command_line import run


@pytest.fixture
def command(tmp_path: Path) -> dict[str, str]:
    """An environment in which `peerwatt` is a command, with a home of its own."""
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "peerwatt"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m peerwatt "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return {
        **os.environ,
        "HOME": str(tmp_path),
        "PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(peerwatt.__file__).parents[1]),
    }


def in_bash(script: str, environment: dict[str, str]) -> list[str]:
    """What a Bash prints, by line."""
    done = subprocess.run(
        ["bash", "-c", script], env=environment, cwd=environment["HOME"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_bash_completes_a_scenario_after_the_installation(command: dict[str, str]) -> None:
    lines = in_bash(
        "peerwatt --install-completion >/dev/null && . ./.bashrc && COMP_WORDS=(peerwatt replay brooklyn-3) "
        'COMP_CWORD=2 && _peerwatt_completion peerwatt && printf "%s\\n" "${COMPREPLY[@]}"',
        command,
    )
    assert lines == ["brooklyn-300", "brooklyn-300/rural", "brooklyn-300/suburban", "brooklyn-300/urban"]


@pytest.mark.parametrize(
    ("shell", "more"),
    [("zsh", {}), ("fish", {"_TYPER_COMPLETE_FISH_ACTION": "get-args"})],
)
def test_zsh_and_fish_are_answered_in_their_own_words(shell: str, more: dict[str, str]) -> None:
    shown = run(
        _PEERWATT_COMPLETE=f"complete_{shell}", _TYPER_COMPLETE_ARGS="peerwatt replay --chain an", **more
    )
    assert shown.returncode == 0, shown.stderr
    assert "anvil" in shown.stdout
    assert "ganache" not in shown.stdout


def test_every_name_that_is_offered_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my-street").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in completion.scenarios(""):
        assert scenario_files(name)
    assert completion.scenarios("my") == ["my-street/"]
    assert completion.scenarios("nowhere/at/all") == []
    assert completion.rules("") == list(SWITCH_OF)
    assert completion.designs("uniform,mid-market-e") == ["uniform,mid-market-ex-post"]
    assert "uniform,uniform" not in completion.designs("uniform,u")
    assert {design(name).name for name in completion.designs("va") + completion.designs("vi")} >= {"vickrey"}


def test_where_no_shell_is_found_the_exit_code_is_not_the_one_for_a_chain_that_disagrees(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_shell_above() -> tuple[str, str]:
        raise shellingham.ShellDetectionFailure

    monkeypatch.setattr(shellingham, "detect_shell", no_shell_above)
    assert here("--show-completion").returncode == 2
    assert here("--install-completion").returncode == 2
