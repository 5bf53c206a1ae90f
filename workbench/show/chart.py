"""An answer to one Vega-Lite picture, chosen from the kinds of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.session.answer import Answer, AnswerColumn
from workbench.show import spec as pieces
from workbench.show.format import as_number, labels_of, part_of
from workbench.show.palette import theme
from workbench.show.totals import totals

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
WIDTH, HEIGHT = 640, 260


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture: its Vega-Lite spec, shown as SVG without JavaScript."""

    spec: dict[str, Any]
    title: str = ""

    def svg(self) -> str:
        """The picture as SVG."""
        return svg(self.spec)

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG on white, for a page that takes no SVG."""
        import vl_convert

        return bytes(vl_convert.vegalite_to_png({**self.spec, "background": "white"}, scale=scale))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Chart: {self.title or 'untitled'}>"


def svg(spec: dict[str, Any]) -> str:
    """A Vega-Lite spec as SVG, drawn in this process: no JavaScript, no network."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def chart(answer: Answer) -> Chart | None:
    """The picture that suits an answer: line, ranked bar, columns or numbers; None where a table says more."""
    groups = [c for c in answer.columns if c.role == "dimension" or (c.role == "column" and c.kind != "number")]
    metrics = [c for c in answer.columns if c.role == "metric" or (c.role == "column" and c.kind == "number")]
    # A value and the one before it make a picture; their change and shares are in the table, totals would dwarf it.
    metrics = [c for c in metrics if c.aspect in ("value", "prior")]
    rows = [row for row, total in zip(answer.rows(), totals(answer), strict=True) if not total]
    if not metrics or not rows or len(groups) > 2:
        return None
    body = _body(groups, metrics, rows, ordered=bool(answer.question and answer.question.order_by))
    if body is None:
        return None
    said = ", ".join(m.label for m in metrics if m.aspect == "value")
    title = said + (f" by {', '.join(labels_of(groups))}" if groups else "")
    return Chart(complete(body, title), title)


def complete(
    body: dict[str, Any], title: str = "", *, width: int | str = WIDTH, height: int = HEIGHT
) -> dict[str, Any]:
    """A picture's body with schema, size, theme and a description for those who hear it."""
    sized = body if any(k in body for k in ("hconcat", "vconcat")) else {"width": width, "height": height, **body}
    return {"$schema": SCHEMA, "description": title, "config": theme(), **sized}


def _body(
    groups: Sequence[AnswerColumn], metrics: Sequence[AnswerColumn], rows: list[dict[str, Any]], *, ordered: bool
) -> dict[str, Any] | None:
    if not groups:
        return pieces.numbers(metrics[:4], rows[0]) if len(rows) == 1 else None
    time = next((g for g in groups if g.kind == "time"), None)
    if time is not None:
        return over_time(time, next((g for g in groups if g is not time), None), metrics, rows)
    if len(groups) > 1:
        return None
    if groups[0].kind == "number" and part_of(groups[0]):
        return pieces.columns(groups[0], metrics[0], rows)
    if not ordered:
        rows = sorted(rows, key=lambda r: -(as_number(r[metrics[0].name]) or 0))
    width = WIDTH if len(metrics) == 1 else WIDTH // (len(metrics[:3]) + 1)
    bars = [{**pieces.bar(groups[0], m, rows, width=width), "title": m.label} for m in metrics[:3]]
    if len(bars) == 1:
        return {k: v for k, v in bars[0].items() if k != "title"}
    for other in bars[1:]:
        other["encoding"]["y"]["axis"] = None
    return {"hconcat": bars, "spacing": 24}


def over_time(
    time: AnswerColumn,
    series: AnswerColumn | None,
    metrics: Sequence[AnswerColumn],
    rows: list[dict[str, Any]],
    width: int | str = WIDTH,
) -> dict[str, Any] | None:
    """Lines over time; metrics that share a unit share a plot, others stand below one another."""
    if len({r[time.name] for r in rows}) < 2:
        return None
    if series is not None:
        return pieces.line(time, series, metrics[:1], rows)
    by_scale: dict[tuple[str, str], list[AnswerColumn]] = {}
    for metric in metrics:
        by_scale.setdefault((metric.unit, metric.format.partition(":")[0]), []).append(metric)
    plots = list(by_scale.values())
    if len(plots) == 1:
        return pieces.line(time, None, plots[0], rows)
    height = max(90, HEIGHT // len(plots))
    stack = [
        {**pieces.line(time, None, plot, rows), "title": plot[0].label if len(plot) == 1 else "", "width": width,
         "height": height}
        for plot in plots
    ]  # fmt: skip
    return {"vconcat": stack, "resolve": {"scale": {"color": "independent"}}, "spacing": 18}
