"""Facts about tables to proposed declarations: models, first metrics and a dashboard, as text; nothing is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.declare.reader import dump

Family = Literal["integer", "number", "text", "boolean", "date", "timestamp", "other"]

METRICS_PER_TABLE = 8
FEW = 50
"""An integer column with at most so many values reads as something to group by, not to add up."""

_TIME_WORDS = ("ordered", "created", "occurred", "event", "date", "time", "at")
_NEVER_SUMMED = re.compile(
    r"(^|_)(id|key|code|no|nr|number|num|zip|postal|phone|year|month|day|hour|minute|week|quarter|lat|latitude|lon|lng|"
    r"longitude|alt|tz|time|date|rank|index|position|version|status|type|flag|rate|ratio|share|pct|percent|price|age|temp|score)($|_)"
)
_SUFFIX = re.compile(r"_(id|key|code|no|nr|fk|sk)$")


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column: its type, and about how many values it has."""

    name: str
    type: str
    nulls: int
    distinct: int

    @property
    def family(self) -> Family:
        """The sort of value it holds."""
        return family(self.type)


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table, with the keys that its data or its constraints bear out."""

    schema: str
    name: str
    rows: int
    columns: tuple[ColumnFacts, ...]
    keys: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """A column whose values are keys of another table, and how many rows find none there."""

    table: str
    column: str
    to: str
    to_column: str
    rows: int
    nulls: int
    orphans: int
    found_by: Literal["name", "value"]


@dataclass(frozen=True, slots=True)
class Draft:
    """One file to be written: its path in the workspace, its text, and what to know about it."""

    path: str
    text: str
    notes: tuple[str, ...] = field(default=())


def family(type_name: str) -> Family:
    """The family of an engine's type, by its name in DuckDB."""
    kind = type_name.upper()
    if kind.endswith("[]") or kind.startswith(("STRUCT", "MAP", "UNION", "BLOB", "BIT", "INTERVAL", "TIME ", "JSON")):
        return "other"
    if re.match(r"U?(TINY|SMALL|BIG|HUGE)?INT", kind):
        return "integer"
    if kind.startswith(("DECIMAL", "NUMERIC", "FLOAT", "DOUBLE", "REAL")):
        return "number"
    if kind.startswith(("VARCHAR", "TEXT", "ENUM", "UUID", "CHAR")):
        return "text"
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    return {"BOOLEAN": "boolean", "DATE": "date"}.get(kind, "other")  # type: ignore[return-value]


def named_like(column: str, table: str, key: str) -> bool:
    """Whether a column's name says that it holds keys of a table, as ``customer_id`` does of ``customers.id``."""
    said, key = column.lower(), key.lower()
    generic = key in ("id", "key", "code", "name", "uuid", "sk", "nr", "no")
    bare = re.sub(r"^(dim|fct|fact|stg|raw)_", "", table.lower())
    nouns = {bare, singular(bare)}
    ends = {f"{n}_{e}" for n in nouns for e in ("id", "key", "code", "no", "sk", key)}
    ends |= {f"{n}id" for n in nouns} | nouns
    if not generic:
        ends.add(key)
    return said in ends or any(said.endswith(f"_{end}") for end in ends)


def singular(word: str) -> str:
    """The likely singular of a plural English noun."""
    for plural, single in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("s", "")):
        if word.endswith(plural) and not word.endswith(("ss", "us", "is")) and len(word) > len(plural) + 1:
            return word.removesuffix(plural) + single
    return word


def term_name(text: str) -> str:
    """A name that declarations allow: lower case, digits and underscores, a letter first."""
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text).lower()).strip("_")
    return name if name[:1].isalpha() else f"n_{name}".rstrip("_")


