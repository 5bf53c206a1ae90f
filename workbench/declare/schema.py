"""The declared terms to JSON Schemas, so that editors complete and check while one types."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from workbench.declare.declared import KINDS
from workbench.declare.workspace import FOLDERS
from workbench.errors import Problem, QuestionError, did_you_mean, one_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas(kind: str | None = None) -> dict[str, Any]:
    """The schema of one kind of document, or of all kinds by name; raises `QuestionError` (unknown-kind)."""
    if kind is None:
        return {name: term.model_json_schema() for name, term in KINDS.items()}
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS, f"One of {one_of(list(KINDS))}.")
        raise QuestionError(Problem("unknown-kind", f"no kind of declaration '{kind}'.", hint=hint))
    return {"$schema": DIALECT, **KINDS[kind].model_json_schema()}


def folder_schemas() -> dict[str, dict[str, Any]]:
    """For each folder, one schema of whatever may stand in its files: the first key chooses."""
    return {
        folder: _folder(tuple(name for name, term in KINDS.items() if term in FOLDERS[folder])) for folder in FOLDERS
    }


def _folder(kinds: tuple[str, ...]) -> dict[str, Any]:
    references, shared = models_json_schema([(KINDS[kind], "validation") for kind in kinds])
    return {
        "$schema": DIALECT,
        "type": "object",
        "anyOf": [{"required": [kind]} for kind in kinds],
        # if/then, not oneOf: an editor then tells what is wrong in the one kind that is meant.
        "allOf": [{"if": {"required": [kind]}, "then": references[(KINDS[kind], "validation")]} for kind in kinds],
        **shared,
    }
