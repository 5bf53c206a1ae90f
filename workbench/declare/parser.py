"""Turns the text of an expression into its tree: one small SQL dialect, strictly, with the place of every mistake.

It is a subset of what DuckDB and PostgreSQL read, with their precedence; the tests hold it against DuckDB's own parser.
A general SQL parser accepts far more than the language has and keeps few positions, so this one is our own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from workbench.declare import calls, functions
from workbench.declare.expression import (
    Aggregate,
    Call,
    Case,
    Cast,
    Expression,
    Has,
    Literal,
    Name,
    Parameter,
    children,
    walk,
)
from workbench.declare.tokens import RESERVED, Refused, Token, tokens
from workbench.declare.typenames import named_type
from workbench.declare.unparse import unparse
from workbench.errors import DeclarationError, Place, Problem

__all__ = ["parse", "shifted", "unparse"]

LONGEST, LARGEST, DEEPEST = 16_384, 10_000, 60
"""Characters, nodes and levels of nesting: more than a person writes, and within Python's stack all the way to SQL."""

_OR, _AND, _NOT, _COMPARE, _TEXT, _SUM, _PRODUCT, _SIGN, _CAST = range(1, 10)
_POWERS = {
    "or": _OR, "and": _AND, "||": _TEXT, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT,
    "::": _CAST,
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">=", "is", "in", "between", "like", "ilike", "via", "has"), _COMPARE),
}  # fmt: skip
_NOW = frozenset(name for name in functions.REFUSED if name.startswith(("current_", "localtime", "session_")))
_WINDOWS = "Windows belong to a question or to a metric's own keys, not to an expression."


def parse(text: str, place: Place | None = None, *, parameters: bool = False) -> Expression:
    """The tree of an expression, or a DeclarationError at its place; ``parameters`` may stand in saved queries alone.

    >>> str(parse("customer.country"))
    'customer.country'
    """
    try:
        return _parsed(text, parameters)
    except Refused as refused:
        problem = Problem(refused.slug, refused.message, shifted(place, refused.at, text), refused.hint)
    raise DeclarationError(problem)


def shifted(place: Place | None, at: int, text: str = "") -> Place | None:
    """The place of the character ``at`` of a text that starts at ``place``; of a text of several lines, its start."""
    return place if place is None or "\n" in text else replace(place, column=place.column + at)


@lru_cache(maxsize=4096)
def _parsed(text: str, parameters: bool) -> Expression:
    if len(text) > LONGEST:
        raise Refused("bad-expression", f"The expression has {len(text)} characters; {LONGEST} are the most.", 0)
    tree = _Parser(tokens(text, parameters)).whole()
    _check_depth(tree)
    _check_aggregates(tree)
    return tree


def _check_depth(tree: Expression) -> None:
    """Refuse what later steps could not walk; long chains such as a or b or c nest as well."""
    level, depth, size = [tree], 0, 0
    while level:
        depth, size = depth + 1, size + len(level)
        if size > LARGEST:  # the subject of a case stands in each of its branches, so nested ones multiply
            raise Refused("bad-expression", f"The expression has more than {LARGEST} parts.", 0)
        if depth > DEEPEST:
            many = isinstance(tree, Call) and tree.function == "or"
            raise _too_deep(level[0].at, "Write x in (...) for many values of one name." if many else "")
        level = [child for node in level for child in children(node)]


def _check_aggregates(tree: Expression) -> None:
    for outer in walk(tree):
        inside = children(outer) if isinstance(outer, Aggregate) else ()
        for inner in (node for child in inside for node in walk(child) if isinstance(node, Aggregate)):
            said = f"'{inner.function}' stands inside the aggregate '{outer.function}'."  # type: ignore[union-attr]
            raise Refused("bad-expression", said, inner.at, "Aggregates do not nest.")


