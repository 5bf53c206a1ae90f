"""A MetricFlow project to a workspace of ours: files to write, what was lost, and the names in both spellings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.declare.reader import dump
from workbench.exchange.grants import least_access
from workbench.exchange.metricflow_metrics import convert_metrics
from workbench.exchange.metricflow_models import convert_models
from workbench.exchange.metricflow_names import Names
from workbench.exchange.metricflow_project import Loss
from workbench.exchange.metricflow_read import read_project
from workbench.exchange.metricflow_saved import convert_saved
from workbench.exchange.metricflow_spine import convert_spine


@dataclass(frozen=True, slots=True)
class Imported:
    """What a project became: ``files`` by relative path, ``losses`` by place, and its ``names``."""

    files: Mapping[str, str]
    losses: tuple[Loss, ...]
    names: Names


def import_project(source: Path, *, schema: str = "") -> Imported:
    """Read a MetricFlow project, or a dbt project's semantic layer, into our vocabulary.

    ``source`` is a file or a folder; ``schema`` holds the tables that ``ref()`` names. Whatever has no counterpart is
    left out and named in the losses, with all that depends on it. Raises `DeclarationError` where the YAML is broken.
    """
    project = read_project(source, schema)
    models, model_losses = convert_models(project)
    metrics, lost = convert_metrics(project, models)
    names = Names(project, lost)
    saved, saved_losses = convert_saved(names, project.saved)
    files = {
        **{f"metrics/models/{name}.yml": dump(term) for name, term in models.items()},
        **{f"metrics/{_folder(term['domain'])}/{name}.yml": dump(term) for name, term in metrics.items()},
        **{f"metrics/saved_queries/{name}.yml": dump(term) for name, term in saved.items()},
        **{f"metrics/calendars/{name}.yml": dump(convert_spine(spine)) for name, spine in project.spines.items()},
        **least_access([*(model["table"] for model in models.values()), *(s.table for s in project.spines.values())]),
    }
    metric_losses = [Loss("metric", name, project.metrics[name].place, reason) for name, reason in lost.items()]
    losses = [*project.losses, *model_losses, *metric_losses, *saved_losses]
    losses.sort(key=lambda loss: (loss.place.file, loss.place.line, loss.place.column))
    return Imported(files, tuple(losses), names)


def _folder(domain: str) -> str:
    """The folder of a domain's metrics, kept apart from those that hold other things."""
    return f"{domain}_metrics" if domain in ("models", "saved_queries", "calendars") else domain
