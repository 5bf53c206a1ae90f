"""A declared dashboard and a viewer's session to one live page: filters above, tiles in a grid, facts below."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from html import escape
from typing import Any

import panel as pn
from panel_material_ui.template.base import Page

from workbench.declare.dashboard import Dashboard, Tile
from workbench.errors import WorkbenchError
from workbench.session.answer import Answer
from workbench.session.catalog import DimensionCard, MetricCard
from workbench.session.deprecation import warnings_of
from workbench.session.door import Door
from workbench.show.ask import Desk, Reading, held_span, tiles_of
from workbench.show.card import restrictions_text
from workbench.show.controls import Controls, copy_link, definitions
from workbench.show.dates import date_text
from workbench.show.palette import BAD, FONT, SERIES
from workbench.show.periods import Span
from workbench.show.state import PageState, from_address, opening, to_address, unheard
from workbench.show.tiles import TileView, number_key

SETTLE = 0.15
"""Seconds to wait for the next change before asking: picking three values in a row asks once."""

_LOG = logging.getLogger(__name__)
_SHAPE = {"typography": {"fontFamily": FONT}, "shape": {"borderRadius": 10}}
THEME = {
    "light": {
        **_SHAPE,
        "palette": {"primary": {"main": SERIES[0]}, "background": {"default": "#f6f7f9", "paper": "#ffffff"}},
    },
    "dark": {
        **_SHAPE,
        "palette": {"primary": {"main": "#6ea3ea"}, "background": {"default": "#121417", "paper": "#1a1d21"}},
    },
}
_LOOK = {
    "& main": {"backgroundColor": "background.default"},
    "& .MuiAppBar-root": {
        "backgroundColor": "background.paper",
        "backgroundImage": "none",
        "color": "text.primary",
        "boxShadow": "none",
        "borderBottom": "1px solid rgba(128,135,145,.25)",
        "& .MuiTypography-root, & a": {"color": "text.primary", "fontWeight": 600},
        "& .MuiTypography-h3": {"fontSize": {"xs": "17px", "sm": "22px"}},
    },
}


class DashboardPage:
    """One visit to a dashboard: its state, its controls, its tiles."""

    def __init__(self, dashboard: Dashboard, session: Door, *, home: str = "/", release: str = "") -> None:
        self.dashboard, self.session, self.home, self.release = dashboard, session, home, release
        self.cards: dict[str, MetricCard] = {card.name: card for card in session.metrics}
        self.metrics = tuple(dict.fromkeys(m for tile in tiles_of(dashboard) for m in tile.metrics()))
        paths = {card.path: card for card in self._paths()}
        self.desk = Desk(session, {path: card.type for path, card in paths.items()})
        self.opening = opening(dashboard, None if dashboard.time and dashboard.time.end else self._held())
        self.state = self.opening
        self.views = [[TileView(tile, self._title(tile)) for tile in row] for row in dashboard.rows]
        named = {path: paths[path].label if path in paths else path for path in dashboard.filters}
        self.controls = Controls(self.opening, named, self._become)
        self._heading = pn.pane.HTML(self._heading_html(), sizing_mode="stretch_width", margin=(12, 0, 12, 0))
        self._footer = pn.pane.HTML("", sizing_mode="stretch_width", margin=(8, 0, 0, 0))
        self._asked = 0

    def view(self) -> Any:
        """The page as a Panel template; questions are asked once it stands in the browser."""
        drawer, opener = definitions([self.cards[name] for name in self.metrics if name in self.cards])
        rows = [
            pn.FlexBox(
                *(view.sheet for view in row),
                gap="16px",
                align_items="stretch",
                sizing_mode="stretch_width",
                margin=(0, 0, 16, 0),
            )
            for row in self.views
        ]
        body = pn.Column(
            self._heading,
            self.controls.bar(opener, copy_link()),
            *rows,
            self._footer,
            drawer,
            sizing_mode="stretch_width",
            margin=0,
            styles={"padding": "8px clamp(12px, 3vw, 36px) 32px"},
        )
        pn.state.onload(self.start)
        return Page(
            title=self.dashboard.title, main=[body], main_width=1440, site_url=self.home, theme_config=THEME, sx=_LOOK
        )

    def start(self) -> None:
        """Take the state from the address, then draw."""
        location = pn.state.location
        if location is not None:
            self.state = from_address(location.search, self.opening, self.dashboard.filters)
            location.param.watch(self._on_address, "search")
            self._heading.object = self._heading_html(unheard(location.search, self.state))
        self.controls.show(self.state)
        self.refresh()

    def refresh(self) -> None:
        """Ask every tile again; a newer change makes an older round stop."""
        self._asked += 1
        mine = self._asked
        time.sleep(SETTLE)
        if mine != self._asked:
            return
        try:
            self._ask_all(mine, self.state)
        except Exception:  # noqa: BLE001  the outermost layer: one broken round must not end the visit
            _LOG.exception("dashboard '%s' could not be redrawn", self.dashboard.dashboard)

    def _ask_all(self, mine: int, state: PageState) -> None:
        answers: list[Answer | Reading] = []
        views = [view for row in self.views for view in row]
        readings = self.desk.readings([view.tile for view in views], state)
        for view in views:
            if mine != self._asked:
                return
            if view.tile.number:
                reading = readings[number_key(view.tile)]
                view.show_reading(reading, state)
                answers += [reading] if isinstance(reading, Reading) else []
            else:
                view.ask(self.desk, state)
                answers += [view.answer] if view.answer else []
        self._offer(state)
        self._footer.object = self._footer_html(answers)

    def _offer(self, state: PageState) -> None:
        """List what each filter may still take under the others."""
        for path in self.dashboard.filters:
            try:
                self.controls.offer(path, self.desk.choices(path, self.metrics[0], state))
            except WorkbenchError as error:
                self.controls.disable(path, error.problems[0].message)

    def _on_address(self, event: Any) -> None:
        """The back and forward buttons, or an address typed by hand."""
        state = from_address(event.new, self.opening, self.dashboard.filters)
        if state != self.state:
            self.controls.show(state)
            self._become(state)

    def _become(self, state: PageState) -> None:
        self.state = state
        location = pn.state.location
        if location is not None:
            location.search = to_address(state, self.opening, location.search)
            self._heading.object = self._heading_html(unheard(location.search, state))
        self.refresh()

    # ------------------------------------------------------------------ words

    def _title(self, tile: Tile) -> str:
        names = [self.cards[m].label if m in self.cards else m for m in tile.metrics()]
        return tile.title or ", ".join(names)

    def _heading_html(self, missed: Sequence[str] = ()) -> str:
        owner = f"owned by {self.dashboard.owner}" if self.dashboard.owner else ""
        said = " · ".join(escape(part) for part in (self.dashboard.description, owner) if part)
        lines = [f'<div style="opacity:.75">{said}</div>']
        if missed:
            names = escape(", ".join(f"'{one}'" for one in missed))
            lines += [
                f'<div class="unheard" style="color:{BAD}">Shown without {names}: this page has no such choice.</div>'
            ]
        return f'<div style="font-size:14px;line-height:1.5;max-width:110ch">{"".join(lines)}</div>'

    def _footer_html(self, answers: list[Answer | Reading]) -> str:
        rules = tuple(dict.fromkeys(rule for answer in answers for rule in answer.restrictions))
        cards = [a.card for a in answers if isinstance(a, Reading)]
        cards += [c for a in answers if isinstance(a, Answer) for c in a.metrics]
        fresh = sorted(c.fresh_until for c in cards if c.fresh_until)
        parts = [
            f"Data until {date_text(fresh[0], 'day')}" if fresh else "",
            f"asked as {self.session.principal.name}",
            _served(self.release),
            restrictions_text(rules),
            *dict.fromkeys(warnings_of(cards)),
        ]
        said = " · ".join(escape(part) for part in parts if part)
        return f'<div class="facts" style="font-size:12px;opacity:.65;line-height:1.6">{said}</div>'

    def _paths(self) -> Sequence[DimensionCard]:
        """The paths the first metric may be filtered by; a dashboard of a hidden metric still opens."""
        try:
            return self.session.dimensions(*self.metrics[:1])
        except WorkbenchError:
            return ()

    def _held(self) -> Span | None:
        """The range of the data, for a dashboard that declares none; a page without data still opens."""
        try:
            return held_span(self.session, self.metrics[0]) if self.metrics else None
        except WorkbenchError:
            return None


def _served(release: str) -> str:
    """What the page is drawn by: a release by its number and digest, or a folder by the commit that it stands on."""
    return f"release {release}" if ":" in release else f"not released, on commit {release}" if release else ""