def propose(tables: Sequence[TableFacts], links: Sequence[LinkFacts], owner: str) -> tuple[Draft, ...]:
    """A model for each table, a count and sums for each, and one dashboard over the largest table with a time."""
    names = _model_names(tables)
    drafts: list[Draft] = []
    metrics: dict[str, list[dict[str, Any]]] = {}
    taken: set[str] = set()
    for table in tables:
        mine = [link for link in links if link.table == _full(table)]
        model, notes = _model(table, mine, names, owner)
        drafts.append(Draft(f"metrics/models/{names[_full(table)]}.yml", _comment(notes) + dump(model), notes))
        metrics[_full(table)] = _metrics(table, mine, names[_full(table)], owner, taken)
    for table in tables:
        mine_text = "---\n".join(dump(metric) for metric in metrics[_full(table)])
        drafts.append(Draft(f"metrics/{names[_full(table)]}/{names[_full(table)]}.yml", mine_text))
    drafts.extend(_dashboard(tables, metrics, names, owner))
    return tuple(drafts)


def _full(table: TableFacts) -> str:
    return f"{table.schema}.{table.name}"


def _model_names(tables: Sequence[TableFacts]) -> dict[str, str]:
    """Table to model name; the schema is added where two tables would share one."""
    short = [term_name(t.name) for t in tables]
    return {
        _full(t): name if short.count(name) == 1 else term_name(f"{t.schema}_{t.name}")
        for t, name in zip(tables, short, strict=True)
    }


