"""An answer to a file someone takes away: CSV, or Excel with a second sheet that says what the numbers are."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from workbench.session.answer import Answer
from workbench.show.card import metric_facts, provenance, restrictions_text

if TYPE_CHECKING:
    import pandas as pd

_PLAIN_TEXT = {"options": {"strings_to_formulas": False, "strings_to_urls": False}}
"""A value that begins with '=' is a name somebody chose, never a formula to run."""


def csv_file(answer: Answer) -> BytesIO:
    """The rows with the names asked for, unrounded."""
    return BytesIO(_frame(answer).to_csv(index=False).encode("utf-8"))


def excel_file(answer: Answer, sheet: str) -> BytesIO:
    """The rows on one sheet; who asked, which rules applied and what each metric means on another."""
    import pandas as pd

    out = BytesIO()
    frame = _frame(answer)
    with pd.ExcelWriter(out, engine="xlsxwriter", engine_kwargs=_PLAIN_TEXT) as writer:
        frame.to_excel(writer, sheet_name=_sheet(sheet), index=False, freeze_panes=(1, 0))
        pd.DataFrame(about(answer), columns=["what", "fact", "value"]).to_excel(writer, sheet_name="About", index=False)
        for name in (_sheet(sheet), "About"):
            writer.sheets[name].autofit()
    out.seek(0)
    return out


def about(answer: Answer) -> list[tuple[str, str, str]]:
    """What a reader of the file needs who never saw the page."""
    rows = [("answer", "provenance", provenance(answer)), ("answer", "rules", restrictions_text(answer.restrictions))]
    for card in answer.metrics:
        rows.append((card.name, "label", card.label))
        rows.append((card.name, "description", card.description))
        rows.extend((card.name, fact, value) for fact, value, _ in metric_facts(card) if value)
    return [row for row in rows if row[2]]


def _frame(answer: Answer) -> pd.DataFrame:
    """The rows as pandas has them; moments without their zone, which neither format can hold."""
    frame = answer.to_pandas()
    for name, kind in frame.dtypes.items():
        if getattr(kind, "tz", None) is not None:
            frame[name] = frame[name].dt.tz_localize(None)
    return frame


def _sheet(title: str) -> str:
    """A name Excel takes: at most 31 characters, none of them special."""
    return "".join(" " if c in "[]:*?/\\'" else c for c in title)[:31].strip() or "table"
