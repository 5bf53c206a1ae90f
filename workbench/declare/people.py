"""Who there is and what they may be told: roles, groups and policies, as frozen terms."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from workbench.declare.terms import Name, Term, Words

Scalar = str | int | float | bool | date


def _attribute_values(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Values = Annotated[
    tuple[Scalar, ...], BeforeValidator(_attribute_values, json_schema_input_type=Scalar | tuple[Scalar, ...])
]
"""One value or a list of values."""


class Role(Term):
    """What its holders may do, as verbs like ``query:adhoc``; a role has everything of the one it extends."""

    extends: Name | None = None
    can: Words = ()
    description: str = ""


class Roles(Term):
    """All roles: one file, `access/roles.yml`."""

    roles: dict[Name, Role]


class Group(Term):
    """People who hold one role and share attributes."""

    role: Name
    members: Words = ()
    attributes: dict[Name, Values] = {}
    description: str = ""


class Groups(Term):
    """All groups: one file, `access/groups.yml`."""

    groups: dict[Name, Group]


class RowRule(Term):
    """A closed comparison of a column with an attribute of the asker, or with constants."""

    column: str
    op: Literal["eq", "in", "range", "is_null", "is_not_null"]
    attribute: Name | None = None
    values: tuple[Scalar, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> RowRule:
        compares = self.op in ("eq", "in", "range")
        if compares and (self.attribute is None) == (not self.values):
            raise ValueError("give either 'attribute' or 'values'")
        if not compares and (self.attribute or self.values):
            raise ValueError(f"'{self.op}' takes neither 'attribute' nor 'values'")
        if self.op == "range" and self.values and len(self.values) != 2:
            raise ValueError("'range' takes two values, low and high")
        return self


Whom = Annotated[Words, Field(description="Role names, 'group:<name>', 'user:<name>', or '*' for everyone.")]


class Grant(Term):
    """Lets ``to`` read the columns of the resource."""

    to: Whom
    env: Words = ("*",)
    columns: Words = ("*",)


class Restrict(Term):
    """Leaves ``to`` only the rows that meet the rule; restrictions add up."""

    name: Name
    to: Whom = ("*",)
    except_: Whom = Field((), alias="except")
    rows: RowRule


class MaskRule(Term):
    """Hides the values of columns that carry the tag."""

    tag: str
    to: Whom = ("*",)
    except_: Whom = Field((), alias="except")
    with_: Literal["null", "hash", "last4", "bucket", "constant"] = Field(alias="with")


class Deny(Term):
    """Takes columns away whatever else grants them; no columns means the whole resource."""

    to: Whom
    columns: Words = ("*",)


class Policy(Term):
    """The rules of one table, or of all tables of a schema (``gold.*``)."""

    resource: str
    description: str = ""
    grant: tuple[Grant, ...] = ()
    restrict: tuple[Restrict, ...] = ()
    mask: tuple[MaskRule, ...] = ()
    deny: tuple[Deny, ...] = ()