class _Parser:
    """Precedence climbing over the tokens: `expression` reads operators down to a level, `operand` what they join."""

    def __init__(self, found: list[Token]) -> None:
        self.tokens, self.position, self.depth = found, 0, 0

    # -- the stream of tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    @property
    def following(self) -> Token:
        return self.tokens[min(self.position + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.token
        self.position = min(self.position + 1, len(self.tokens) - 1)
        return token

    def accept(self, *keys: str) -> bool:
        """Take these words or symbols, one after the other, if they are what comes next."""
        ahead = self.tokens[self.position : self.position + len(keys)]
        if [token.key for token in ahead] != list(keys):
            return False
        self.position += len(keys)
        return True

    def expect(self, key: str, why: str) -> None:
        if not self.accept(key):
            raise self.unexpected(f"Expected '{key}' {why}.")

    def unexpected(self, hint: str = "") -> Refused:
        token = self.token
        if token.word in ("select", "with", "exists"):
            return Refused("not-allowed", "A subquery is not part of the expression language.", token.at,
                           "Relate the models and name the column by its path.")  # fmt: skip
        if token.word in ("over", "qualify", "partition"):
            hint = _WINDOWS
        elif token.word not in ("as", "collate", "escape", "similar", "order", "within", "at", "union", "ignore"):
            return Refused("bad-expression", f"Did not expect {token} here.", token.at, hint)
        return Refused("not-allowed", f"'{token.text}' is not part of the expression language.", token.at, hint)

    # -- operators

    def whole(self) -> Expression:
        if self.token.kind == "end":
            raise Refused("bad-expression", "The expression is empty.", 0)
        tree = self.expression()
        if self.position < len(self.tokens) - 1:
            raise self.unexpected()
        return tree

    def expression(self, level: int = _OR) -> Expression:
        """Everything that holds together at least as tightly as the level."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise _too_deep(self.token.at)
        tree, compared = self.operand(level), False
        while (power := self.power()) >= level:
            if power == _COMPARE and compared:
                said = f"'{self.token.text}' follows another comparison."
                raise Refused("bad-expression", said, self.token.at, "Join them by and, or put one in parentheses.")
            compared = power == _COMPARE
            tree = self.joined(tree, power)
        self.depth -= 1
        return tree

    def power(self) -> int:
        """How tightly the operator that comes next holds; 0 where none comes."""
        if self.token.word == "not" and self.following.word in ("in", "between", "like", "ilike"):
            return _COMPARE
        return _POWERS.get(self.token.key, 0)

    def joined(self, left: Expression, power: int) -> Expression:
        """The operator that comes next, between what stands left of it and what follows."""
        if power == _COMPARE:
            return self.comparison(left)
        operator = self.take()
        if power == _CAST:
            return Cast(left, self.type_name(), operator.at)
        if power == _SUM and self.at_interval():
            self.take()
            written = self.take().text.split()
            if len(written) == 1 and self.token.kind == "word":
                written.append(self.take().text)
            sign = -1 if operator.text == "-" else 1
            return Call("add_interval", (left, *calls.interval(written, sign, operator.at)), operator.at)
        return Call(operator.key, (left, self.expression(power + 1)), operator.at)

    def comparison(self, left: Expression) -> Expression:
        at = self.token.at
        negated = self.accept("not")
        operator = self.take()
        match operator.key:
            case "is":
                return self.tested(left, at)
            case "in":
                self.expect("(", "after in")
                if self.token.key == ")":
                    raise self.unexpected("The list of in is empty.")
                tree: Expression = Call("in", (left, *self.listed()), at)
            case "between":
                low = self.expression(_TEXT)
                self.expect("and", "between the two ends")
                tree = Call("between", (left, low, self.expression(_TEXT)), at)
            case "via" | "has" as key:
                via = self.expression(_TEXT) if key == "via" else None
                if via is not None:
                    self.expect("has", "after via and a path")
                if not isinstance(left, Name) or not isinstance(via, Name | None):
                    raise self.unexpected("Before has stands an entity: customer has orders >= 3.")
                tree = Has(left, self.expression(_COMPARE), at, via)
            case "like" | "ilike" as key:
                tree = Call(key, (left, self.pattern()), at)
            case _:
                return _compared(operator, left, self.expression(_TEXT))
        return Call("not", (tree,), at) if negated else tree

    def tested(self, left: Expression, at: int) -> Expression:
        """What follows IS."""
        negated = self.accept("not")
        if self.accept("distinct", "from"):
            tree = Call("is_distinct", (left, self.expression(_TEXT)), at)
        elif self.token.word in ("null", "true", "false"):
            tree = Call(f"is_{self.take().word}", (left,), at)
        else:
            raise self.unexpected("After is comes null, true, false or distinct from, each with or without not.")
        return Call("not", (tree,), at) if negated else tree

    def pattern(self) -> Expression:
        at = self.token.at
        pattern = self.expression(_TEXT)
        if isinstance(pattern, Literal) and isinstance(pattern.value, str) and "\\" in pattern.value:
            said = "A backslash in a pattern means something else on every engine."
            raise Refused("not-allowed", said, at, "Write contains(x, '...'), starts_with or ends_with.")
        return pattern

    # -- operands

    def operand(self, level: int) -> Expression:
        token = self.token
        match token.kind:
            case "number":
                self.take()
                return Literal(calls.number(token), token.at)
            case "string":
                self.take()
                return Literal(token.text, token.at)
            case "quoted":
                return self.name()
            case "parameter":
                self.take()
                return Parameter(token.text, token.at)
            case "word":
                return self.negation(level) if token.word == "not" else self.worded(token)
        if token.key in ("-", "+"):
            return self.signed()
        if self.accept("("):
            tree = self.expression()
            if self.token.key == ",":
                raise self.unexpected("A list of values may stand only after in.")
            self.expect(")", "to close the one before")
            return tree
        raise self.unexpected("A name, a value or a function belongs here." if token.kind == "end" else "")

    def negation(self, level: int) -> Expression:
        if level > _NOT:
            raise self.unexpected("Put not and what it negates in parentheses.")
        at = self.take().at
        return Call("not", (self.expression(_NOT),), at)

    def signed(self) -> Expression:
        """A number with its sign is a constant; any other sign is an operator."""
        sign, bare = self.take(), self.token.kind == "number"
        tree = self.expression(_SIGN)
        if sign.text == "+":
            return tree
        if bare and isinstance(tree, Literal):
            return Literal(-tree.value, sign.at)  # type: ignore[operator]
        return Call("negate", (tree,), sign.at)

    def worded(self, token: Token) -> Expression:
        word, after = token.word, self.following
        if word in ("null", "true", "false"):
            self.take()
            return Literal({"null": None, "true": True, "false": False}[word], token.at)
        if word == "case":
            return self.case()
        if word in calls.TYPED_LITERALS and after.kind == "string":
            return calls.typed_literal(self.take(), self.take())
        if self.at_interval():
            said = "An interval can only be added to or subtracted from a date or timestamp."
            raise Refused("bad-expression", said, token.at, "Write x + interval '3' day.")
        if after.key == "(" and (word not in RESERVED or word == "cast"):
            return self.function()
        if word in _NOW:
            raise calls.unknown(token)
        if word in RESERVED:
            raise self.unexpected(f'A name that is also a word of the language is quoted: "{token.text}".')
        return self.name()

    def name(self) -> Name:
        at = self.token.at
        path = [self.take().text]
        while self.accept("."):
            if self.token.kind not in ("word", "quoted"):
                raise self.unexpected("After the dot of a path comes a name.")
            path.append(self.take().text)
        if self.token.key == "(":
            said = f"There is no function '{'.'.join(path)}'."
            raise Refused("unknown-function", said, at, "Functions have plain names.")
        return Name(tuple(path), at)

    def case(self) -> Expression:
        at = self.take().at
        subject = None if self.token.word in ("when", "else", "end") else self.expression()
        branches = []
        while self.token.word == "when":
            mark = self.take()
            condition = self.expression()
            if subject is not None:
                condition = _compared(Token("symbol", "=", mark.at), subject, condition)
            self.expect("then", "after the condition of a case")
            branches.append((condition, self.expression()))
        if not branches:
            raise self.unexpected("A case has at least one when ... then ....")
        default = self.expression() if self.accept("else") else None
        self.expect("end", "to close the case")
        return Case(tuple(branches), default, at)

    def at_interval(self) -> bool:
        return self.token.word == "interval" and self.following.kind in ("string", "number")

    def type_name(self) -> str:
        """A type, with its digits in parentheses: decimal(18, 2)."""
        start = self.token
        if start.kind not in ("word", "quoted"):
            raise self.unexpected("The name of a type belongs here.")
        words = [self.take().text.lower()]
        longer = {"double": "precision", "character": "varying", "timestamp": "time", "time": "time"}
        if self.token.word in ("with", "without") or self.token.word == longer.get(words[0]):
            while self.token.word in ("precision", "varying", "with", "without", "time", "zone"):
                words.append(self.take().word)
        digits = []
        if self.accept("("):
            digits = [self.take().text]
            while self.accept(","):
                digits.append(self.take().text)
            self.expect(")", "after the digits of a type")
        return named_type(" ".join(words), digits, start.at)

    def listed(self) -> list[Expression]:
        """Expressions up to the closing parenthesis, which is taken."""
        if self.accept(")"):
            return []
        found = [self.expression()]
        while self.accept(","):
            found.append(self.expression())
        self.expect(")", "after the list")
        return found

    # -- functions

    def function(self) -> Expression:
        token = self.take()
        self.expect("(", "after the name of a function")
        if special := _SPECIAL.get(token.word):
            return special(self, token)
        word = functions.ALIASES.get(token.word, token.word)
        if word in functions.AGGREGATES:
            return self.aggregate(word, token)
        if word not in functions.FUNCTIONS:
            raise calls.unknown(token)
        tree = calls.call(word, token, self.listed())
        if self.token.word == "filter" and self.following.key == "(":
            raise self.unexpected(f"'{word}' is no aggregate, so it has no filter.")
        return tree

    def aggregate(self, name: str, token: Token) -> Expression:
        distinct = self.accept("distinct")
        star = not distinct and self.accept("*", ")")
        arguments = [] if star else self.listed()
        if self.token.word == "within":
            raise self.unexpected("Write percentile(x, 0.9).")
        calls.check_aggregate(name, token, arguments, distinct, star)
        condition = None
        if self.accept("filter", "("):
            self.expect("where", "in filter (where ...)")
            condition = self.expression()
            self.expect(")", "after the filter")
        return Aggregate(name, tuple(arguments), distinct, condition, token.at)

    def conversion(self, token: Token) -> Expression:
        """cast(x as type)."""
        operand = self.expression()
        self.expect("as", "and a type in a cast")
        tree = Cast(operand, self.type_name(), token.at)
        self.expect(")", "after the type")
        return tree

    def to_date(self, token: Token) -> Expression:
        """date(x) and to_date(x), which are casts."""
        arguments = self.listed()
        if len(arguments) == 1:
            return Cast(arguments[0], "date", token.at)
        said = f"'{token.text}' takes 1 argument; there are {len(arguments)}."
        hint = "It reads dates as 2024-01-31; take others apart with substring and make_date."
        raise Refused("bad-expression", said, token.at, hint)

    def date_part(self, token: Token) -> Expression:
        """extract(year from x) and date_part('year', x)."""
        part = self.take()
        self.expect("from" if token.word == "extract" else ",", f"after the part in {token.word}")
        tree = calls.date_part(part, self.expression(), token.at)
        self.expect(")", f"after {token.word}")
        return tree

    def search(self, token: Token) -> Expression:
        """position('a' in b) and position(b, 'a')."""
        arguments = [self.expression(_TEXT)]
        if self.accept("in"):
            arguments.insert(0, self.expression(_TEXT))
            self.expect(")", "after position")
        elif self.accept(","):
            arguments += self.listed()
        else:
            self.expect(")", "or in")
        return calls.call("position", token, arguments)

    def part_of_text(self, token: Token) -> Expression:
        """substring(s from 2 for 3) and substring(s, 2, 3)."""
        arguments = [self.expression()]
        if self.accept("from"):
            arguments.append(self.expression())
            if self.accept("for"):
                arguments.append(self.expression())
            self.expect(")", "after substring")
        elif self.accept(","):
            arguments += self.listed()
        else:
            self.expect(")", "after substring")
        return calls.call("substring", token, arguments)


_SPECIAL: dict[str, Callable[[_Parser, Token], Expression]] = {
    "cast": _Parser.conversion,
    "date": _Parser.to_date,
    "to_date": _Parser.to_date,
    "extract": _Parser.date_part,
    "date_part": _Parser.date_part,
    "datepart": _Parser.date_part,
    "position": _Parser.search,
    "substring": _Parser.part_of_text,
    "substr": _Parser.part_of_text,
}
"""Calls with a grammar of their own."""


def _compared(operator: Token, left: Expression, right: Expression) -> Expression:
    for side in (left, right):
        if isinstance(side, Literal) and side.value is None:
            wanted = "is not null" if operator.text == "<>" else "is null"
            raise Refused("bad-expression", f"'{operator.text} null' is never true.", operator.at, f"Write {wanted}.")
    return Call(operator.text, (left, right), operator.at)


def _too_deep(at: int, hint: str = "") -> Refused:
    return Refused("bad-expression", f"The expression is nested more than {DEEPEST} levels deep.", at, hint)
