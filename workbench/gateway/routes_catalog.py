"""Routes that tell what there is: metrics, models, dimensions, tables, dashboards, and what one may do."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from workbench.access.principal import Principal, identify
from workbench.access.rules import decide
from workbench.access.why import why as explained
from workbench.declare.dashboard import Dashboard
from workbench.errors import AccessDenied, Problem
from workbench.gateway.documented import LISTED
from workbench.gateway.gateway import Gateway
from workbench.gateway.wire import Allowed, TableColumn
from workbench.graph.tags import column_tags
from workbench.session.catalog import DimensionCard, MetricCard, ModelCard
from workbench.session.door import About
from workbench.session.session import Session

TableName = Annotated[str, Path(max_length=300, examples=["gold.flights"])]
Searched = Annotated[str, Query(max_length=200, examples=["delay"])]
Words = Annotated[str, Query(max_length=200)]


def catalog_router(gateway: Gateway) -> APIRouter:
    """The routes below /v1 that look around; each answers as its asker may see."""
    router = APIRouter(tags=["catalogue"], responses=LISTED, dependencies=[Depends(gateway.in_turn)])

    @router.get("/v1/metrics", summary="List the metrics one may ask for")
    def metrics(request: Request) -> list[MetricCard]:
        return list(gateway.session(request).metrics)

    @router.get("/v1/models", summary="List the semantic models")
    def models(request: Request) -> list[ModelCard]:
        return list(gateway.session(request).models)

    @router.get("/v1/dimensions", summary="List what may group or filter all of the metrics together")
    def dimensions(
        request: Request, metric: Annotated[list[str] | None, Query(max_length=50, examples=[["flights"]])] = None
    ) -> list[DimensionCard]:
        return list(gateway.session(request).dimensions(*(metric or ())))

    @router.get("/v1/search", summary="Find metrics and dimensions by words")
    def search(request: Request, q: Searched) -> list[MetricCard | DimensionCard]:
        return list(gateway.session(request).search(q))

    @router.get("/v1/tables", summary="List the tables one may read")
    def tables(request: Request) -> list[str]:
        return list(gateway.session(request).tables())

    @router.get("/v1/tables/{name}", summary="Tell the columns of a table as one sees them")
    def table(
        name: Annotated[str, Path(max_length=300, examples=["gold.flights"])], request: Request
    ) -> list[TableColumn]:
        session = gateway.session(request)
        with gateway.deciding(session.principal, "query:adhoc", request, name):
            schema = session.table(name).schema()
        return [TableColumn(str(column), str(kind)) for column, kind in schema.items()]

    @router.get("/v1/dashboards", summary="List the dashboards one may open")
    def dashboards(request: Request) -> dict[str, Dashboard]:
        return dict(gateway.session(request).dashboards)

    return router


def rights_router(gateway: Gateway) -> APIRouter:
    """The routes that tell what one may do, and by which rules."""
    router = APIRouter(tags=["rights"], responses=LISTED, dependencies=[Depends(gateway.in_turn)])

    @router.get("/v1/about", summary="Tell which workspace this is")
    def about(request: Request) -> About:
        session = gateway.session(request)
        # As declared, never as asked: whoever asks could have any address told here.
        return replace(session.about, place=session.workspace.settings.gateway.url)

    @router.get("/v1/me", summary="Tell who asks, and what follows from that")
    def me(request: Request) -> Principal:
        return gateway.who(request)

    @router.get("/v1/why", summary="Tell whether something may be done, and by which rules")
    def why(request: Request, verb: Words, resource: Words = "", user: Words = "") -> Allowed:
        session = gateway.session(request)
        if user and user != session.principal.name:
            workspace, asker = session.workspace, session.principal
            with gateway.deciding(asker, "change:access", request, user, resource):
                session.require("change:access")
                other = identify(workspace.roles, workspace.groups, user, asker.environment)
                return _why(session, other, verb, resource)
        return _why(session, session.principal, verb, _known(session, resource))

    @router.get("/v1/may", summary="Pass if something may be done, or tell the rule that refuses")
    def may(request: Request, verb: Words, resource: Words = "") -> Allowed:
        session = gateway.session(request)
        with gateway.deciding(session.principal, verb, request, resource):
            session.require(verb, _known(session, resource))
        return Allowed(True, ())

    return router


def _why(session: Session, principal: Principal, verb: str, resource: str) -> Allowed:
    workspace = session.workspace
    policies = [policy.term for policy in workspace.policies]
    decision = decide(principal, verb, resource, workspace.roles, policies)
    table = next((t for t in session.tables() if t.lower() == resource.lower()), resource)
    tags = column_tags(session.ground.graph).get(table, {})
    knows = "change:access" in session.principal.can
    told = explained(principal, verb, resource, workspace.roles, policies, tags, names_hidden=knows)
    return Allowed(decision.allowed, told)


def _known(session: Session, resource: str) -> str:
    """A table one may name; a hidden one is told of as a missing one is, whatever the rules say of it."""
    if "." not in resource or resource in session.tables():
        return resource
    if resource.lower() in {table.lower() for table in session.tables()}:
        return resource
    raise AccessDenied(
        Problem(
            "no-grant",
            f"no policy grants '{resource}' to '{session.principal.name}'.",
            hint="Ask a steward: access is changed by a reviewed change of access/.",
        )
    )
