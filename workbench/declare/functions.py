"""The closed catalogue of the expression language: every function, its signature and what it means, as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

CLASSES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "number": frozenset({"integer", "decimal", "float"}),
        "countable": frozenset({"integer", "decimal", "float", "boolean"}),
        "integer": frozenset({"integer"}),
        "string": frozenset({"string"}),
        "boolean": frozenset({"boolean"}),
        "temporal": frozenset({"date", "timestamp", "timestamptz"}),
        "clock": frozenset({"timestamp", "timestamptz", "time"}),
    }
)
"""What a parameter accepts; `any` and `same` (all alike) accept everything."""

CONSTANTS = frozenset({"unit", "fraction", "zone", "part"})
"""Parameters that are constants of their own kind, checked when the text is parsed."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How one function is called: the class of each parameter, what it gives, and a sentence about it."""

    name: str
    parameters: tuple[str, ...]
    least: int
    variadic: bool
    result: str
    doc: str
    empty: int | None = None
    """What an aggregate gives over no rows at all."""

    def parameter(self, position: int) -> str:
        """The class of the argument at a position; the last one repeats where the function is variadic."""
        return self.parameters[min(position, len(self.parameters) - 1)]

    def takes(self, count: int) -> bool:
        """Whether that many arguments are right."""
        return self.least <= count and (self.variadic or count <= len(self.parameters))

    @property
    def arity(self) -> str:
        """How many arguments, for a sentence."""
        most = len(self.parameters)
        if self.variadic:
            return f"at least {self.least}"
        return str(most) if self.least == most else f"{self.least} to {most}"


_FORM = re.compile(r"(\S+?)\((.*)\) -> (\w+)")


def _catalogue(lines: Iterable[tuple[str, str]], empty: Mapping[str, int] | None = None) -> Mapping[str, Signature]:
    """Read ``name(class, optional?, repeated...) -> result`` lines."""
    found: dict[str, Signature] = {}
    for text, doc in lines:
        form = _FORM.fullmatch(text)
        assert form, text
        name, parameters, result = form.groups()
        parts = [part.strip() for part in parameters.split(",") if part.strip()]
        least = sum(not part.endswith("?") for part in parts)
        variadic = bool(parts) and parts[-1].endswith("...")
        classes = tuple(part.rstrip("?.") for part in parts)
        found[name] = Signature(name, classes, least, variadic, result, doc, (empty or {}).get(name))
    return MappingProxyType(found)


OPERATORS: Mapping[str, Signature] = _catalogue(
    [
        ("or(boolean, boolean) -> boolean", "True where either is; NULL where that hangs on a NULL."),
        ("and(boolean, boolean) -> boolean", "True where both are; NULL where that hangs on a NULL."),
        ("not(boolean) -> boolean", "The opposite; NULL stays NULL."),
        ("=(same, same) -> boolean", "Equal; NULL where either is."),
        ("<>(same, same) -> boolean", "Not equal; NULL where either is."),
        ("<(same, same) -> boolean", "Less than."),
        ("<=(same, same) -> boolean", "Less than or equal."),
        (">(same, same) -> boolean", "Greater than."),
        (">=(same, same) -> boolean", "Greater than or equal."),
        ("is_distinct(same, same) -> boolean", "Not equal, where NULL equals NULL: IS DISTINCT FROM."),
        ("is_null(any) -> boolean", "IS NULL."),
        ("is_true(boolean) -> boolean", "IS TRUE; false where NULL."),
        ("is_false(boolean) -> boolean", "IS FALSE; false where NULL."),
        ("in(same, same, same...) -> boolean", "IN: equal to one of the values."),
        ("between(same, same, same) -> boolean", "BETWEEN, both ends included."),
        ("like(string, string) -> boolean", "LIKE: % is any text, _ is any character."),
        ("ilike(string, string) -> boolean", "LIKE without regard to case."),
        ("||(string, string) -> string", "Text joined; NULL where either is."),
        ("+(number, number) -> number", "Sum."),
        ("-(number, number) -> number", "Difference."),
        ("*(number, number) -> number", "Product."),
        ("/(number, number) -> float", "True division; NULL where the divisor is zero."),
        ("%(number, number) -> number", "Remainder, with the sign of the first; NULL where the divisor is zero."),
        ("negate(number) -> number", "The number with the other sign."),
        (
            "add_interval(temporal, integer, unit) -> shifted",
            "Moved by n units: x + interval '3' day.",
        ),
    ]
)

