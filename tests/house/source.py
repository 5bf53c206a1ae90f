"""The package's own source, as trees and imports."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workbench"


@dataclass(frozen=True)
class Import:
    """One import: which file, what it names, and whether only a type checker reads it."""

    file: Path
    line: int
    module: str
    names: tuple[str, ...]
    for_types: bool

    @property
    def room(self) -> str:
        """The room that imports."""
        return room_of(self.file)

    @property
    def where(self) -> str:
        """File and line, for a message."""
        return f"{self.file.relative_to(ROOT)}:{self.line}"


def room_of(file: Path) -> str:
    """The first name below the package: a folder, or a file's stem."""
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


@cache
def trees() -> dict[Path, ast.Module]:
    """Every file of the package, parsed."""
    return {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted(PACKAGE.rglob("*.py"))}


@cache
def imports() -> tuple[Import, ...]:
    """Every import of the package, those inside functions too."""
    return tuple(found for file, tree in trees().items() for found in _imports(file, tree))


def _imports(file: Path, tree: ast.Module) -> Iterator[Import]:
    types_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for body in node.body
        for inner in ast.walk(body)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name, (), id(node) in types_only)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            module = node.module or ""
            if node.level:
                above = file.relative_to(ROOT).parts[: -node.level]
                module = ".".join((*above, module)).rstrip(".")
            yield Import(file, node.lineno, module, names, id(node) in types_only)


@cache
def tracked() -> tuple[Path, ...]:
    """The files that git knows or would take, as the next commit would have them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return tuple(ROOT / name for name in listed if (ROOT / name).is_file())
