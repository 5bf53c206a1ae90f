"""Schemas for editors: what the workspace declares passes, what the reader refuses does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from workbench.declare.declared import KINDS
from workbench.declare.reader import read_documents
from workbench.declare.schema import folder_schemas, schemas
from workbench.errors import QuestionError

ROOT = Path(__file__).parents[2]


def as_text(data: Any) -> Any:
    """A document as an editor sees it: dates are text there."""
    if isinstance(data, dict):
        return {key: as_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [as_text(value) for value in data]
    return data if isinstance(data, str | int | float | bool | None) else data.isoformat()


@pytest.mark.parametrize("folder", folder_schemas())
def test_everything_declared_passes(folder: str) -> None:
    validator = jsonschema.Draft202012Validator(folder_schemas()[folder])
    files = sorted((ROOT / folder).rglob("*.yml"))
    assert files
    for file in files:
        for document in read_documents(file.read_text(encoding="utf-8"), file.name):
            found = [error.message for error in validator.iter_errors(as_text(document.data))]
            assert not found, (file, found)


@pytest.mark.parametrize(
    "document",
    [
        {"metric": "one", "expr": ["count(*)"]},
        {"metric": "one", "expr": "count(*)", "modle": "flights"},
        {"metric": "One", "expr": "count(*)"},
        {"metric": "one", "model": "flights"},
        {"metric": "one", "expr": "flights", "window": "seven days"},
        {"metric": "one", "expr": "count(*)", "visibility": "secret"},
        {"semantic_model": "one", "table": "t", "relationships": {"to": {"on": "x"}}},
        {"nothing": "known"},
        ["a list"],
    ],
)
def test_mistakes_do_not_pass(document: Any) -> None:
    assert not jsonschema.Draft202012Validator(folder_schemas()["metrics"]).is_valid(document)


def test_one_word_stands_for_a_list_of_one() -> None:
    validator = jsonschema.Draft202012Validator(schemas("saved_query"))
    assert validator.is_valid({"saved_query": "one", "metrics": "flights", "by": [{"month": "metric_time.month"}]})


@pytest.mark.parametrize(
    "document",
    [
        {"metric": "one", "expr": "flights", "window": "7 days", "period": "average"},
        {"metric": "one", "expr": "flights - then", "inputs": {"then": {"metric": "flights", "offset": "1 year"}}},
        {"metric": "one", "conversion": {"from": "visits", "to": "orders", "entity": "who", "within": "7 days"}},
        {"metric": "one", "expr": "sum(kept)", "non_additive": {"over": "day", "by": "shelf"}},
        {"calendar": "retail", "table": "gold.days", "column": "day", "grains": {"fiscal_year": "fiscal_year"}},
    ],
)
def test_ways_of_looking_at_time_pass(document: Any) -> None:
    assert jsonschema.Draft202012Validator(folder_schemas()["metrics"]).is_valid(document)


def test_every_kind_has_a_schema_that_is_one() -> None:
    for schema in (*schemas().values(), *folder_schemas().values()):
        jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schemas()) == set(KINDS)


def test_an_unknown_kind_is_told() -> None:
    with pytest.raises(QuestionError, match="Did you mean 'metric'"):
        schemas("metrics_")