FUNCTIONS: Mapping[str, Signature] = _catalogue(
    [
        ("coalesce(same, same...) -> same", "The first value that is not NULL."),
        ("nullif(same, same) -> same", "The first value, or NULL where both are equal."),
        ("greatest(same, same...) -> same", "The greatest value; NULLs are passed over."),
        ("least(same, same...) -> same", "The least value; NULLs are passed over."),
        ("lower(string) -> string", "Text in lower case."),
        ("upper(string) -> string", "Text in upper case."),
        ("trim(string) -> string", "Text without white space at its ends."),
        ("ltrim(string) -> string", "Text without white space at its start."),
        ("rtrim(string) -> string", "Text without white space at its end."),
        ("length(string) -> integer", "The number of characters."),
        (
            "substring(string, integer, integer?) -> string",
            "Text from a position on (the first is 1), so many characters.",
        ),
        ("replace(string, string, string) -> string", "Text with every occurrence of one part replaced by another."),
        ("concat(any...) -> string", "All values as text, joined; NULLs are passed over."),
        ("left(string, integer) -> string", "The first n characters."),
        ("right(string, integer) -> string", "The last n characters."),
        ("lpad(string, integer, string) -> string", "Text filled at its start, or cut, to n characters."),
        ("rpad(string, integer, string) -> string", "Text filled at its end, or cut, to n characters."),
        ("position(string, string) -> integer", "Where the second text starts in the first, from 1; 0 where nowhere."),
        ("starts_with(string, string) -> boolean", "Whether the first text starts with the second."),
        ("ends_with(string, string) -> boolean", "Whether the first text ends with the second."),
        ("contains(string, string) -> boolean", "Whether the first text has the second in it."),
        (
            "split_part(string, string, integer) -> string",
            "The n-th part between separators; '' beyond the last.",
        ),
        ("reverse(string) -> string", "Text backwards."),
        ("repeat(string, integer) -> string", "Text n times over."),
        ("abs(number) -> number", "The number without its sign."),
        ("round(number, integer?) -> number", "Rounded to n places (0 unless said), halves away from zero."),
        ("floor(number) -> integer", "The greatest integer not above."),
        ("ceil(number) -> integer", "The least integer not below."),
        ("sqrt(number) -> float", "Square root; NULL below zero."),
        ("exp(number) -> float", "e to the power."),
        ("ln(number) -> float", "Natural logarithm; NULL unless above zero."),
        ("log10(number) -> float", "Logarithm to base 10; NULL unless above zero."),
        (
            "log(number, number) -> float",
            "Logarithm of the second to the base of the first; NULL unless above zero.",
        ),
        ("power(number, number) -> float", "The first to the power of the second; NULL where that is no real number."),
        ("mod(number, number) -> number", "The same as %."),
        ("sign(number) -> integer", "-1, 0 or 1."),
        (
            "date_trunc(unit, temporal) -> truncated",
            "The start of the period: a date from day up, else a timestamp.",
        ),
        ("year(temporal) -> integer", "The year."),
        ("quarter(temporal) -> integer", "The quarter, 1 to 4."),
        ("month(temporal) -> integer", "The month, 1 to 12."),
        ("week(temporal) -> integer", "The ISO week, 1 to 53."),
        ("day(temporal) -> integer", "The day of the month."),
        ("day_of_week(temporal) -> integer", "The ISO day of the week: Monday is 1, Sunday 7."),
        ("day_of_year(temporal) -> integer", "The day of the year, from 1."),
        ("hour(clock) -> integer", "The hour, 0 to 23."),
        ("minute(clock) -> integer", "The minute, 0 to 59."),
        ("second(clock) -> integer", "The whole second, 0 to 59."),
        (
            "date_diff(unit, temporal, temporal) -> integer",
            "How many starts of a unit lie between the two.",
        ),
        ("make_date(integer, integer, integer) -> date", "The date of a year, month and day."),
    ]
)

INTERNAL: Mapping[str, Signature] = _catalogue(
    [
        ("local_time(temporal, zone) -> local", "The wall clock of a zone at a moment."),
        ("moment(temporal, zone) -> moment", "The moment at which a clock on the wall of a zone shows a time."),
        ("truncate(temporal, unit) -> truncated", "The period of a grain: what a path such as placed.month means."),
        ("date_part(temporal, part) -> integer", "A part of a date: what a path such as placed.day_of_week means."),
        ("sha256(string) -> string", "The digest that masks are made of."),
    ]
)
"""What resolved names and masks turn into; nobody writes these."""

SCALARS: Mapping[str, Signature] = MappingProxyType({**OPERATORS, **FUNCTIONS, **INTERNAL})
"""What a Call may name: operators under their symbols, functions under their names."""

