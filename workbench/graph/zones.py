"""Names of time zones to what is wrong with them."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from workbench.errors import Problem, QuestionError, did_you_mean


def check_zone(name: str) -> None:
    """Raise `QuestionError` (unknown-timezone) for a zone that the list of zones does not have."""
    if name and name not in _zones():
        hint = did_you_mean(name, _zones(), "Write one as Europe/Paris, America/New_York or UTC.")
        raise QuestionError(Problem("unknown-timezone", f"no time zone '{name}'.", hint=hint))


@cache
def _zones() -> frozenset[str]:
    """Zones by place, and UTC; names of other kinds, such as 'posixrules' or 'EST', say no place."""
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")
