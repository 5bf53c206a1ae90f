"""Deprecated metrics that name a successor to who has moved to it, and to files in which the rest moves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from workbench.declare.declared import declared
from workbench.declare.reader import read_documents
from workbench.declare.workspace import FOLDERS, Workspace
from workbench.errors import DeclarationError, Problem, ReviewError, did_you_mean
from workbench.review.lifecycle import users
from workbench.review.normal import Plain, normal
from workbench.review.renaming import renamed

State = Literal["moved", "both", "to move"]


@dataclass(frozen=True, slots=True)
class Migration:
    """One metric on its way out, what takes its place, and until when both live."""

    old: str
    new: str
    until: date | None


@dataclass(frozen=True, slots=True)
class Status:
    """How far one consumer is: it uses the new metric alone, both, or still the old one alone."""

    migration: Migration
    kind: str
    name: str
    state: State


@dataclass(frozen=True, slots=True)
class Edit:
    """A file in which names are to be replaced: its text before and after, and how many names."""

    file: str
    before: str
    after: str
    names: int


def migrations(workspace: Workspace) -> tuple[Migration, ...]:
    """Every deprecated metric whose successor is declared, by name."""
    found = ((name, declared.term.deprecated) for name, declared in sorted(workspace.metrics.items()))
    return tuple(
        Migration(name, one.replaced_by, one.until)
        for name, one in found
        if one is not None and one.replaced_by in workspace.metrics and one.replaced_by
    )


def status(workspace: Workspace, notebooks: Mapping[str, bytes]) -> tuple[Status, ...]:
    """Each consumer of an old metric or of its successor, those that still have to move first."""
    found = [
        Status(one, kind, name, _state(one.old in said.metrics, one.new in said.metrics))
        for one in migrations(workspace)
        for (kind, name), said in users(workspace, notebooks, workspace.metrics).items()
        if {one.old, one.new} & said.metrics and name not in (one.old, one.new)
    ]
    return tuple(sorted(found, key=lambda one: (one.migration.old, one.state != "to move", one.kind, one.name)))


def edits(workspace: Workspace, old: str, notebooks: Mapping[str, bytes]) -> tuple[tuple[Edit, ...], tuple[str, ...]]:
    """What to write so that all consumers use the successor of ``old``, and the files that a person must look at.

    Raises `ReviewError` (no-migration) where ``old`` is not deprecated in favour of another metric.
    """
    wanted = next((one for one in migrations(workspace) if one.old == old), None)
    if wanted is None:
        there = ", ".join(one.old for one in migrations(workspace))
        known = f"There is: {there}." if there else "None is."
        hint = f"{known} Declare 'deprecated: {{since, replaced_by}}'."
        if old not in workspace.metrics:
            said, hint = f"no metric '{old}'.", did_you_mean(old, workspace.metrics, known)
            raise ReviewError(Problem("unknown-metric", said, hint=hint))
        raise ReviewError(Problem("no-migration", f"'{old}' is no deprecated metric with a successor.", hint=hint))
    found, by_hand = [], []
    for file in sorted(_files(workspace)):
        edit = _in_yaml(workspace, wanted, file)
        if edit is not None and _means(edit.after, file) == _meant(edit.before, file, wanted):
            found.append(edit)
        elif _meant(_text(workspace, file), file, wanted) != _means(_text(workspace, file), file):
            by_hand.append(file)
    found += [edit for name, text in sorted(notebooks.items()) if (edit := _in_notebook(name, text, wanted))]
    return tuple(found), tuple(by_hand)


def apply(root: Path, changes: Iterable[Edit]) -> None:
    """Write edits."""
    for edit in changes:
        (root / edit.file).write_bytes(edit.after.encode(errors="surrogateescape"))


def _means(text: str, file: str) -> list[Plain]:
    """What a file says; nothing where it is none any more."""
    try:
        return [normal(declared(document).term) for document in read_documents(text, file)]
    except DeclarationError:
        return []


def _meant(text: str, file: str, one: Migration) -> list[Plain]:
    return [renamed(declared(document).term, one.old, one.new) for document in read_documents(text, file)]


def _text(workspace: Workspace, file: str) -> str:
    return (workspace.root / file).read_bytes().decode()


def _state(old: bool, new: bool) -> State:
    return "both" if old and new else "to move" if old else "moved"


def _files(workspace: Workspace) -> set[str]:
    things = (workspace.metrics, workspace.saved_queries, workspace.dashboards)
    return {declared.place.file for held in things for declared in held.values()}


NAMING = re.compile(r"""^(?P<start>\s*(?:-\s+)?)(?P<key>[a-z_]+):""")
PROSE = frozenset({"metric", "description", "label", "title", "text", "synonyms", "reason", "owner", "replaced_by"})
"""Keys below which a metric's name is no use of it."""


