"""A workspace goes through the Ossie format and back unharmed; foreign documents come in with each loss by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench
from workbench.declare.declared import Declared, declared
from workbench.declare.reader import dump, read_documents
from workbench.declare.settings import Settings
from workbench.declare.workspace import Workspace, load
from workbench.errors import DeclarationError
from workbench.exchange.osi import Imported, export_project, import_project
from workbench.exchange.osi_ansi import plain_sets
from workbench.exchange.osi_rest import apply, difference, from_json, to_json
from workbench.graph.build import build
from workbench.graph.check import check

pytestmark = pytest.mark.slow

REFERENCE = Path(__file__).parents[2]
KINDS = ("models", "metrics", "calendars", "saved_queries", "dashboards")


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Files below a folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def terms(workspace: Workspace) -> dict[str, Any]:
    """Everything declared, by kind and name."""
    found: dict[str, Any] = {kind: {n: d.term for n, d in getattr(workspace, kind).items()} for kind in KINDS}
    found["roles"] = dict(workspace.roles)
    found["groups"] = {n: group.model_copy(update={"members": ()}) for n, group in workspace.groups.items()}
    found["policies"] = sorted(str(one.term) for one in workspace.policies)
    return found


@pytest.fixture(scope="session")
def reference() -> Workspace:
    """The reference workspace."""
    return load(REFERENCE).require()


# -- our own, there and back


@pytest.mark.parametrize("version", ["0.1.1", "0.2.0.dev0"])
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_reference_workspace_comes_back_as_it_was(
    reference: Workspace, tmp_path: Path, version: str, form: str
) -> None:
    exported = export_project(reference, version=version, form=form)
    imported = import_project(write(tmp_path, {f"shop.{form}": exported.text}) / f"shop.{form}")
    assert imported.losses == ()
    back = load(write(tmp_path / "back", imported.files))
    assert back.problems == ()
    assert terms(back) == terms(reference)
    written = next(iter(reference.models.values()))
    assert back.models[written.term.semantic_model].document.data == written.document.data


def test_who_belongs_to_a_group_stays_at_home(reference: Workspace) -> None:
    members = {member for group in reference.groups.values() for member in group.members}
    assert members
    text = export_project(reference).text
    assert not [member for member in members if member in text]


def test_what_others_read_gives_our_numbers(reference: Workspace, tmp_path: Path, flights_file: Path) -> None:
    document = json.loads(export_project(reference, version="0.2.0.dev0").text)
    document["semantic_model"][0].pop("custom_extensions")
    imported = import_project(write(tmp_path, {"bare.json": json.dumps(document)}) / "bare.json")
    assert imported.losses == ()
    settings = f'[tool.workbench.environments.dev]\nwarehouse = "{flights_file}"\n'
    root = write(tmp_path / "bare", {**imported.files, "pyproject.toml": settings})
    names = [one["name"] for one in document["semantic_model"][0]["metrics"]]
    assert len(names) > 40
    theirs = write(tmp_path / "ours", {"pyproject.toml": settings})
    for folder in ("metrics", "access"):
        (theirs / folder).symlink_to(REFERENCE / folder)
    values = []
    for folder, person in ((root, "ana@example.org"), (theirs, None)):
        with workbench.connect(folder, as_user=person or next(_stewards(reference))) as session:
            values.append({name: session.query(name).rows()[0][name] for name in names})
    assert values[0] == pytest.approx(values[1])


def _stewards(reference: Workspace) -> Any:
    return (member for group in reference.groups.values() if not group.attributes for member in group.members)


def test_an_edit_elsewhere_goes_before_the_extension(reference: Workspace, tmp_path: Path) -> None:
    document = json.loads(export_project(reference).text)
    metrics = {one["name"]: one for one in document["semantic_model"][0]["metrics"]}
    late = metrics["late_departures"]
    late["description"] = "Edited."
    late["expression"]["dialects"][0]["expression"] = "count(distinct flights.tailnum)"
    document["semantic_model"][0]["metrics"].remove(metrics["flights"])
    imported = import_project(write(tmp_path, {"a.json": json.dumps(document)}) / "a.json")
    (one,) = [text for name, text in imported.files.items() if name.endswith("/late_departures.yml")]
    term = yaml.safe_load(one)
    assert (term["description"], term["expr"], term["unit"]) == ("Edited.", "count(distinct tailnum)", "flights")
    assert "filter" not in term
    assert not [name for name in imported.files if name.endswith("/flights.yml") and "models" not in name]
    assert {loss.name for loss in imported.losses} >= {"metrics.late_departures.expr", "metrics.late_departures.filter"}


def test_a_broken_extension_is_a_loss_and_no_crash(reference: Workspace, tmp_path: Path) -> None:
    document = json.loads(export_project(reference).text)
    for data in (
        '{"terms": {"change": {"metrics": {"now": 1}}}, "known": []}',
        '{"terms": {"inside": {"metrics": {"change": {"x": {"now": 1}}}}}, "known": []}',
        "{",
        "[]",
        '{"terms": {"inside": 3}, "known": []}',
        '{"terms": {"change": {"metrics": 1}}, "known": 1}',
    ):
        document["semantic_model"][0]["custom_extensions"][0]["data"] = data
        imported = import_project(write(tmp_path, {"a.json": json.dumps(document)}) / "a.json")
        assert "extension" in {loss.kind for loss in imported.losses}
        assert "metrics/models/flights.yml" in imported.files


def test_a_hostile_name_in_an_extension_writes_nothing_elsewhere(tmp_path: Path) -> None:
    rest = {"terms": {"inside": {"metrics": {"change": {"../../evil": {"now": {"metric": "evil", "expr": "a"}}}}}}}
    extension = {"vendor_name": "WORKBENCH", "data": to_json({**rest, "known": []})}
    imported = take(tmp_path, {"datasets": [ORDERS], "custom_extensions": [extension]})
    assert not [name for name in imported.files if "evil" in name]
    assert "../../evil" in {loss.name for loss in imported.losses}


# -- what an export says


def test_filters_ratios_and_roles_are_spelled_out(reference: Workspace) -> None:
    exported = export_project(reference)
    model = json.loads(exported.text)["semantic_model"][0]
    said = {one["name"]: one["expression"]["dialects"][0]["expression"] for one in model["metrics"]}
    assert said["cancellation_rate"] == (
        "count(case when flights.cancelled then flights.flight_id end) / nullif(count(flights.flight_id), 0)"
    )
    assert said["median_departure_delay"].startswith("percentile_cont(0.5) within group (order by ")
    lost = {(loss.kind, loss.name): loss for loss in exported.losses}
    assert "'window' has no counterpart" in lost["metric", "flights_trailing_7_days"].reason
    assert lost["metric", "flights_trailing_7_days"].place.file.endswith("flights_trailing_7_days.yml")
    assert {("key", "metrics.owner"), ("kind", "policies"), ("time zone", "flights.departed_at")} <= lost.keys()
    assert "flights_trailing_7_days" not in said


def test_another_dialect_stands_beside_the_standard(reference: Workspace) -> None:
    exported = export_project(reference, dialect="BIGQUERY")
    model = json.loads(exported.text)["semantic_model"][0]
    (speed,) = [one for one in model["metrics"] if one["name"] == "average_speed"]
    assert [one["dialect"] for one in speed["expression"]["dialects"]] == ["ANSI_SQL", "BIGQUERY"]


@pytest.mark.parametrize("wrong", [{"version": "3"}, {"dialect": "MDX"}])
def test_what_cannot_be_written_is_refused(reference: Workspace, wrong: dict[str, str]) -> None:
    with pytest.raises(DeclarationError) as caught:
        export_project(reference, **wrong)  # type: ignore[arg-type]
    assert caught.value.slug.startswith("unknown-")


ALLOWED = {
    "semantic_model": {"name", "datasets", "relationships", "metrics", "custom_extensions"},
    "datasets": {"name", "source", "primary_key", "unique_keys", "description", "ai_context", "fields"},
    "fields": {"name", "expression", "dimension", "label", "description", "ai_context"},
    "relationships": {"name", "from", "to", "from_columns", "to_columns"},
    "metrics": {"name", "expression", "description", "ai_context"},
}


@pytest.mark.parametrize("version", ["0.1.1", "0.2.0.dev0"])
def test_a_document_has_only_keys_of_its_version(reference: Workspace, version: str) -> None:
    def wrong(kind: str, one: dict[str, Any]) -> set[str]:
        typed = {"datatype"} if version != "0.1.1" and kind in ("fields", "metrics") else set()
        inner = {x for key in ALLOWED for part in one.get(key, ()) for x in wrong(key, part)}
        return inner | {f"{kind}.{key}" for key in one.keys() - ALLOWED[kind] - typed}

    document = json.loads(export_project(reference, version=version).text)
    assert document.keys() == {"version", "semantic_model"}
    (model,) = document["semantic_model"]
    assert wrong("semantic_model", model) == set()
    assert len({one["name"] for one in model["relationships"]}) == len(model["relationships"])


# -- generated workspaces

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
COLUMNS = st.sampled_from(["a", "b", "Mixed Case", "order", "d"])


@st.composite
def models(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Three models that lead to one another, their dimensions plain, computed, timed and zoned."""
    out: dict[str, dict[str, Any]] = {}
    for name in ("facts", "things", "places"):
        model: dict[str, Any] = {"semantic_model": name, "table": f"gold.{name}"}
        if draw(st.booleans()):
            model["description"] = draw(TEXT)
        if draw(st.booleans()):
            model |= {"owner": draw(TEXT), "synonyms": draw(st.lists(TEXT, max_size=2))}
        if name != "facts" or draw(st.booleans()):
            model["primary_key"] = draw(st.sampled_from([["id"], ["id", "b"], "id"]))
        if draw(st.booleans()):
            model["unique_keys"] = [["a", "d"]]
        out[name] = {**model, "relationships": {}, "dimensions": draw(dimensions())}
    for origin, target in (("facts", "things"), ("things", "places"), ("facts", "places")):
        key = out[target]["primary_key"]
        columns = [key] if isinstance(key, str) else key
        for role in draw(st.lists(st.sampled_from(["thing", "home", "work"]), max_size=2, unique=True)):
            on: Any = draw(st.sampled_from([dict.fromkeys(columns), None]))
            on = {f"{role}_{column}": column for column in columns} if on else [*columns]
            out[origin]["relationships"][role] = {"to": target, "on": on}
            if draw(st.booleans()):
                out[origin]["relationships"][role]["description"] = draw(TEXT)
    return out


