"""The state of a page to the widgets that show and change it: range, grain, filters, reset, definitions, link."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import panel as pn
import panel_material_ui as pmui

from workbench.session.catalog import MetricCard
from workbench.show.card import cards_html
from workbench.show.periods import Span
from workbench.show.state import GRAINS, PageState

_STYLE = """
.MuiFormControl-root > .MuiInputBase-root { height: 40px; background: var(--mui-palette-background-paper); }
.MuiSelect-select { padding-top: 8px !important; padding-bottom: 8px !important; }
.MuiInputLabel-root[data-shrink=false] { transform: translate(14px, 9px) !important; background: transparent; }
"""
_BUTTON: dict[str, Any] = {"variant": "text", "color": "primary", "size": "small", "margin": (2, 0, 0, 0)}


class Controls:
    """The widgets of one visit; ``changed`` is told the new state, once for each change made by hand."""

    def __init__(self, opening: PageState, filters: Mapping[str, str], changed: Callable[[PageState], None]) -> None:
        self._opening, self._state, self._changed, self._quiet = opening, opening, changed, False
        self._range = pmui.DateRangePicker(
            label="Dates", value=_ends(opening), width=270, format="D MMM YYYY", size="small", margin=0,
            stylesheets=[_STYLE],
        )  # fmt: skip
        self._grain = pmui.Select(
            label="Grain", options={g.capitalize(): g for g in GRAINS}, value=opening.grain, width=120, size="small",
            margin=0, stylesheets=[_STYLE],
        )  # fmt: skip
        self._filters: dict[str, Any] = {
            path: pmui.MultiChoice(
                label=label,
                options=[],
                value=[],
                searchable=True,
                chip=False,
                width=270,
                margin=0,
                stylesheets=[_STYLE],
            )
            for path, label in filters.items()
        }
        self._reset = pmui.Button(label="Reset", disabled=True, **_BUTTON)
        self._reset.on_click(self._on_reset)
        for widget in (self._range, self._grain, *self._filters.values()):
            widget.param.watch(self._on_widget, "value")

    def bar(self, *more: Any) -> Any:
        """All widgets in a row that wraps; ``more`` stands at its far end."""
        widgets = (self._range, self._grain, *self._filters.values(), self._reset, pn.Spacer(styles={"flex": "1 0 0"}))
        return pn.FlexBox(
            *widgets, *more, gap="12px", align_items="flex-start", sizing_mode="stretch_width", margin=(4, 0, 20, 0)
        )

    def show(self, state: PageState) -> None:
        """Put a state into the widgets without telling anybody."""
        with self._silence():
            self._state = state
            self._range.value = _ends(state)
            self._grain.value = state.grain
            for path, widget in self._filters.items():
                chosen = list(state.chosen.get(path, ()))
                widget.param.update(options=list(dict.fromkeys([*widget.options, *chosen])), value=chosen)
        self._reset.disabled = state == self._opening

    def offer(self, path: str, values: Sequence[str]) -> None:
        """List what a filter may take; what is chosen stays listed."""
        widget = self._filters[path]
        options = list(dict.fromkeys([*values, *self._state.chosen.get(path, ())]))
        if options != list(widget.options):
            with self._silence():
                widget.options = options

    def disable(self, path: str, why: str) -> None:
        """Switch off a filter whose values cannot be listed."""
        self._filters[path].param.update(disabled=True, description=why)

    def _on_widget(self, _: Any) -> None:
        if self._quiet:
            return
        state = replace(self._state, grain=self._grain.value)
        if self._range.value and all(self._range.value):
            start, end = (_as_day(v) for v in self._range.value)
            state = replace(state, span=Span(min(start, end), max(start, end)))
        for path, widget in self._filters.items():
            state = state.choosing(path, widget.value)
        self._tell(state)

    def _on_reset(self, _: Any) -> None:
        self.show(self._opening)
        self._changed(self._opening)

    def _tell(self, state: PageState) -> None:
        if state != self._state:
            self._state = state
            self._reset.disabled = state == self._opening
            self._changed(state)

    @contextmanager
    def _silence(self) -> Iterator[None]:
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False


def definitions(cards: Sequence[MetricCard]) -> tuple[Any, Any]:
    """A drawer that holds the definitions of a page's metrics, and the button that opens it."""
    drawer = pmui.Drawer(
        pn.pane.HTML(f'<h3 style="margin:8px 0 12px">Definitions</h3>{cards_html(cards)}', margin=20, width=440),
        anchor="right",
        size=500,
    )
    button = pmui.Button(label="Definitions", **_BUTTON)

    def opened(_: Any) -> None:
        drawer.open = True

    button.on_click(opened)
    return drawer, button


def copy_link() -> Any:
    """A button that copies the address, which holds the whole state."""
    button = pmui.Button(label="Copy link", **_BUTTON)
    button.js_on_click(code="navigator.clipboard && navigator.clipboard.writeText(window.location.href)")
    return button


def _ends(state: PageState) -> tuple[date, date] | None:
    return (state.span.start, state.span.end) if state.span else None


def _as_day(value: Any) -> date:
    return value.date() if hasattr(value, "date") else value  # type: ignore[no-any-return]
