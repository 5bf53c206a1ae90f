"""A value taken out of a question: what its compiled form may know of it, which is its place and its kind alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from workbench.declare.expression import Expression

Kind = Literal["text", "date", "timestamp", "zoned", "integer", "decimal", "day", "moment"]
"""Text, text that spells a date or a timestamp (``zoned`` with an offset), a number, and a date or moment itself."""

Step = tuple[str, int, str]
"""What is done with a moment before it is used: ('floor' | 'after' | 'earlier', count, grain)."""


@dataclass(frozen=True, slots=True)
class Lifted:
    """The place of a value, of several of one kind where it is ``many``; ``detail`` is what else may be known of it.

    Nothing that compiles a question can see the value, so that what it makes is right for every value of the kind.
    """

    index: int
    kind: Kind
    detail: str = ""
    many: bool = False
    steps: tuple[Step, ...] = ()

    def then(self, name: str, count: int, grain: str) -> Lifted:
        """The place of what a step makes of the value."""
        return replace(self, steps=(*self.steps, (name, count, grain)))


class LiftedText(str):
    """A condition whose values were taken out, as text and as its tree; it equals no text that a person writes."""

    __slots__ = ("_hash", "tree")

    tree: Expression
    _hash: int

    def __new__(cls, text: str, tree: Expression) -> LiftedText:
        """The text with its tree, which alone says what it is."""
        made = super().__new__(cls, text)
        made.tree, made._hash = tree, hash((cls, tree))
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LiftedText) and self.tree == other.tree

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return self._hash
