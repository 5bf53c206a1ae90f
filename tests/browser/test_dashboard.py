"""The reference dashboard in a real browser: filters, address, download, looks; nothing from outside."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

pytestmark = pytest.mark.slow

NUMBERS = ".value"
BARS = "Average departure delay by airline"


def _open(visit: Callable[..., Visit], url: str, **size: int) -> Visit:
    made = visit(**size)
    made.page.goto(url)
    expect(made.page.locator(".facts")).to_contain_text("asked as ana@skyways.example", timeout=60_000)
    return made


def _numbers(page: Page) -> list[str]:
    return page.locator(NUMBERS).all_inner_texts()


def _choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.locator("li", has_text=option).click()
    page.keyboard.press("Escape")


def _pictures(page: Page) -> dict[str, str]:
    """What each tile shows: numbers as text, charts as the description Vega gives of them, the table as text."""
    page.wait_for_timeout(300)
    found = {f"number {i}": text for i, text in enumerate(_numbers(page))}
    for index, chart in enumerate(page.locator("canvas.marks, svg.marks").all()):
        found[f"chart {index}"] = chart.screenshot().hex()[-4000:]
    found["table"] = page.locator(".tabulator-table").inner_text()
    return found


def test_a_filter_changes_every_tile_and_survives_a_reload(
    visit: Callable[..., Visit], dashboards: str, artifacts: Path
) -> None:
    page = _open(visit, dashboards + "operations", height=2400).page
    before = _pictures(page)
    page.screenshot(path=artifacts / "dashboard.png", full_page=True)
    _choose(page, "Airline", "JetBlue Airways")
    expect(page.locator(NUMBERS).first).to_have_text("27.6k", timeout=30_000)
    expect(page.locator(".tabulator-row")).to_have_count(1, timeout=30_000)
    for _ in range(60):  # 300 ms each at least: charts come after numbers
        after = _pictures(page)
        same = [name for name in before if before[name] == after.get(name)]
        if not same:
            break
    assert same == []
    expect(page).to_have_url(re.compile(re.escape("f.airline.name=JetBlue+Airways")))
    page.screenshot(path=artifacts / "dashboard-filtered.png", full_page=True)

    numbers = _numbers(page)
    page.reload()
    expect(page.locator(NUMBERS).first).to_have_text("27.6k", timeout=60_000)
    expect(page.locator(".facts")).to_be_visible(timeout=60_000)
    assert _numbers(page) == numbers
    expect(page.get_by_role("combobox", name="Airline")).to_contain_text("JetBlue Airways")

    page.get_by_role("button", name="Reset").click()
    expect(page.locator(NUMBERS).first).to_have_text("171k", timeout=30_000)
    expect(page).not_to_have_url(re.compile(re.escape("f.airline.name")))


def test_a_shared_link_holds_range_grain_and_filters(visit: Callable[..., Visit], dashboards: str) -> None:
    link = "operations?v=1&from=2013-07-01&to=2013-12-31&grain=quarter&f.airline.name=JetBlue+Airways&unknown=1"
    page = _open(visit, dashboards + link).page
    expect(page.locator(".under").first).to_contain_text("vs Jan – Jun 2013")
    expect(page.locator(".change").first).to_have_text("▲ +2.2%")
    expect(page.get_by_role("combobox", name="Grain")).to_contain_text("Quarter")
    expect(page.locator(".unheard")).to_have_text("Shown without 'unknown=1': this page has no such choice.")
    expect(page).to_have_title("Operations of the New York airports")


def test_filters_narrow_one_another(visit: Callable[..., Visit], dashboards: str) -> None:
    page = _open(visit, dashboards + "operations?v=1&f.airline.name=Hawaiian+Airlines+Inc.").page
    page.get_by_role("combobox", name="Airport").click()
    page.locator("ul[role=listbox] li", has_text="John F Kennedy Intl").wait_for()
    options = [text for text in page.locator("ul[role=listbox] li").all_inner_texts() if "Select" not in text]
    assert [text.strip() for text in options if text.strip()] == ["John F Kennedy Intl"]


def test_the_table_can_be_taken_away(visit: Callable[..., Visit], dashboards: str, tmp_path: Path) -> None:
    page = _open(visit, dashboards + "operations", height=2400).page
    for kind, name in (("CSV", "by-airline.csv"), ("Excel", "by-airline.xlsx")):
        with page.expect_download(timeout=30_000) as downloading:
            page.get_by_role("button", name=kind).or_(page.get_by_role("link", name=kind)).first.click()
        assert downloading.value.suggested_filename == name
        downloading.value.save_as(tmp_path / name)
    rows = list(csv.DictReader((tmp_path / "by-airline.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 16
    assert {row["airline.name"]: row["flights"] for row in rows}["United Air Lines Inc."] == "29729"
    assert (tmp_path / "by-airline.xlsx").read_bytes()[:2] == b"PK"


def test_a_definition_is_one_click_away(visit: Callable[..., Visit], dashboards: str, artifacts: Path) -> None:
    page = _open(visit, dashboards + "operations").page
    page.get_by_role("button", name="What Flights means").click()
    expect(page.locator("[popover]:popover-open")).to_contain_text("exactly 170\u202f618 flights")
    page.screenshot(path=artifacts / "dashboard-definition.png")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Definitions").click()
    expect(page.get_by_role("heading", name="Definitions")).to_be_visible()


@pytest.mark.parametrize(("theme", "width"), [("dark", 1400), ("default", 400), ("dark", 400)])
def test_it_fits_dark_rooms_and_small_screens(
    visit: Callable[..., Visit], dashboards: str, artifacts: Path, theme: str, width: int
) -> None:
    made = _open(visit, f"{dashboards}operations?theme={theme}", width=width, height=2400)
    made.page.wait_for_timeout(1000)
    made.page.screenshot(path=artifacts / f"dashboard-{theme}-{width}.png")
    ground = made.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(",")[:3])) < 150) == (theme == "dark")
    assert made.page.evaluate("document.documentElement.scrollWidth") <= width
    tiles = made.page.locator(".tile").all()
    boxes = [box for tile in tiles if (box := tile.bounding_box())]
    assert len(boxes) == 5
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)


def test_axes_and_tiles_show_no_exponents(visit: Callable[..., Visit], dashboards: str) -> None:
    page = _open(visit, dashboards + "operations").page
    assert "e+" not in page.locator("body").inner_text()


def test_the_index_and_the_catalogue(visit: Callable[..., Visit], dashboards: str, artifacts: Path) -> None:
    made = visit()
    page = made.page
    page.goto(dashboards)
    page.screenshot(path=artifacts / "index.png")
    page.get_by_role("link", name="Catalogue").click()
    page.get_by_role("searchbox").fill("delay")
    with page.expect_navigation():  # a picture taken between two pages may never come
        page.keyboard.press("Enter")
    page.screenshot(path=artifacts / "catalogue.png")
    page.get_by_role("link", name="Average departure delay").first.click()
    expect(page.get_by_role("heading", name="Average departure delay")).to_be_visible()
    page.screenshot(path=artifacts / "catalogue-metric.png")
    assert made.complaints == []
