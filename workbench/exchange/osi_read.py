"""Files of the Ossie format (formerly OSI) to their semantic models, each part with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from workbench.declare.reader import Document, read_documents
from workbench.errors import DeclarationError, Place, Problem, did_you_mean, one_of
from workbench.exchange.metricflow_node import Node, as_text
from workbench.exchange.metricflow_project import Loss
from workbench.exchange.osi_ansi import refused
from workbench.exchange.osi_format import DIALECTS, KEYS, READABLE, VENDOR, VERSIONS

_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def read_models(source: Path) -> Iterator[Node]:
    """Every semantic model of a file, or of the documents in a folder.

    Raises `DeclarationError` (bad-yaml, unreadable-file, not-osi, unknown-version).
    """
    files = [source]
    if source.is_dir():
        files = sorted(f for f in source.rglob("*") if f.suffix in (".json", ".yml", ".yaml") and f.is_file())
    found = False
    for file in files:
        name = file.relative_to(source).as_posix() if source.is_dir() else file.name
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise DeclarationError(Problem("unreadable-file", f"cannot be read: {error}.", Place(name))) from None
        for node in documents(text, name):
            found = True
            yield node
    if not found:
        raise DeclarationError(Problem("not-osi", f"'{source.name}' holds no document.", Place(source.name)))


def documents(text: str, file: str) -> Iterator[Node]:
    """The semantic models of a text, JSON or YAML."""
    if text.lstrip()[:1] == "{":
        text = _as_yaml(text)
    for document in read_documents(text, file):
        yield from _semantic_models(document)


def _as_yaml(text: str) -> str:
    """JSON as the YAML that it nearly is: no tabs, no surrogate pairs, no bare control characters."""

    def joined(found: re.Match[str]) -> str:
        return bytes.fromhex(found[1] + found[2]).decode("utf-16-be")

    text = _SURROGATES.sub(joined, text.replace("\t", " "))
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _semantic_models(document: Document) -> Iterator[Node]:
    data = document.data
    if not isinstance(data, dict) or "semantic_model" not in data:
        said = "no key 'semantic_model', so this is no document of Ossie (OSI)."
        raise DeclarationError(Problem("not-osi", said, document.place))
    version = as_text(data.get("version"))
    if version not in VERSIONS:
        said = f"the version '{version}' is not supported." if version else "the key 'version' is missing."
        raise DeclarationError(
            Problem("unknown-version", said, document.place_of("version"), f"Supported are {one_of(VERSIONS)}.")
        )
    root = Node(data, document, ())
    if isinstance(data["semantic_model"], dict):
        one = root.child("semantic_model")
        assert one is not None
        yield one
    else:
        yield from root.children("semantic_model")


def foreign_keys(kind: str, node: Node, name: str, losses: list[Loss]) -> None:
    """Note what a part of a document says that we have no word for."""
    losses.extend(
        Loss("key", f"{name}.{key}", node.document.place_of_key(*node.path, key), "it is unknown")
        for key in node.data
        if key not in KEYS[kind]
    )
    context = node.get("ai_context")
    if isinstance(context, str):
        losses.append(Loss("ai_context", name, node.place("ai_context"), "there is no place for free text to tools"))
    for key in context if isinstance(context, dict) else ():
        if key != "synonyms" or kind in ("semantic model", "relationship"):
            reason = "there is no counterpart"
            losses.append(Loss(f"ai_context.{key}", name, node.place("ai_context", key), reason))
    for one in node.children("custom_extensions"):
        if kind != "semantic model" or one.text("vendor_name") != VENDOR:
            reason = f"it is an extension of {one.text('vendor_name') or 'nobody'}"
            losses.append(Loss("extension", name, one.place(), reason))


def synonyms(node: Node) -> list[str]:
    """Other names, as the context for tools gives them."""
    context = node.child("ai_context")
    return list(context.texts("synonyms")) if context else []


def expression(node: Node) -> str:
    """The text of an expression in a dialect that our language reads.

    Raises `DeclarationError` (unknown-dialect), and `Unanswerable` where no such dialect is among them.
    """
    holder = node.child("expression")
    spelled: dict[str, str] = {}
    for one in holder.children("dialects") if holder else ():
        dialect = one.text("dialect") or READABLE[1]
        if dialect not in DIALECTS:
            raise DeclarationError(
                Problem(
                    "unknown-dialect",
                    f"unknown dialect '{dialect}'.",
                    one.place("dialect"),
                    did_you_mean(dialect, DIALECTS, f"Known are {', '.join(DIALECTS)}."),
                )
            )
        spelled.setdefault(dialect, one.text("expression"))
    for dialect in READABLE:
        if spelled.get(dialect):
            return spelled[dialect]
    if not spelled:
        raise refused("it has no expression")
    raise refused(f"it has an expression in {', '.join(spelled)} only, and none in {READABLE[0]}")
