"""JupyterLab in a real browser: the magic, its card, its completion; nothing from outside, no questions asked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, free_port
from workbench.show.lab import lab_command

pytestmark = pytest.mark.slow

TOKEN = "a-token-for-tests-only"
IDLE = "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"


@pytest.fixture(scope="module")
def lab(start: Callable[..., str], workspace: Path) -> str:
    """The address of a JupyterLab at the workspace, with a notebook to run."""
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = nbformat.v4.new_notebook(metadata={"kernelspec": spec})
    book.cells = [
        nbformat.v4.new_code_cell("%load_ext workbench"),
        nbformat.v4.new_code_cell("%metric flights, cancellation_rate by metric_time.month"),
        nbformat.v4.new_code_cell("%metric flihts"),
        nbformat.v4.new_code_cell(""),
    ]
    nbformat.write(book, workspace / "notebooks" / "try.ipynb")
    port = free_port()
    command = lab_command(workspace, port=port, token=TOKEN, start="notebooks/try.ipynb", expose=True)
    environment = {
        **command.environment,
        "WORKBENCH_USER": "ana@skyways.example",
        "JUPYTER_CONFIG_DIR": str(workspace / ".jupyter"),
        "JUPYTERLAB_SETTINGS_DIR": str(workspace / ".jupyter" / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(workspace / ".jupyter" / "workspaces"),
        "IPYTHONDIR": str(workspace / ".ipython"),
    }
    start("lab", list(command.arguments), f"http://localhost:{port}/api", workspace, environment)
    return f"http://localhost:{port}/lab/tree/notebooks/try.ipynb?token={TOKEN}"


def _idle(page: Page) -> None:
    page.wait_for_function(IDLE, timeout=60_000)


def test_a_notebook_asks_draws_refuses_and_completes(visit: Callable[..., Visit], lab: str, artifacts: Path) -> None:
    page = visit(height=1300).page
    page.goto(lab)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    _idle(page)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    card = page.locator(".jp-OutputArea-output", has_text="asked by ana@skyways.example")
    expect(card).to_be_visible(timeout=60_000)
    _idle(page)
    expect(card.locator("img")).to_have_attribute("alt", "Flights, Cancellation rate by Month")
    assert page.evaluate("() => document.querySelector('.jp-OutputArea-output img').naturalWidth") > 300
    expect(card).to_contain_text("data until 31 Dec 2013")
    card.get_by_text("What “Flights” means").click()
    expect(card).to_contain_text("count(*)")
    refusal = page.locator(".jp-OutputArea-output", has_text="no metric 'flihts'")
    expect(refusal).to_contain_text("Did you mean 'flights'")
    expect(refusal).not_to_contain_text("Traceback")
    page.screenshot(path=artifacts / "lab.png")

    page.locator(".jp-Notebook .jp-CodeCell").last.locator(".cm-content").click()
    page.keyboard.type("%metric canc")
    page.keyboard.press("Tab")
    completer = page.locator(".jp-Completer:visible")
    expect(completer).to_contain_text("cancellation_rate", timeout=20_000)
    page.screenshot(path=artifacts / "lab-completion.png")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-Notebook .jp-CodeCell").last).to_contain_text("%metric cancellation_rate")
    page.keyboard.type(" by airline.na")
    page.keyboard.press("Tab")
    expect(completer).to_contain_text("airline.name", timeout=20_000)
    page.keyboard.press("Enter")
    expect(page.locator(".jp-Notebook .jp-CodeCell").last).to_contain_text("by airline.name")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output img")).to_have_count(2, timeout=30_000)
    page.screenshot(path=artifacts / "lab-by-airline.png")


def test_lab_asks_no_questions_and_shows_the_card_in_the_dark(
    visit: Callable[..., Visit], lab: str, artifacts: Path
) -> None:
    page = visit(height=1300).page
    page.goto(lab)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    _idle(page)
    dark = "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    page.evaluate(dark)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    expect(page.locator(".jp-OutputArea-output img").first).to_be_visible(timeout=60_000)
    page.wait_for_timeout(3000)
    assert page.locator(".Toastify__toast").count() == 0
    assert page.locator(".jp-Dialog").count() == 0
    page.screenshot(path=artifacts / "lab-dark.png")


def test_the_command_starts_this_interpreter_and_keeps_the_token_out_of_sight(tmp_path: Path) -> None:
    command = lab_command(tmp_path, port=1234, token=TOKEN)
    assert command.arguments[0] == sys.executable
    assert not any(TOKEN in argument for argument in command.arguments)
    assert command.environment["JUPYTER_TOKEN"] == TOKEN
    assert (tmp_path / ".workbench" / "jupyter" / "labconfig" / "default_setting_overrides.json").is_file()
