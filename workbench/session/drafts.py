"""Metrics of one's own: YAML to a draft that only its session knows, and from there to a file for review."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

from workbench.declare.declared import Declared, declared
from workbench.declare.reader import dump, read_documents
from workbench.declare.terms import Metric
from workbench.errors import DeclarationError, Place, Problem, QuestionError, WarehouseError, did_you_mean
from workbench.graph.build import Graph
from workbench.graph.formulas import formula
from workbench.session.cards import ADHOC
from workbench.session.catalog import Cards, MetricCard

FILE = "<draft>"


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts of a session by their askable names, with the text each was written in."""

    metrics: Mapping[str, Declared[Metric]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    latest: str = ""

    def with_draft(self, text: str, graph: Graph) -> Drafts:
        """These drafts and one more; raises `DeclarationError` with everything wrong in it."""
        documents = read_documents(text, FILE)
        if len(documents) != 1:
            raise DeclarationError(
                Problem("bad-draft", "a draft is one document that declares one metric.", Place(FILE))
            )
        one = declared(documents[0])
        if not isinstance(one.term, Metric):
            raise DeclarationError(
                Problem("bad-draft", "a draft declares a metric.", one.place, "Start with 'metric:'.")
            )
        name = ADHOC + one.term.metric
        more = replace(self, metrics={**self.metrics, name: one}, texts={**self.texts, name: text}, latest=name)
        formula(more.added_to(graph), name, [])  # a draft that cannot be computed is refused here, not when asked
        return more

    def added_to(self, graph: Graph) -> Graph:
        """The graph with the drafts in it; what is published never sees them."""
        return replace(graph, metrics={**graph.metrics, **self.metrics})

    def proposal(self, name: str) -> Proposal:
        """The file that would publish a draft; raises where there is no such draft, or it uses another."""
        name = name if name.startswith(ADHOC) else ADHOC + name
        if name not in self.metrics:
            raise QuestionError(
                Problem(
                    "unknown-draft",
                    f"no draft '{name}'.",
                    hint=did_you_mean(name, self.metrics, "Draft it first: session.draft('''metric: ...''')."),
                )
            )
        metric = self.metrics[name].term
        if ADHOC in metric.expr:
            raise DeclarationError(
                Problem(
                    "uses-a-draft",
                    f"'{metric.metric}' uses a draft, so it cannot be published.",
                    Place(FILE),
                    "Publish the draft it uses first, and name the published metric.",
                )
            )
        # A domain is prose: only one that is a plain word may name a folder.
        folder = metric.domain if re.fullmatch(r"[A-Za-z0-9_-]+", metric.domain) else "proposed"
        return Proposal(f"metrics/{folder}/{metric.metric}.yml", self.texts[name].strip() + "\n")


@dataclass(frozen=True, slots=True)
class Draft(MetricCard):
    """The card of a draft, which may be asked for, saved, and proposed for review."""

    proposer: Callable[[], Any] | None = field(default=None, repr=False, compare=False)
    keeper: Callable[[], None] | None = field(default=None, repr=False, compare=False)
    draw: Callable[[Any, Any], Any] | None = field(default=None, repr=False, compare=False)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any] | None:
        return Cards((self,), self.draw)._repr_mimebundle_()

    def save(self) -> None:
        """Keep it for sessions of one's own to come, in the place of one of the same name; nobody else sees it."""
        if self.keeper is not None:  # a gateway keeps drafts as they are made
            self.keeper()

    def propose(self) -> Any:
        """Put it on a branch of its own, checked, and open or prepare its pull request; takes the right to publish.

        Raises `AccessDenied`, and what is wrong with it; then there is no branch.
        """
        if self.proposer is None:
            hint = "Draft it in a session that 'workbench.connect' opened, in a checkout of the workspace."
            raise QuestionError(Problem("unknown-draft", f"'{self.name}' is proposed where it was drafted.", hint=hint))
        return self.proposer()


Propose = Callable[["Proposal", Path, Any], Any]
"""Puts the file of a draft on a branch of a workspace, checked on an engine where there is one; given from above."""


def draft_of(
    card: MetricCard,
    proposer: Callable[[], Any] | None,
    keeper: Callable[[], None] | None = None,
    draw: Callable[[Any, Any], Any] | None = None,
) -> Draft:
    """The card of a draft with what proposes it, what keeps it, and what draws it."""
    facts = {one.name: getattr(card, one.name) for one in fields(MetricCard)}
    return Draft(**facts, proposer=proposer, keeper=keeper, draw=draw)


def draft_text(text: str | None, keys: Mapping[str, Any]) -> str:
    """A draft as YAML: as written, or from its keys; raises `QuestionError` (bad-draft) for both or neither."""
    if (text is None) == (not keys):
        raise QuestionError(
            Problem("bad-draft", "give a draft as YAML, or by its keys.", hint="draft(metric='m', model=..., expr=...)")
        )
    if text is not None and ":" not in text:
        hint = "An expression goes by its key: draft(expr='sum(amount)', model='orders')."
        raise QuestionError(Problem("bad-draft", f"'{text[:40]}' is no YAML of a metric.", hint=hint))
    odd = next((key for key, value in keys.items() if not _is_plain(value)), None)
    if odd is not None:
        said = (
            f"'{odd}' is a {type(keys[odd]).__name__}, and a draft is written down: its keys are text, numbers, lists."
        )
        raise QuestionError(Problem("bad-draft", said, hint='An expression is text: expr="sum(amount) / count(*)".'))
    return text if text is not None else dump({"metric": "draft", **keys})


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | date)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A file of a workspace to be, for a pull request."""

    path: str
    text: str

    def write(self, root: Path) -> Path:
        """Write it below ``root``; raises rather than replace a file."""
        file = root / self.path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as out:
                out.write(self.text)
        except FileExistsError:
            raise QuestionError(
                Problem(
                    "already-there", f"'{self.path}' is there already.", hint="Change that file in a branch instead."
                )
            ) from None
        except OSError as error:
            raise WarehouseError(Problem("no-permission", f"cannot write '{self.path}': {error}.")) from None
        return file
