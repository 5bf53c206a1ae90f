"""The OpenAPI document to a page that people read: no script and nothing from elsewhere, for it shares our origin."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_STYLE = (
    ":root { color-scheme: light dark } .quiet { opacity: .65 } code { font-size: .92em } pre { overflow-x: auto }"
    " body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 32px auto; padding: 0 16px }"
    " h2 { margin-top: 36px } summary { cursor: pointer; padding: 4px 0 }"
    " td { padding: 2px 16px 2px 0; vertical-align: top }"
)


def docs_router() -> APIRouter:
    """The route /docs."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs", response_class=HTMLResponse)
    def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(docs_html(request.app.openapi()), headers={"Content-Security-Policy": POLICY})

    return router


def docs_html(document: Mapping[str, Any]) -> str:
    """Every route of a document with what it takes and gives, under its group."""
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            entry = "".join(_route(method.upper(), path, told))
            groups.setdefault((told.get("tags") or ["other"])[0], []).append(entry)
    body = "".join(f"<h2>{escape(group.capitalize())}</h2>{''.join(routes)}" for group, routes in groups.items())
    title = escape(document["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1><p>{escape(document['info'].get('description', ''))}</p>"
        '<p><a href="/openapi.json">/openapi.json</a> says all of it to programs.</p>'
        f"{body}</body></html>"
    )


def _route(method: str, path: str, told: Mapping[str, Any]) -> Iterator[str]:
    said = f'<span class="quiet">{escape(told.get("summary", ""))}</span>'
    yield f"<details><summary><code><b>{method}</b> {escape(path)}</code> {said}</summary>"
    given = [(f"{one['name']} ({one['in']})", one.get("description", "")) for one in told.get("parameters", ())]
    shapes = [shape for one in told.get("requestBody", {}).get("content", {}).values() for shape in _shape(one)]
    answers = [(status, one.get("description", "")) for status, one in told.get("responses", {}).items()]
    for title, rows in (("Takes", [*given, *(("body", shape) for shape in shapes)]), ("Answers", answers)):
        if rows:
            cells = "".join(
                f"<tr><td><code>{escape(name)}</code></td><td>{escape(text)}</td></tr>" for name, text in rows
            )
            yield f"<p><b>{title}</b></p><table>{cells}</table>"
    for name, example in _examples(told):
        yield f"<p><b>{escape(name)}</b></p><pre>{escape(example)}</pre>"
    yield "</details>"


def _shape(content: Mapping[str, Any]) -> Iterator[str]:
    """The name of a body's shape."""
    schema = content.get("schema", {})
    for one in (schema, *schema.get("anyOf", ())):
        if "$ref" in one:
            yield f"as {one['$ref'].rpartition('/')[2]} in /openapi.json"


def _examples(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for content in told.get("requestBody", {}).get("content", {}).values():
        for name, example in content.get("examples", {}).items():
            if isinstance(example, dict) and "value" in example:
                yield name, json.dumps(example["value"], indent=1)[:2000]
