"""What is committed: few entries at the top, no trace of one machine, nothing unfinished, one test command."""

from __future__ import annotations

import re
import subprocess

from tests.house.source import PACKAGE, ROOT, tracked

TOP = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "metrics", "workbench", "notebooks", "access", "tests"}

# Written in parts, so that this file does not find itself.
MACHINE = re.compile(
    r"(?<![\w.:/~-])/(?:" + "|".join(("wo" + "rk", "ro" + "ot", "ho" + "me/[a-z]+", "far" + "m", "op" + "t/wb")) + r")/"
)
HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "registry.npm" + "js", "deb.deb" + "ian")
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImplemented" + r"Error)\b")


def _texts() -> dict[str, str]:
    texts = {}
    for file in tracked():
        try:
            texts[file.relative_to(ROOT).as_posix()] = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return texts


def test_few_entries_at_the_top() -> None:
    entries = {file.relative_to(ROOT).parts[0] for file in tracked()}
    assert {entry for entry in entries if not entry.startswith(".")} == TOP


def test_no_paths_of_one_machine() -> None:
    found = [f"{name}: {m[0]}" for name, text in _texts().items() for m in [MACHINE.search(text)] if m]
    assert not found, "\n".join(found)


def test_no_hosts_of_registries() -> None:
    found = [f"{name}: {host}" for name, text in _texts().items() for host in HOSTS if host in text]
    assert not found, "\n".join(found)


def test_no_lock_file() -> None:
    assert not [file for file in tracked() if file.name in ("uv.lock", "poetry.lock", "package-lock.json")]


def test_nothing_is_left_unfinished() -> None:
    files = (f for f in PACKAGE.rglob("*.py"))
    found = [f"{f.relative_to(ROOT)}: {m[0]}" for f in files for m in [UNFINISHED.search(f.read_text("utf-8"))] if m]
    assert not found, "\n".join(found)


def test_shell_scripts_parse_and_run_the_readmes_test_command() -> None:
    script = ROOT / ".ci" / "run"
    subprocess.run(["bash", "-n", str(script)], check=True)
    text = script.read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    assert "\nuv run pytest -n auto\n" in text
    assert "&& uv run pytest -n auto\n" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_constraints_are_exact_and_name_no_place() -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert not [pin for pin in pins if not re.fullmatch(r"[a-z0-9._-]+==[\w.]+(?: ;.*)?", pin)]