def _model(
    table: TableFacts, links: Sequence[LinkFacts], names: dict[str, str], owner: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    name = names[_full(table)]
    key = list(table.keys[0]) if table.keys else []
    time = _time(table)
    roles = _roles(links, names)
    body: dict[str, Any] = {
        "semantic_model": name,
        "label": _label(table.name),
        "description": f"One row of {_full(table)}; say here what one row is.",
        "owner": owner,
        "table": _full(table),
    }
    if key:
        body["primary_key"] = key
    if len(table.keys) > 1:
        body["unique_keys"] = [list(other) for other in table.keys[1:]]
    if time:
        body["time_dimension"] = term_name(time.name)
    if roles:
        body["relationships"] = {
            role: {
                "to": names[link.to],
                "on": link.column if link.column == link.to_column else {link.column: link.to_column},
                **({"type": "one_to_one"} if (link.column,) in table.keys else {}),
            }
            for role, link in roles.items()
        }
    body["dimensions"] = dict(_dimensions(table, set(roles)))
    return body, tuple(_findings(table, roles, names))


def _findings(table: TableFacts, roles: dict[str, LinkFacts], names: dict[str, str]) -> Iterator[str]:
    """What was checked on the data, and with which result."""
    yield f"Proposed from {_full(table)}: {table.rows:,} rows. Read it, correct it, then it is yours."
    if table.keys:
        yield f"Key, unique and without NULL on all rows: {', '.join(table.keys[0])}."
    else:
        yield "No key found: other models cannot join this one until one is declared."
    for role, link in roles.items():
        known = link.rows - link.nulls
        share = f"{link.orphans:,} of {known:,} values find no row" if link.orphans else "every value finds its row"
        empty = f"; {link.nulls:,} rows have none" if link.nulls else ""
        guess = "" if link.found_by == "name" else " (found by its values, not its name: check it)"
        yield f"{role}: {link.column} -> {names[link.to]}.{link.to_column}: {share}{empty}{guess}."


def _roles(links: Sequence[LinkFacts], names: dict[str, str]) -> dict[str, LinkFacts]:
    """A name for each relationship: the column without its suffix, never the column's own name."""
    roles: dict[str, LinkFacts] = {}
    for link in links:
        column, target = term_name(link.column), singular(names[link.to])
        stem = _SUFFIX.sub("", column)
        alone = sum(other.to == link.to for other in links) == 1
        choices = [stem if stem != column else "", target if alone else "", f"{stem}_{target}", f"{column}_{target}"]
        roles[next(c for c in choices if c and c != column and c not in roles)] = link
    return roles


def _dimensions(table: TableFacts, taken: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for column in table.columns:
        kind = column.family
        name = term_name(column.name)
        too_many = kind == "integer" and column.distinct > FEW and not _is_label(column, table)
        if too_many or kind in ("other", "number"):
            continue
        while name in taken:
            name += "_value"
        taken.add(name)
        body: dict[str, Any] = {}
        if kind in ("date", "timestamp"):
            body |= {"type": "time", "grain": "day" if kind == "date" else "second"}
        elif kind == "boolean":
            body["type"] = "boolean"
        if name != column.name:
            plain = re.fullmatch(r"[a-z_][a-z0-9_]*", column.name)
            body["expr"] = column.name if plain else '"' + column.name.replace('"', '""') + '"'
        body["label"] = _label(column.name)
        yield name, body


def _is_label(column: ColumnFacts, table: TableFacts) -> bool:
    return any(column.name in key for key in table.keys) or bool(_SUFFIX.search(column.name.lower()))


def _time(table: TableFacts) -> ColumnFacts | None:
    """The column that most likely says when a row happened."""
    times = [c for c in table.columns if c.family in ("date", "timestamp")]

    def rank(column: ColumnFacts) -> tuple[bool, int]:
        words = set(column.name.lower().split("_"))
        best = next((i for i, word in enumerate(_TIME_WORDS) if word in words), len(_TIME_WORDS))
        return column.nulls > 0, best

    return min(times, key=rank, default=None)


def _metrics(
    table: TableFacts, links: Sequence[LinkFacts], model: str, owner: str, taken: set[str]
) -> list[dict[str, Any]]:
    linked = {link.column for link in links}
    keys = {column for key in table.keys for column in key}

    def adds_up(column: ColumnFacts) -> bool:
        plain = column.name not in linked | keys and not _NEVER_SUMMED.search(term_name(column.name))
        many = column.family == "number" or (column.family == "integer" and column.distinct > FEW)
        return plain and many

    def metric(name: str, expr: str, description: str) -> dict[str, Any]:
        while name in taken:
            name = f"{model}_{name}" if not name.startswith(model) else f"{name}_again"
        taken.add(name)
        return {
            "metric": name,
            "label": _label(name),
            "description": description,
            "owner": owner,
            "model": model,
            "expr": expr,
        }

    out = [metric(model, "count(*)", f"How many rows {_full(table)} has.") | {"format": "integer"}]
    for column in [c for c in table.columns if adds_up(c)][: METRICS_PER_TABLE - 1]:
        plain = re.fullmatch(r"[a-z_][a-z0-9_]*", column.name)
        quoted = column.name if plain else '"' + column.name.replace('"', '""') + '"'
        out.append(metric(f"total_{term_name(column.name)}", f"sum({quoted})", f"Sum of {column.name}."))
    return out


def _dashboard(
    tables: Sequence[TableFacts], metrics: dict[str, list[dict[str, Any]]], names: dict[str, str], owner: str
) -> Iterator[Draft]:
    timed = [table for table in tables if _time(table)]
    if not timed:
        return
    table = max(timed, key=lambda t: t.rows)
    found = [metric["metric"] for metric in metrics[_full(table)]]
    groups = [
        term_name(c.name)
        for c in table.columns
        if c.family in ("text", "boolean") and 1 < c.distinct <= FEW and c.name == term_name(c.name)
    ]
    rows: list[list[dict[str, Any]]] = [[{"number": name} for name in found[:4]], [{"line": [found[0]]}]]
    if groups:
        rows.append([{"bar": found[0], "by": groups[0]}])
    body = {
        "dashboard": "overview",
        "title": f"{_label(table.name)} at a glance",
        "owner": owner,
        "description": f"The first metrics of {names[_full(table)]}.",
        "filters": groups[:3],
        "rows": rows,
    }
    yield Draft("notebooks/dashboards/overview.yml", dump(body))


def _label(name: str) -> str:
    words = term_name(name).replace("_", " ")
    return words[:1].upper() + words[1:]


def _comment(lines: Sequence[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)
