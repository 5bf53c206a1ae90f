"""The dashboards a viewer may open to the page that lists them, and what went wrong to the page that says so."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from workbench.declare.dashboard import Dashboard
from workbench.show.frame import page

_OUT = '<form method="post" action="/signout"><p><button>Sign out</button></p></form>'


def index_html(dashboards: Mapping[str, Dashboard], *, name: str, who: str, signs_in: bool = False) -> str:
    """Every dashboard as a sheet with its title, its purpose and its owner."""
    sheets = "".join(
        f'<a class="sheet" href="/{escape(key)}"><b>{escape(one.title)}</b><p class="quiet">'
        f"{escape(one.description)}</p>"
        + (f'<p class="quiet">owned by {escape(one.owner)}</p>' if one.owner else "")
        + "</a>"
        for key, one in sorted(dashboards.items(), key=lambda item: item[1].title)
    )
    none = "<p>No dashboard is open to you. They are declared in <code>notebooks/dashboards/</code>.</p>"
    body = f"<h1>Dashboards</h1>{f'<div class=sheets>{sheets}</div>' if sheets else none}{_OUT if signs_in else ''}"
    return page(f"Dashboards · {name}", body, name=name, who=who, here="/")


def error_html(status: int, message: str, *, name: str) -> str:
    """An error in words, with the way back."""
    body = f'<h1>{status}</h1><p>{escape(message)}</p><p><a href="/">All dashboards</a></p>'
    return page(f"{status} · {name}", body, name=name)
