"""The command line as a whole: help for everything, the exit codes, our own faults."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from tests.cli.conftest import Run
from workbench import errors
from workbench.cli import workbench
from workbench.commands.exits import EXIT_CODES, exit_code


def paths(command: click.Command, so_far: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command by the words that reach it."""
    yield so_far, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from paths(inner, (*so_far, name))


@pytest.mark.parametrize("words", [words for words, _ in paths(workbench)], ids=" ".join)
def test_every_help_exits_with_zero(run: Run, words: tuple[str, ...]) -> None:
    ran = run(*words, "--help")
    assert ran.code == 0
    assert ran.out.startswith("Usage: workbench")


@pytest.mark.parametrize(
    "command", [c for _, c in paths(workbench) if not isinstance(c, click.Group)], ids=lambda c: c.name
)
def test_every_command_shows_examples_and_takes_debug(command: click.Command) -> None:
    assert "Examples:" in (command.epilog or "")
    assert (command.help or "").strip().endswith(".")
    assert "--debug" in {option for parameter in command.params for option in parameter.opts}


def test_every_error_has_an_exit_code() -> None:
    declared = (one for one in vars(errors).values() if isinstance(one, type))
    family = [one for one in declared if issubclass(one, errors.WorkbenchError) and one is not errors.WorkbenchError]
    assert set(family) == set(EXIT_CODES)
    problem = errors.Problem("x", "y")
    assert {exit_code(kind(problem)) for kind in family} == {2, 3, 4, 5, 70}
    assert exit_code(errors.WorkbenchError(problem)) == 2


def test_our_own_fault_is_told_with_an_id(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("cogs")

    monkeypatch.setattr("workbench.declare.workspace.load", broken)
    ran = run("validate")
    assert ran.code == 70
    assert "[internal]" in ran.err
    assert "Traceback" not in ran.err
    with pytest.raises(RuntimeError, match="cogs"):
        run("validate", "--debug")


def test_ctrl_c_has_its_own_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("workbench.declare.workspace.load", interrupted)
    assert run("validate").code == 130


def test_ctrl_c_while_everything_is_still_loaded_shows_no_traceback() -> None:
    early = """
import sys
from workbench.__main__ import main
class Pressed:
    def find_spec(self, name, *_):
        if name == "workbench.cli":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Pressed())
main()
"""
    ran = subprocess.run([sys.executable, "-c", early], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (130, "\nInterrupted.\n")


@pytest.mark.parametrize("words", [(), ("import",), ("export",), ("migrate",), ("token",)], ids=" ".join)
def test_the_list_of_commands_cuts_no_sentence(run: Run, words: tuple[str, ...]) -> None:
    listed = run(*words, "--help").out.partition("Commands:")[2]
    assert listed.strip()
    assert "..." not in listed.replace("dashboard, ...", "")


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("--version").out.strip() == "0.1.0"


STEERING = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egpj"


def test_what_others_wrote_steers_no_terminal(run: Run) -> None:
    """A value, a name or a message may hold what clears a screen, sets a title or turns text around."""
    shown = run("sql", f"select '{STEERING}' as word, 1 as \"{STEERING}\"")
    for ran in (shown, run("query", STEERING), run("why", STEERING, "query:adhoc")):
        printed = ran.out + ran.err
        assert "gpj" in printed
        for part in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\u202e"):
            assert part not in printed
    assert run("sql", f"select '{STEERING}' as word", "--format", "json").json == [{"word": STEERING}]