@st.composite
def dimensions(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Dimensions that may hide columns, read others, and follow a zone."""
    out: dict[str, dict[str, Any]] = {"at": {"type": "time"}}
    if draw(st.booleans()):
        out["at"] |= {"grain": draw(st.sampled_from(["second", "day", "month"]))}
    if draw(st.booleans()):
        out["at"]["timezone"] = "Europe/Rome"
    for name in draw(st.lists(st.sampled_from(["a", "kind", "size", "b"]), unique=True)):
        expr = draw(st.sampled_from([None, "d", "lower(d)", "case when a > 1.50 then 'x' else   \"Mixed Case\" end"]))
        term = {"expr": expr, "type": draw(st.sampled_from([None, "number", "boolean"])), "label": draw(TEXT)}
        out[name] = {key: value for key, value in term.items() if value is not None}
        if draw(st.booleans()):
            out[name] |= {"visibility": "internal", "tags": [draw(TEXT)], "format": "integer"}
    return out


EXPRESSIONS = (
    "count(*)", "sum(a)", "SUM( a ) / count(*)", "count(distinct kind)", "median(b)", "percentile(a, 0.9)",
    "avg(thing.a)", "count_if(a > 1)", "first(a, at)", "bool_or(a > 1)", "stddev(a) % 3",
    "sum(a) filter (where home.kind = 'x''y')",
    "count(date_trunc('month', at))", "max(day_of_week(at))", "sum(missing.path)",
)  # fmt: skip
MORE = (
    {}, {"filter": "a > 1"}, {"filter": "thing.size > 2 and at.month = date '2024-01-01'"},
    {"filter": "kind has n > 1"},
    {"window": "7 days"}, {"to_date": "month"}, {"running": True}, {"offset": "1 year"}, {"spine": True},
    {"fill_nulls_with": 0}, {"fill_nulls_with": 0.5, "filter": "b is null"}, {"visibility": "internal"},
    {"non_additive": {"over": "at"}}, {"deprecated": {"since": "2024-01-31"}}, {"label": "é \u2028 \U0001f600 \\u0041"},
    {"tests": [{"given": {"facts": [{"a": 1.0, "b": True, "$date": None}, {"a": "2024-01-31"}]}, "expect": 1}]},
)  # fmt: skip


@st.composite
def workspaces(draw: st.DrawFn) -> Workspace:
    """A workspace of models, metrics of every kind, a calendar, a saved query and rules."""
    found = draw(models())
    metrics: dict[str, dict[str, Any]] = {}
    for at in range(draw(st.integers(1, 5))):
        more = draw(st.sampled_from(MORE))
        model = draw(st.sampled_from(list(found)))
        metrics[f"m{at}"] = {"metric": f"m{at}", "model": model, "expr": draw(st.sampled_from(EXPRESSIONS)), **more}
    metrics["ratio"] = {"metric": "ratio", "expr": "m0 / base", "inputs": {"base": {"metric": "m0", "filter": "b = 1"}}}
    entity = {"from": "m0", "to": "m0", "entity": "kind", "within": "7 days"}
    metrics["funnel"] = {"metric": "funnel", "conversion": {**entity, "constant": [{"from": "a", "to": "b"}]}}
    dated = "metric: dated\nexpr: m0\ndeprecated: {since: 2024-01-31}\n"
    (dated_document,) = read_documents(dated, "dated.yml")
    calendar = {"calendar": "fiscal", "table": "gold.days", "column": "day", "grains": {"fiscal_year": "fy"}}
    saved = {
        "saved_query": "monthly",
        "metrics": ["m0"],
        "by": [{"month": "metric_time.month"}],
        "time": {"start": "2024"},
    }
    saved["time"] = {"start": "2024-01-01"}
    policy = {"resource": "gold.*", "mask": [{"tag": "pii", "with": "hash"}]}
    return Workspace(
        Path(),
        Settings(),
        models={name: _declared(term) for name, term in found.items()},
        metrics={**{name: _declared(term) for name, term in metrics.items()}, "dated": declared(dated_document)},
        calendars={"fiscal": _declared(calendar)},
        saved_queries={"monthly": _declared(saved)},
        policies=(_declared(policy),),
    )


def _declared(term: Mapping[str, Any]) -> Declared[Any]:
    (document,) = read_documents(dump(term), f"{next(iter(term.values()))}.yml")
    return declared(document)


@given(workspaces(), st.sampled_from(["0.1.1", "0.2.0.dev0"]), st.sampled_from(["json", "yaml"]))
def test_any_workspace_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, workspace: Workspace, version: str, form: str
) -> None:
    exported = export_project(workspace, version=version, form=form)
    file = tmp_path_factory.getbasetemp() / f"any.{form}"
    file.write_text(exported.text, encoding="utf-8")
    imported = import_project(file)
    assert imported.losses == ()
    back = {n: t for name, text in imported.files.items() for n, t in _named(name, text)}
    declared_terms = {**workspace.models, **workspace.metrics, **workspace.calendars, **workspace.saved_queries}
    assert {name: one.term for name, one in declared_terms.items()} == {
        name: one.term for name, one in back.items() if name in declared_terms
    }
    assert len(back) == len(declared_terms) + (1 if "access/policies/gold.yml" in imported.files else 0)


def _named(file: str, text: str) -> list[tuple[str, Declared[Any]]]:
    return [
        (str(next(iter(d.data.values()))), declared(d)) for d in read_documents(text, file) if "roles" not in d.data
    ]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.dates()
    | st.datetimes().map(lambda at: at.replace(fold=0)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "$", "$date"]), inner),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from(["a", "b", "c", "expr", "filter"]), JSON, max_size=4)


@settings(max_examples=2 * settings.default.max_examples)
@given(MAPPINGS, MAPPINGS)
def test_a_difference_put_back_gives_the_same(have: dict[str, Any], want: dict[str, Any]) -> None:
    patch = from_json(to_json(difference(have, want)))
    got, edited = apply(have, patch)
    assert repr(got) == repr(want)
    assert edited == []


# -- foreign documents


def said(text: str, dialect: str = "ANSI_SQL") -> dict[str, Any]:
    """An expression in one dialect."""
    return {"dialects": [{"dialect": dialect, "expression": text}]}


ORDERS: dict[str, Any] = {
    "name": "Orders",
    "source": "sales.public.orders",
    "primary_key": ["order_id"],
    "ai_context": {"synonyms": ["purchases"]},
    "fields": [
        {"name": "order_id", "expression": said("order_id")},
        {"name": "CUSTOMER_ID", "expression": said("CUSTOMER_ID")},
        {"name": "ordered", "expression": said("Orders.ordered_at"), "dimension": {"is_time": True}, "label": "Day"},
        {"name": "amount", "expression": said("amount"), "datatype": "Decimal"},
        {"name": "is_big", "expression": said("amount > 100"), "datatype": "Boolean"},
    ],
}
CUSTOMERS: dict[str, Any] = {
    "name": "customers",
    "source": "public.customers",
    "primary_key": ["id"],
    "fields": [{"name": "id", "expression": said("id")}, {"name": "region", "expression": said("lower(land)")}],
}
PLACED: dict[str, Any] = {
    "name": "Placed By", "from": "Orders", "to": "customers", "from_columns": ["CUSTOMER_ID"], "to_columns": ["id"]
}  # fmt: skip


def metric(name: str, text: str, dialect: str = "ANSI_SQL") -> dict[str, Any]:
    """A metric in one dialect."""
    return {"name": name, "expression": said(text, dialect)}


def take(tmp_path: Path, model: dict[str, Any], version: str = "0.2.0.dev0", form: str = "json") -> Imported:
    """A foreign document, imported."""
    document = {"version": version, "semantic_model": [{"name": "shop", **model}]}
    text = json.dumps(document) if form == "json" else yaml.safe_dump(document, sort_keys=False)
    return import_project(write(tmp_path, {f"shop.{form}": text}) / f"shop.{form}")


def lost(imported: Imported) -> dict[tuple[str, str], str]:
    """Reasons by kind and name."""
    return {(loss.kind, loss.name): loss.reason for loss in imported.losses}


@pytest.mark.parametrize("version", ["0.1.1", "0.2.0.dev0"])
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_foreign_document_becomes_a_workspace_without_a_problem(tmp_path: Path, version: str, form: str) -> None:
    metrics = [
        metric("Total Revenue", "SUM(orders.amount)"),
        metric("per_customer", "SUM(Orders.amount) / NULLIF(COUNT(DISTINCT customers.id), 0)"),
        metric("big_share", "COUNT(CASE WHEN orders.is_big THEN 1 END) / COUNT(*)"),
        metric("typical", "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY amount)"),
        metric("northern", "SUM(CASE WHEN customers.region = 'north' THEN orders.amount END)"),
        metric("double", "2 * total_revenue"),
    ]
    model = {"datasets": [ORDERS, CUSTOMERS], "relationships": [PLACED], "metrics": metrics[:-1]}
    metrics[-1]["expression"] = said('2 * "Total Revenue"')
    imported = take(tmp_path, model, version, form)
    assert {key[0] for key in lost(imported)} == {"database"}
    workspace = load(write(tmp_path / "out", imported.files))
    assert (*workspace.problems, *check(build(workspace), workspace)) == ()
    orders = workspace.models["orders"].term
    assert (orders.table, orders.label, orders.synonyms) == ("public.orders", "Orders", ("purchases",))
    assert (orders.primary_key, orders.time_dimension) == (("order_id",), "ordered")
    role = orders.relationships["placed_by"]
    assert (role.to, role.type, role.pairs()) == ("customers", "many_to_one", (("customer_id", "id"),))
    assert orders.dimensions["ordered"].expr == "ordered_at"
    found = {name: (one.term.model, one.term.expr) for name, one in workspace.metrics.items()}
    assert found["total_revenue"] == ("orders", "sum(amount)")
    assert found["per_customer"] == (None, "per_customer_part_1 / per_customer_part_2")
    assert found["per_customer_part_2"] == ("customers", "count(distinct id)")
    assert workspace.metrics["per_customer_part_2"].term.visibility == "internal"
    assert found["big_share"] == ("orders", "count(case when is_big then 1 end) / count(*)")
    assert found["typical"] == ("orders", "percentile(amount, 0.5)")
    assert found["northern"] == ("orders", "sum(case when placed_by.region = 'north' then amount end)")
    if version == "0.2.0.dev0":
        assert (orders.dimensions["amount"].type, orders.dimensions["is_big"].type) == ("number", "boolean")


def test_a_join_on_no_declared_key_is_never_assumed(tmp_path: Path) -> None:
    keyless = {**CUSTOMERS, "primary_key": ["region"]}
    metrics = [metric("northern", "SUM(CASE WHEN customers.region = 'n' THEN orders.amount END)")]
    imported = take(tmp_path, {"datasets": [ORDERS, keyless], "relationships": [PLACED], "metrics": metrics})
    assert "no declared key of 'customers'" in lost(imported)["relationship", "Placed By"]
    assert "no join of" in lost(imported)["metric", "northern"]
    assert "relationships" not in imported.files["metrics/models/orders.yml"]


def test_a_join_from_a_key_to_a_key_is_one_to_one(tmp_path: Path) -> None:
    join = {**PLACED, "from_columns": ["order_id"]}
    imported = take(tmp_path, {"datasets": [ORDERS, CUSTOMERS], "relationships": [join]})
    assert "type: one_to_one" in imported.files["metrics/models/orders.yml"]


@pytest.mark.parametrize(
    ("kind", "name", "reason", "model"),
    [
        ("metric", "x", "in SNOWFLAKE only", {"metrics": [metric("x", "SUM(orders.amount)", "SNOWFLAKE")]}),
        ("metric", "x", "OBJECT", {"metrics": [metric("x", "OBJECT_AGG(orders.amount)")]}),
        ("metric", "x", "over", {"metrics": [metric("x", "SUM(orders.amount) OVER ()")]}),
        ("metric", "x", "neither aggregated", {"metrics": [metric("x", "orders.amount")]}),
        ("metric", "x", "aggregates nothing", {"metrics": [metric("x", "1 + 1")]}),
        ("metric", "x", "'refunds' is not taken over", {"metrics": [metric("x", "SUM(refunds.amount)")]}),
        ("metric", "y", "it uses 'x'", {"metrics": [metric("y", "2 * x"), metric("x", "nothing")]}),
        ("metric", "x", "defined by itself", {"metrics": [metric("x", "2 * y"), metric("y", "x")]}),
        ("metric", "9 lives", "a name consists of", {"metrics": [metric("9 lives", "COUNT(*)")]}),
        ("metric", "X", "another of that name", {"metrics": [metric("x", "COUNT(*)"), metric("X", "COUNT(*)")]}),
        ("metric", "x", "no expression", {"metrics": [{"name": "x"}]}),
        ("key", "x.filter", "unknown", {"metrics": [{**metric("x", "COUNT(*)"), "filter": "a"}]}),
        ("extension", "shop", "SALESFORCE", {"custom_extensions": [{"vendor_name": "SALESFORCE", "data": "{}"}]}),
        ("ai_context", "shop", "free text", {"ai_context": "Use it well."}),
        ("ai_context.instructions", "x", "no counterpart",
         {"metrics": [{**metric("x", "COUNT(*)"), "ai_context": {"instructions": "?"}}]}),
    ],
)  # fmt: skip
def test_losses_are_named_with_their_reason(
    tmp_path: Path, kind: str, name: str, reason: str, model: dict[str, Any]
) -> None:
    imported = take(tmp_path, {"datasets": [ORDERS], **model})
    assert reason.lower() in lost(imported)[kind, name].lower()
    workspace = load(write(tmp_path / "out", imported.files))
    assert (*workspace.problems, *check(build(workspace), workspace)) == ()


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"name": "f", "expression": said("SUM(amount)")}, "aggregates rows"),
        ({"name": "f", "expression": said("customers.id + 1")}, "not of its dataset"),
        ({"name": "f", "expression": said("amount + is_big")}, "hides"),
        ({"name": "f", "expression": said("[Amount]", "MDX")}, "in MDX only"),
        ({"name": "f", "expression": said("try_cast(a as int)")}, "try_cast"),
        ({"name": "ORDERED", "expression": said("x")}, "another of that name"),
    ],
)
def test_fields_that_cannot_be_read_are_left_out(tmp_path: Path, field: dict[str, Any], reason: str) -> None:
    orders = {**ORDERS, "fields": [*ORDERS["fields"], field]}
    metrics = [metric("uses", "MAX(orders.f)"), metric("fine", "SUM(orders.amount)")]
    imported = take(tmp_path, {"datasets": [orders], "metrics": metrics})
    assert reason in lost(imported)["field", f"Orders.{field['name']}"]
    if field["name"] == "f":
        assert "'f' of 'orders' is not taken over" in lost(imported)["metric", "uses"]
    assert "metrics/orders/fine.yml" in imported.files


def test_a_query_is_no_table(tmp_path: Path) -> None:
    imported = take(tmp_path, {"datasets": [{**ORDERS, "source": "select * from orders"}, CUSTOMERS]})
    assert lost(imported) == {("dataset", "Orders"): "its source is a query, not a table"}


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ('{"version": "1.7", "semantic_model": []}', "unknown-version"),
        ('{"semantic_model": []}', "unknown-version"),
        ("metric: x", "not-osi"),
        ("[1, 2]", "not-osi"),
        ('{"version": "0.1.1", ', "bad-yaml"),
        (json.dumps({"version": "0.1.1", "semantic_model": [
            {"name": "s", "datasets": [ORDERS], "metrics": [metric("x", "COUNT(*)", "KLINGON")]}]}), "unknown-dialect"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_an_error_at_its_place(tmp_path: Path, text: str, slug: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        import_project(write(tmp_path, {"a.json": text}) / "a.json")
    assert caught.value.slug == slug
    place = caught.value.problems[0].place
    assert place is not None
    assert place.file == "a.json"


def test_json_with_tabs_and_escaped_pairs_is_read(tmp_path: Path) -> None:
    text = json.dumps({"version": "0.1.1", "semantic_model": [{"name": "s", "datasets": [
        {**CUSTOMERS, "description": "\U0001f600 \u2028 \x85"}]}]}, indent="\t")  # fmt: skip
    imported = import_project(write(tmp_path, {"a.json": text}) / "a.json")
    workspace = load(write(tmp_path / "out", imported.files))
    assert workspace.models["customers"].term.description == "\U0001f600 \u2028 \x85"


def test_ordered_sets_become_calls() -> None:
    assert plain_sets("1 + percentile_disc(0.25) within group (order by coalesce(a, (b))) / 2") == (
        "1 + percentile_disc(coalesce(a, (b)), 0.25) / 2"
    )
    text = "percentile_cont(0.5) within group (order by a desc)"
    assert plain_sets(text) == text