AGGREGATES: Mapping[str, Signature] = _catalogue(
    [
        ("count(any?) -> integer", "Rows where the value is not NULL; count(*) all rows; count(distinct x) values."),
        ("sum(countable) -> total", "The total; a boolean counts as 0 or 1."),
        ("min(any) -> same", "The least value."),
        ("max(any) -> same", "The greatest value."),
        ("avg(countable) -> float", "The mean, never rounded; of a boolean the share that is true."),
        ("median(number) -> float", "The middle value, between the two middle ones where there are two."),
        ("percentile(number, fraction) -> float", "The value below which that fraction lies, interpolated."),
        ("percentile_disc(number, fraction) -> number", "The least value that at least that fraction does not exceed."),
        ("stddev(number) -> float", "Standard deviation of a sample."),
        ("stddev_pop(number) -> float", "Standard deviation of the whole."),
        ("variance(number) -> float", "Variance of a sample."),
        ("var_pop(number) -> float", "Variance of the whole."),
        ("approx_distinct(any) -> integer", "About how many distinct values: faster than count(distinct x)."),
        ("approx_percentile(number, fraction) -> number", "About percentile(x, p): faster, in little memory."),
        ("first(any, temporal) -> same", "The value at the earliest time; rows where either is NULL are left out."),
        ("last(any, temporal) -> same", "The value at the latest time; rows where either is NULL are left out."),
        ("bool_and(boolean) -> boolean", "Whether all are true."),
        ("bool_or(boolean) -> boolean", "Whether any is true."),
        ("count_if(boolean) -> integer", "How many rows the condition holds for."),
    ],
    empty={"count": 0, "approx_distinct": 0, "count_if": 0},
)
"""What an Aggregate may name. Over no rows counts are 0 and everything else is NULL."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "ifnull": "coalesce", "nvl": "coalesce", "substr": "substring", "len": "length", "char_length": "length",
        "character_length": "length", "strpos": "position", "ceiling": "ceil", "pow": "power", "lcase": "lower",
        "ucase": "upper", "startswith": "starts_with", "endswith": "ends_with", "suffix": "ends_with",
        "prefix": "starts_with", "isodow": "day_of_week", "doy": "day_of_year", "dayofyear": "day_of_year",
        "week_of_year": "week", "weekofyear": "week", "day_of_month": "day", "dayofmonth": "day",
        "datediff": "date_diff", "signum": "sign", "mean": "avg", "average": "avg",
        "percentile_cont": "percentile", "quantile": "percentile", "quantile_cont": "percentile",
        "quantile_disc": "percentile_disc", "approx_quantile": "approx_percentile", "stddev_samp": "stddev",
        "std": "stddev", "var_samp": "variance",
        "var": "variance", "approx_count_distinct": "approx_distinct", "countif": "count_if", "every": "bool_and",
    }
)  # fmt: skip
"""Other spellings of the same meaning. A name that means something else elsewhere (`dayofweek`) is left out."""

_WINDOW = "Windows belong to a question or to a metric's own keys, not to an expression."
_NOW = "An answer must come out the same tomorrow: bound the question's time instead."
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("now", "today", "getdate", "current_date", "current_time", "current_timestamp", "localtime",
             "localtimestamp", "transaction_timestamp", "get_current_timestamp", "clock_timestamp"),
            _NOW,
        ),
        **dict.fromkeys(
            ("random", "rand", "uuid", "gen_random_uuid", "setseed", "nextval", "currval"),
            "An answer must come out the same twice.",
        ),
        **dict.fromkeys(
            ("row_number", "rank", "dense_rank", "ntile", "lag", "lead", "first_value", "last_value", "nth_value",
             "percent_rank", "cume_dist"),
            _WINDOW,
        ),
        **dict.fromkeys(("dayofweek", "dow", "weekday"), "Write day_of_week(x): Monday is 1, Sunday 7."),
        **dict.fromkeys(("if", "iff"), "Write case when condition then value else other end."),
        **dict.fromkeys(
            ("current_user", "session_user", "current_role", "getenv", "current_setting", "query", "query_table"),
            "Who asks is decided by the rules of access/, not by an expression.",
        ),
        "try_cast": "Write cast(x as type), or a case for the values that do not fit.",
        "any_value": "Which value would depend on the run: write min(x), max(x) or first(x, time).",
        "mode": "Group by the value instead.",
    }
)  # fmt: skip
"""Known functions that the language leaves out on purpose, each with what to write instead."""
