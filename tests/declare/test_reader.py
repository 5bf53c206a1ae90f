"""Documents: every place they tell is the one where the part stands in the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workbench.declare.reader import Document, read_documents
from workbench.errors import DeclarationError, Place

FILE = "metrics/a.yml"
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.dates() | st.datetimes() | TEXTS
Path = tuple[str | int, ...]


def mappings(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with text for keys."""
    return st.dictionaries(TEXTS.filter(lambda key: key != "<<"), values, max_size=4)


DATA = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | mappings(inner), max_leaves=15)


class Dumper(yaml.SafeDumper):
    """Writes out what stands twice, where PyYAML would write an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never an alias."""
        return True


def written(node: yaml.Node, path: Path = ()) -> Iterator[tuple[Path, yaml.Node, yaml.Node]]:
    """Every path of a document with the nodes of its last key and of its value."""
    yield path, node, node
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            (_, _, first), *rest = written(value, (*path, key.value))
            yield (*path, key.value), key, first
            yield from rest
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from written(item, (*path, index))


def place(node: yaml.Node) -> Place:
    """Where PyYAML says that a node starts."""
    return Place(FILE, node.start_mark.line + 1, node.start_mark.column + 1)


@given(
    data=mappings(DATA).filter(bool),
    style=st.sampled_from((None, True, False)),
    indent=st.integers(2, 6),
    width=st.sampled_from((20, 1000)),
)
def test_every_part_is_where_it_stands(data: dict[str, Any], style: bool | None, indent: int, width: int) -> None:
    text = yaml.dump(
        data, Dumper=Dumper, default_flow_style=style, indent=indent, width=width, allow_unicode=True, sort_keys=False
    )
    (document,) = read_documents(text, FILE)
    for path, key, value in written(yaml.compose(text, Loader=yaml.SafeLoader) or yaml.ScalarNode("", "")):
        assert document.place_of(*path) == place(value)
        assert document.place_of_key(*path) == place(key)
        assert document.place_of(*path, "not there", 3) == place(value)
        assert document.place_of_key(*path, -1) == place(value)


def only(text: str) -> Document:
    """The one document of a text."""
    (document,) = read_documents(text, FILE)
    return document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("12", 12),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("'12'", "12"),
        ("0x1f", "0x1f"),
        ("1:30", "1:30"),
    ],
)
def test_scalars_are_read_strictly(text: str, value: object) -> None:
    read = only(f"a: {text}").data["a"]
    assert (type(read), read) == (type(value), value)


def test_empty_documents_are_none() -> None:
    assert read_documents("---\n---\na: 1\n---\n", FILE)[0].place == Place(FILE, 3, 1)
    assert read_documents("# only a comment\n", FILE) == ()


@pytest.mark.parametrize(
    ("text", "slug", "where"),
    [
        ("a: 1\na: 2", "duplicate-key", Place(FILE, 2, 1)),
        ("a: &x 1\nb: *x", "yaml-alias", Place(FILE, 2, 4)),
        ("? [a, b]\n: 1", "bad-yaml", Place(FILE, 1, 3)),
        ("a: " + "[" * 100_000, "bad-yaml", Place(FILE, 1, 4 + 49)),
        ("- " * 3_000, "bad-yaml", Place(FILE, 1, 1 + 2 * 50)),
        ("a: {<<: {b: 1}}", "yaml-alias", Place(FILE, 1, 5)),
        ("a: [1\nb: 2", "bad-yaml", Place(FILE, 2, 2)),
    ],
)
def test_what_is_not_allowed_is_told_at_its_place(text: str, slug: str, where: Place) -> None:
    with pytest.raises(DeclarationError) as raised:
        read_documents(text, FILE)
    assert [(problem.slug, problem.place) for problem in raised.value.problems] == [(slug, where)]
