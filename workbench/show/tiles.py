"""One tile of a dashboard to the Panel object that draws it and redraws it with every change of the page."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from io import BytesIO
from typing import Any

import panel as pn
import panel_material_ui as pmui

from workbench.declare.dashboard import Tile
from workbench.errors import WorkbenchError
from workbench.session.answer import Answer, AnswerColumn
from workbench.show import spec as pieces
from workbench.show.ask import Desk, Reading, finished, key
from workbench.show.chart import complete, over_time
from workbench.show.dates import date_text
from workbench.show.download import csv_file, excel_file
from workbench.show.format import digits_for, part_of
from workbench.show.state import PageState
from workbench.show.table import headings
from workbench.show.table_columns import frame_of, tabulator_formats
from workbench.show.tile_html import STYLE, error_html, number_html, prose_html

HEIGHTS = {"number": 138, "line": 300, "bar": 320, "table": 240, "text": 60}
_NARROWEST = {"number": 150, "line": 340, "bar": 340, "table": 560, "text": 300}


_NOTE = {"orient": "bottom", "anchor": "end", "fontSize": 11, "fontWeight": "normal", "offset": 4}
_TABLE_STYLE = """
.tabulator { font-size: 13px; background: transparent; border: 0; }
.tabulator .tabulator-header, .tabulator .tabulator-header .tabulator-col { background: transparent; border-right: 0; }
.tabulator .tabulator-header .tabulator-col .tabulator-col-title { font-weight: 600; opacity: .75; font-size: 12px; }
.tabulator .tabulator-tableholder .tabulator-table { background: transparent; color: inherit; }
.tabulator .tabulator-table .tabulator-row:nth-child(n), .tabulator-row.tabulator-row-even {
  background: transparent !important; color: inherit; border-bottom: 1px solid rgba(128,135,145,.18); }
.tabulator .tabulator-row .tabulator-cell { border-right: 0; font-variant-numeric: tabular-nums; }
.tabulator .tabulator-row:hover { background: rgba(128,135,145,.1) !important; }
.tabulator .tabulator-footer { background: transparent; border-top: 0; color: inherit; }
"""


class TileView:
    """A tile on the page: a sheet that holds a title and the current picture."""

    def __init__(self, tile: Tile, title: str) -> None:
        self.tile, self.title = tile, title
        self.answer: Answer | None = None
        self._body = pn.Column(_quiet("…"), sizing_mode="stretch_width", min_height=HEIGHTS[tile.kind] - 40, margin=0)
        parts: list[Any] = [self._body]
        if tile.kind != "number" and title:
            parts.insert(0, self._head())
        self.sheet = pmui.Paper(
            *parts,
            variant="outlined",
            elevation=0,
            margin=0,
            sizing_mode="stretch_width",
            sx={"p": "16px 18px", "borderRadius": "14px", "boxShadow": "none", "height": "100%"},
            styles={"flex": f"{tile.width} 1 {_NARROWEST[tile.kind]}px", "align-self": "stretch"},
            stylesheets=[":host { height: auto !important; } .paper { height: 100%; }"],
        )

    def show_reading(self, reading: Reading | WorkbenchError, state: PageState) -> None:
        """Show a number, or why there is none."""
        shown = isinstance(reading, WorkbenchError)
        html = error_html(reading) if isinstance(reading, WorkbenchError) else number_html(reading, state, self.title)
        self._show(_html(html, 0 if not shown else 8))

    def ask(self, desk: Desk, state: PageState) -> None:
        """Ask the tile's question and draw the answer; an error stays inside the tile."""
        if self.tile.kind == "text":
            self._show(_html(prose_html(self.tile.text or "")))
            return
        try:
            self.answer = desk.tile(self.tile, state)
        except WorkbenchError as error:
            self.answer = None
            self._show(_html(error_html(error)))
            return
        self._show(_table(self.answer) if self.tile.kind == "table" else _chart(self.tile, self.answer, state.grain))

    def _show(self, drawn: Any) -> None:
        old = self._body[0] if len(self._body) else None
        if isinstance(old, pn.pane.HTML | pn.pane.Vega) and type(old) is type(drawn):
            old.object = drawn.object
        elif isinstance(old, pn.widgets.Tabulator) and isinstance(drawn, pn.widgets.Tabulator):
            old.value = drawn.value
        else:
            self._body[:] = [drawn]

    def _head(self) -> Any:
        name = _html(f'<div style="font-size:14px;font-weight:600">{escape(self.title)}</div>')
        if self.tile.kind != "table":
            return name
        return pn.FlexBox(
            name,
            *(self._download(kind) for kind in ("CSV", "Excel")),
            justify_content="space-between",
            align_items="center",
            sizing_mode="stretch_width",
            flex_wrap="nowrap",
            margin=(0, 0, 8, 0),
        )

    def _download(self, kind: str) -> Any:
        suffix = {"CSV": "csv", "Excel": "xlsx"}[kind]
        stem = "".join(c if c.isalnum() else "-" for c in self.title.lower()).strip("-") or "table"
        return pmui.FileDownload(
            callback=self._file(kind), filename=f"{stem}.{suffix}", label=kind, variant="text", size="small",
            color="primary", icon=None, margin=0, width=80,
        )  # fmt: skip

    def _file(self, kind: str) -> Callable[[], BytesIO]:
        def made() -> BytesIO:
            if self.answer is None:
                return BytesIO()
            return csv_file(self.answer) if kind == "CSV" else excel_file(self.answer, self.title)

        return made


