"""A review to one Markdown document: for a comment on a pull request, a file, or a terminal that renders it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from workbench.errors import count
from workbench.review.changes import Change, Part
from workbench.review.grouped import Axis
from workbench.review.review import Review
from workbench.review.risk import RISKS
from workbench.review.values import Values

LONGEST = 70
"""Characters of a value that are shown."""
VERDICTS = {"passed": "may be merged", "waits": "not yet approved", "refused": "must not be merged"}
MARKS = {"breaking": "🔴 breaking", "risky": "🟠 risky", "safe": "🟢 safe"}


def markdown(review: Review) -> str:
    """The whole review; whatever the change wrote is quoted, so that it can neither call people nor draw."""
    parts = (_head(review), _rulings(review), _problems(review), _changes(review), _values(review), _reach(review))
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def _head(review: Review) -> Iterator[str]:
    yield f"# Review: {VERDICTS[review.verdict]}"
    yield ""
    counted = [(sum(change.risk == risk for change in review.changes), risk) for risk in RISKS]
    moved = sum(value.moved for value in review.values)
    said = ", ".join(f"{number} {risk}" for number, risk in counted if number) or "nothing that means something"
    head = f"`{review.head[:12]}`" if review.head else "the work tree"
    yield f"From `{review.base[:12]}` to {head} changed: {said}."
    reached = sum(bool(value.was) for value in review.values)
    if reached:
        yield f"Of {count(reached, 'metric')} it reaches, the values of {moved} moved."


def _rulings(review: Review) -> Iterator[str]:
    if not review.rulings:
        return
    yield "## Who"
    yield ""
    if review.people.authors:
        yield f"Written by {_quoted(review.people.authors)}, as told by {review.people.source}."
        yield ""
    for ruling in sorted(review.rulings, key=lambda one: (one.kept, one.waits)):
        hint = f" {_plain(ruling.hint)}" if ruling.hint else ""
        mark = "✅" if ruling.kept else "⏳" if ruling.waits else "❌"
        yield f"- {mark} **{ruling.rule}**: {_plain(ruling.message)}{hint}"


def _problems(review: Review) -> Iterator[str]:
    if not review.problems and not review.untested:
        return
    yield "## Problems"
    yield ""
    if review.untested:
        yield f"- ⚠️ No time was left to run the tests of {_quoted(review.untested)}."
    for problem in review.problems:
        mark = "❌" if problem.severity == "error" else "⚠️"
        where = f"`{_code(str(problem.place))}`: " if problem.place else ""
        yield f"- {mark} {where}{_plain(problem.message)} {_plain(problem.hint)} `{problem.slug}`"


def _changes(review: Review) -> Iterator[str]:
    if not review.changes:
        return
    yield "## What"
    yield ""
    yield "| | | | why |"
    yield "|---|---|---|---|"
    for change in review.changes:
        what = f"{change.kind.replace('_', ' ')} {_named(change)}"
        yield f"| {MARKS[change.risk]} | {what} | {change.how} | {_plain(change.reason)} |"
    detailed = [change for change in review.changes if change.parts]
    if detailed:
        yield ""
        yield "<details><summary>Each part</summary>"
        for change in detailed:
            yield ""
            yield f"**{_named(change)}**"
            yield ""
            yield from (f"- {_part(part)}" for part in change.parts)
        yield ""
        yield "</details>"


def _named(change: Change) -> str:
    renamed = f"`{_code(change.was)}` → " if change.how == "renamed" else ""
    return f"{renamed}`{_code(change.name)}`"


def _part(part: Part) -> str:
    path = f"`{_code('.'.join(part.path))}`"
    match part.how:
        case "added":
            return f"{path} is new: {_value(part.after)}"
        case "removed":
            return f"{path} is gone; it was {_value(part.before)}"
    return f"{path}: {_value(part.before)} → {_value(part.after)}"


def _values(review: Review) -> Iterator[str]:
    if not review.values and not review.unlooked:
        return
    yield "## Values"
    yield ""
    if review.values:
        yield "| metric | before | after | change | rows |"
        yield "|---|--:|--:|--:|---|"
        for value in sorted(review.values, key=lambda one: not one.moved):
            yield _total(value)
    for value in review.values:
        yield from _axes(value)
    if review.unlooked:
        yield ""
        yield f"No time was left for {_quoted(review.unlooked)}."


def _total(value: Values) -> str:
    name = f"`{_code(value.metric)}`"
    if value.problems:
        return f"| {name} | | | cannot be compared: {_plain(value.problems[0].message)} | |"
    moved = "new" if not value.was else _change(value.before, value.after) or ("in groups" if value.moved else "none")
    rows = ""
    if value.rows and (value.rows.lost or value.rows.won):
        rows = f"{value.rows.lost:,} no longer counted, {value.rows.won:,} newly counted"
    return f"| {name} | {_number(value.before)} | {_number(value.after)} | {moved} | {rows} |"


def _axes(value: Values) -> Iterator[str]:
    if not value.axes and not value.unlooked:
        return
    yield ""
    yield f"<details><summary>{_plain(value.metric)}: where it moved</summary>"
    for axis in value.axes[:3]:
        yield ""
        yield f"By `{_code(axis.by)}` it moved in {axis.moved:,} of {axis.groups:,} groups."
        yield ""
        yield "| group | before | after | change |"
        yield "|---|--:|--:|--:|"
        for one in axis.most:
            group = "none" if one.group is None else f"`{_code(one.group)}`"
            yield f"| {group} | {_number(one.before)} | {_number(one.after)} | {_change(one.before, one.after)} |"
    others = [axis.by for axis in value.axes[3:]]
    if others:
        yield ""
        yield f"It moved by {_quoted(others[:12])}{f' and {len(others) - 12} more' if len(others) > 12 else ''}, too."
    if value.unlooked:
        yield ""
        yield f"Not looked at: {_quoted(value.unlooked[:12])}{' and more' if len(value.unlooked) > 12 else ''}."
    if value.axes:
        yield from _picture(value.metric, value.axes[0])
    yield ""
    yield "</details>"


def _picture(metric: str, axis: Axis) -> Iterator[str]:
    """Before as bars and after as a line, in the drawing language that forges render."""
    shown = [one for one in axis.most if all(isinstance(v, int | float) for v in (one.before or 0, one.after or 0))]
    if len(shown) < 2:
        return
    shown = sorted(shown, key=lambda one: str(one.group))
    names = [re.sub(r"[^\w .:-]", " ", str(one.group or "none"))[:20] for one in shown]
    yield ""
    yield "```mermaid"
    yield "xychart-beta"
    yield f'  title "{metric} by {axis.by}: bars before, line after"'
    yield "  x-axis [" + ", ".join(f'"{name}"' for name in names) + "]"
    yield f"  bar [{', '.join(f'{one.before or 0:.6g}' for one in shown)}]"
    yield f"  line [{', '.join(f'{one.after or 0:.6g}' for one in shown)}]"
    yield "```"


def _reach(review: Review) -> Iterator[str]:
    if not review.reach.consumers:
        return
    yield "## Reaches"
    yield ""
    for kind in dict.fromkeys(one.kind for one in review.reach.consumers):
        mine = [one for one in review.reach.consumers if one.kind == kind]
        told = ", ".join(f"`{_code(one.name)}` (by {_quoted(one.through)})" for one in mine)
        plural = {"person": "people", "saved_query": "saved queries"}.get(kind, f"{kind}s")
        yield f"- **{len(mine)} {plural if len(mine) > 1 else kind.replace('_', ' ')}**: {told}"


def _change(before: Any, after: Any) -> str:
    """The difference and its share; '' where nothing moved."""
    if before == after:
        return ""
    if before is None or after is None or not all(hasattr(one, "__sub__") for one in (before, after)):
        return "came" if before is None else "gone" if after is None else "other"
    change = after - before
    if not hasattr(change, "__float__"):
        return _plain(str(change))
    share = f" ({float(change) / abs(float(before)):+.2%})" if before else ""
    return f"{float(change):+,.6g}{share}"


def _number(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool | int):
        return f"{value:,}"
    return f"{value:,.6g}" if hasattr(value, "__float__") else _value(value)


def _value(value: Any) -> str:
    return f"`{_code(str(value))}`"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{_code(name)}`" for name in names)


def _code(text: str) -> str:
    """Text for a code span: on one line, with nothing that ends the span or a cell."""
    flat = " ".join(text.split()).replace("`", "'").replace("|", "¦")
    return flat if len(flat) <= LONGEST else f"{flat[:LONGEST]}…"


def unmarked(text: str) -> str:
    """Markdown for a terminal, whose names can be copied: what `_plain` put before marks is gone."""
    return re.sub(r"\\([\\`*_\[\]<>#!~])", r"\1", text).replace("\u200b", "")


def _plain(text: str) -> str:
    """Text outside of code: nothing in it is markup, a link, or calls anybody."""
    flat = " ".join(text.split()).replace("|", "¦").replace("@", "@\u200b")
    return re.sub(r"([\\`*_\[\]<>#!~])", r"\\\1", flat)
