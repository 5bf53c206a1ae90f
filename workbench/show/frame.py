"""The frame of our own plain pages (index, catalogue, errors): one style, no script, no outside request."""

from __future__ import annotations

from html import escape

from workbench.show.palette import FONT, SERIES

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_STYLE = f"""
:root {{ color-scheme: light dark; --line: rgba(128,135,145,.25); --sheet: #fff; --ground: #f6f7f9; --ink: #1c2024;
  --accent: {SERIES[0]}; }}
@media (prefers-color-scheme: dark) {{ :root {{ --sheet: #1a1d21; --ground: #121417; --ink: #e4e7eb; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.55 {FONT}; }}
header {{ display: flex; gap: 24px; align-items: baseline; padding: 18px clamp(16px, 4vw, 48px);
  border-bottom: 1px solid var(--line); background: var(--sheet); }}
header b {{ font-size: 17px; }} header a {{ color: inherit; text-decoration: none; opacity: .7; }}
header a:hover, header a[aria-current] {{ opacity: 1; }}
header .who {{ margin-left: auto; opacity: .55; font-size: 13px; }}
main {{ max-width: 1080px; margin: 0 auto; padding: 36px clamp(16px, 4vw, 48px) 64px; }}
h1 {{ font-size: 26px; letter-spacing: -.02em; margin: 0 0 6px; }} h2 {{ font-size: 16px; margin: 32px 0 8px; }}
p {{ max-width: 68ch; }} .quiet {{ opacity: .65; }} a {{ color: var(--accent); }}
code {{ font-size: .9em; overflow-wrap: anywhere; }}
.sheets {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: 16px; margin-top: 24px; }}
.sheet {{ display: block; background: var(--sheet); border: 1px solid var(--line); border-radius: 14px;
  padding: 20px 22px;
   color: inherit; text-decoration: none; }}
a.sheet:hover {{ border-color: var(--accent); }} .sheet b {{ font-size: 17px; }}
.sheet p {{ margin: 6px 0 0; font-size: 14px; }}
input {{ font: inherit; width: min(420px, 100%); padding: 9px 14px; border-radius: 10px; border: 1px solid var(--line);
  background: var(--sheet); color: inherit; }} ul {{ padding-left: 18px; }} li {{ margin: 2px 0; }}
"""


def page(title: str, body: str, *, name: str, who: str = "", here: str = "") -> str:
    """A whole page around ``body``, which is HTML already; everything else is escaped here."""
    links = "".join(
        f'<a href="{href}"{" aria-current=page" if href == here else ""}>{text}</a>'
        for href, text in (("/", "Dashboards"), ("/catalog", "Catalogue"))
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>{escape(title)}</title><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style></head><body><header><b>{escape(name)}</b>{links}"
        f'<span class="who">{escape(who)}</span></header><main>{body}</main></body></html>'
    )