def number_key(tile: Tile) -> str:
    """What a number tile's reading is filed under."""
    return key(tile.number or "", tile.where)


def _chart(tile: Tile, answer: Answer, grain: str) -> Any:
    """A live picture: the same Vega-Lite spec the notebook draws as SVG."""
    rows, open_period = finished(answer, grain) if tile.kind == "line" else (answer.rows(), None)
    if not rows:
        return _html(_quiet_html("No data in this range and under these filters."))
    groups = [c for c in answer.columns if c.role == "dimension"]
    metrics = [c for c in answer.columns if c.role == "metric"]
    body: dict[str, Any] | None
    if tile.kind == "line":
        body = over_time(groups[0], groups[1] if len(groups) > 1 else None, metrics, rows, width="container")
        if body is None:
            return _html(_quiet_html("One period only: choose a finer grain or a longer range."))
    elif groups[0].kind == "number" and part_of(groups[0]):
        body = pieces.columns(groups[0], metrics[0], rows)
    else:
        body = pieces.bar(groups[0], metrics[0], rows, shown=tile.top)
    if open_period is not None:
        body["title"] = {**_NOTE, "text": f"left out, incomplete: {date_text(open_period, grain)}"}
    spec = complete(body, tile.title, width="container", height=HEIGHTS[tile.kind] - 60)
    return pn.pane.Vega(spec, sizing_mode="stretch_width", margin=0, show_actions=False)


def _table(answer: Answer) -> Any:
    columns: list[AnswerColumn] = list(answer.columns)
    digits = {c.name: digits_for((r[c.name] for r in answer.rows()), c.format, c.unit) for c in columns}
    return pn.widgets.Tabulator(
        frame_of(answer),
        disabled=True,
        show_index=False,
        selectable=False,
        titles=dict(zip((c.name for c in columns), headings(columns), strict=True)),
        formatters=tabulator_formats(columns, digits),
        text_align={c.name: "right" if c.role == "metric" else "left" for c in columns},
        header_align={c.name: "right" if c.role == "metric" else "left" for c in columns},
        pagination="local",
        page_size=12,
        layout="fit_columns",
        widths={columns[0].name: 235} if len(columns) > 3 else {},
        sizing_mode="stretch_width",
        theme="simple",
        stylesheets=[_TABLE_STYLE],
        margin=0,
        configuration={"columnDefaults": {"headerSortTristate": True, "headerWordWrap": True, "minWidth": 96}},
    )


def _quiet(text: str) -> Any:
    return _html(_quiet_html(text))


def _quiet_html(text: str) -> str:
    return f'<div style="opacity:.6;font-size:13px;padding:12px 0">{escape(text)}</div>'


def _html(html: str, margin: int = 0) -> Any:
    return pn.pane.HTML(html if STYLE in html else f"{html}", sizing_mode="stretch_width", margin=margin)
