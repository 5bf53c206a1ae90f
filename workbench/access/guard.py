"""From a question and a principal to a Pass: the only thing the planner accepts."""

from __future__ import annotations

from workbench.access.restriction import Mask, Restriction, RowFilter

__all__ = ["Mask", "Restriction", "RowFilter"]