def _in_yaml(workspace: Workspace, one: Migration, file: str) -> Edit | None:
    """The file with the old name replaced where a declaration uses it, line by line, layout and comments kept."""
    before = _text(workspace, file)
    lines, count, depth, is_prose = [], 0, 0, False
    for line in before.splitlines(keepends=True):
        key = NAMING.match(line)
        indent = len(line) - len(line.lstrip())
        if key and (indent <= depth or not is_prose):
            depth, is_prose = indent, key["key"] in PROSE and not (key["key"] == "metric" and indent)
        if is_prose and line.strip():
            lines.append(line)
            continue
        text, comment = _without_comment(line)
        text, number = _renamed(text, one)
        lines.append(text + comment)
        count += number
    return Edit(file, before, "".join(lines), count) if count else None


def _in_notebook(name: str, content: bytes, one: Migration) -> Edit | None:
    """The notebook with the old name replaced in the text of code cells; its outputs and layout are kept."""
    before = content.decode(errors="surrogateescape")
    if not name.endswith(".ipynb"):
        after, count = _quoted(before, one)
        return Edit(name, before, after, count) if count else None
    after, count = before, 0
    for source, is_asked in _code(before):
        changed, number = _renamed(source, one) if is_asked else _quoted(source, one)
        if number:
            # A line of code stands in the file as JSON writes it, in either spelling of letters beyond ASCII.
            for ascii_only in (True, False):
                written = [json.dumps(text, ensure_ascii=ascii_only) for text in (source, changed)]
                after = after.replace(written[0], written[1])
            count += number
    return Edit(name, before, after, count) if after != before else None


def _code(text: str) -> Iterator[tuple[str, bool]]:
    """Every piece of code as it is stored, a line of a list or a whole source, and whether it is all a question."""
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, TypeError):
        return
    for cell in cells:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        pieces = [source] if isinstance(source, str) else list(map(str, source))
        first = "".join(pieces).lstrip()
        if first.startswith("%%") and not first.startswith("%%metric"):
            continue  # another language, in which the name means something else
        for piece in dict.fromkeys(pieces):
            yield piece, first.startswith("%%metric") or bool(re.match(r"\s*(\w+\s*=\s*)?%metric\b", piece))


STRING = re.compile(r"""('''.*?'''|\"\"\".*?\"\"\"|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")""", re.DOTALL)


def _quoted(code: str, one: Migration) -> tuple[str, int]:
    """Code with the old name replaced where it is text: a variable of that name is none."""
    parts = STRING.split(code)
    changed = [_renamed(part, one) if at % 2 else (part, 0) for at, part in enumerate(parts)]
    return "".join(part for part, _ in changed), sum(number for _, number in changed)


def _renamed(text: str, one: Migration) -> tuple[str, int]:
    return re.subn(rf"(?<![\w.]){re.escape(one.old)}(?![\w])(?!\s*:)", one.new, text)


def _without_comment(line: str) -> tuple[str, str]:
    """A line of YAML and the comment at its end."""
    quote = ""
    for at, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and (at == 0 or line[at - 1].isspace()):
            return line[:at], line[at:]
    return line, ""


def notebooks_of(root: Path) -> Mapping[str, bytes]:
    """The notebooks and programs of a workspace, as data."""
    files = sorted((root / "notebooks").rglob("*")) if (root / "notebooks").is_dir() else []
    pages = tuple(root / folder for folder in FOLDERS)
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in files
        if path.suffix in (".ipynb", ".py")
        and path.is_file()
        and not path.is_symlink()
        and (path.suffix == ".py" or not any(page in path.parents for page in pages))
        and ".ipynb_checkpoints" not in path.parts
    }
