"""The README keeps its word: two commands first, every block runs, every word and slug is explained."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from tests.house.source import PACKAGE, ROOT, trees

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
GLOSSARY = (
    "errors.py",
    "declare/terms.py",
    "declare/question.py",
    "declare/dashboard.py",
    "declare/people.py",
    "session/answer.py",
    "session/catalog.py",
    "session/door.py",
    "session/session.py",
)


def test_the_first_screen_has_exactly_two_commands() -> None:
    first = README.split("\n## ")[0]
    commands = [
        line for kind, body in re.findall(r"```(\w+)\n(.*?)```", first, re.DOTALL) for line in body.splitlines()
    ]
    assert commands == ["pip install uv && uv run workbench up", "pip install uv && uv run pytest -n auto"]


def test_python_blocks_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    blocks = [body for kind, body in BLOCKS if kind == "python"]
    assert len(blocks) >= 4
    for body in blocks:
        exec(compile(body, "README.md", "exec"), names)
    assert "unknown-metric" in capsys.readouterr().out
    names["session"].close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "line", [x for kind, body in BLOCKS if kind == "sh" for x in body.splitlines() if x.startswith("workbench ")]
)
def test_commands_run(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from workbench.cli import main

    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as left:
        main(shlex.split(line)[1:])
    out, err = capsys.readouterr()
    # A browser's port or a missing build is a warning of the doctor; anything failed would be 1.
    assert left.value.code == 0, err
    assert out.strip() or "validate" in line or "test" in line


@pytest.mark.parametrize("title", [body.split("\n")[0] for kind, body in BLOCKS if kind == "yaml"])
def test_yaml_blocks_are_declarations(title: str) -> None:
    from workbench.declare.declared import declared
    from workbench.declare.reader import read_documents

    body = next(body for kind, body in BLOCKS if kind == "yaml" and body.startswith(title))
    for document in read_documents(body, "README.md"):
        declared(document)


def test_every_public_class_is_in_the_glossary() -> None:
    words = README.split("\n## Words")[1].split("\n## ")[0] + README.split("\n## Errors")[1].split("\n## ")[0]
    classes = {
        node.name
        for file in GLOSSARY
        for node in trees()[PACKAGE / file].body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    missing = {name for name in classes if f"`{name}`" not in words}
    assert not missing, missing


def slugs() -> dict[str, Path]:
    """Every slug written in the package, and a file that writes it."""
    found: dict[str, Path] = {}
    for file, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Problem" and node.args:
                slug = node.args[0]
                if isinstance(slug, ast.Constant):
                    found[slug.value] = file
    return found


def test_every_slug_is_explained() -> None:
    table = README.split("\n### Slugs")[1].split("\n## ")[0]
    explained = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", table))
    missing = {slug: file.name for slug, file in slugs().items() if slug not in explained}
    assert not missing, missing
