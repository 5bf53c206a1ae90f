"""Values out of the data that try to be HTML stay text in every live element of a dashboard."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit, free_port

pytestmark = pytest.mark.slow

APP = """
import panel as pn
from tests.show.answers import AIRLINE, FLIGHTS, answer
from workbench.declare.dashboard import Tile
from workbench.show.controls import Controls
from workbench.show.state import PageState
from workbench.show.tiles import TileView

HOSTILE = '<img src=x onerror="window.struck=true"><b>bold</b>'
pn.extension("vega", "tabulator")

class Desk:
    types = {}
    def tile(self, tile, state):
        return answer([AIRLINE, FLIGHTS], [(HOSTILE, 5), ("plain", 3)])

def page():
    tiles = (Tile(table=("flights",), by=("airline.name",)), Tile(bar="flights", by=("airline.name",)),
             Tile(text=HOSTILE + "<script>window.struck=true</script> *words*"))
    views = [TileView(tile, HOSTILE) for tile in tiles]
    for view in views:
        view.ask(Desk(), PageState())
    controls = Controls(PageState(), {"airline.name": HOSTILE}, lambda state: None)
    controls.offer("airline.name", [HOSTILE, "plain"])
    return pn.Column(controls.bar(), *(view.sheet for view in views))

pn.serve({"page": page}, port=PORT, show=False, websocket_origin=["localhost:PORT"])
"""


def test_hostile_values_are_shown_as_they_are(
    visit: Callable[..., Visit], start: Callable[..., str], tmp_path: Path, artifacts: Path
) -> None:
    port = free_port()
    url = f"http://localhost:{port}/page"
    start("hostile", [sys.executable, "-c", APP.replace("PORT", str(port))], url, tmp_path)
    page = visit(height=1400).page
    page.goto(url)
    expect(page.locator(".tabulator-row").first).to_contain_text("<img src=x", timeout=60_000)
    expect(page.locator("em", has_text="words")).to_be_visible()
    page.get_by_role("combobox").last.click()
    expect(page.locator("li", has_text="<img src=x").first).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".marks").first.hover(position={"x": 400, "y": 14}, force=True)
    page.wait_for_timeout(1000)
    page.screenshot(path=artifacts / "hostile.png")
    assert page.evaluate("window.struck") is None
