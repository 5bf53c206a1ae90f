"""Files, functions and classes stay small, say what they are for, and have honest names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.source import PACKAGE, trees

FILE, FUNCTION, BRANCHES, METHODS = 600, 60, 12, 20
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "core", "misc", "handler"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
_BRANCH = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.match_case, ast.comprehension)


def functions() -> Iterator[tuple[Path, Function]]:
    """Every function of the package, inner ones too."""
    for file, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, Function):
                yield file.relative_to(PACKAGE), node


def test_files_are_short() -> None:
    lengths = {file.relative_to(PACKAGE): len(file.read_text(encoding="utf-8").splitlines()) for file in trees()}
    assert not {file: n for file, n in lengths.items() if n > FILE}


def test_functions_are_short() -> None:
    long = [
        f"{file}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for file, node in functions()
        if node.end_lineno and node.end_lineno - node.lineno + 1 > FUNCTION
    ]
    assert not long, "\n".join(long)


def test_functions_branch_little() -> None:
    wrong = []
    for file, node in functions():
        inner = {id(x) for f in ast.walk(node) if isinstance(f, Function) and f is not node for x in ast.walk(f)}
        branches = sum(isinstance(x, _BRANCH[:5]) and id(x) not in inner for x in ast.walk(node))
        if branches > BRANCHES:
            wrong.append(f"{file}: {node.name} branches {branches} times")
    assert not wrong, "\n".join(wrong)


def test_classes_have_few_public_methods() -> None:
    wrong = [
        f"{file.relative_to(PACKAGE)}: {node.name}"
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and sum(isinstance(x, Function) and not x.name.startswith("_") for x in node.body) > METHODS
    ]
    assert not wrong, wrong


def test_names_say_what_a_file_holds() -> None:
    assert not [file for file in trees() if file.stem in VAGUE]


def test_every_file_opens_with_a_sentence() -> None:
    silent = [
        str(file.relative_to(PACKAGE))
        for file, tree in trees().items()
        if tree.body and not (ast.get_docstring(tree) or "").strip()
    ]
    assert not silent, silent


def test_public_functions_and_classes_say_what_they_do() -> None:
    silent = []
    for file, tree in trees().items():
        tops = [n for n in tree.body if isinstance(n, ast.ClassDef | Function)]
        public = [c for c in tops if isinstance(c, ast.ClassDef) and not c.name.startswith("_")]
        methods = [m for c in public for m in c.body if isinstance(m, Function)]
        silent += [
            f"{file.relative_to(PACKAGE)}:{node.lineno}: {node.name}"
            for node in (*tops, *methods)
            if not node.name.startswith("_") and not ast.get_docstring(node) and not _is_overload(node)
        ]
    assert not silent, "\n".join(silent)


def _is_overload(node: ast.ClassDef | Function) -> bool:
    return any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)
