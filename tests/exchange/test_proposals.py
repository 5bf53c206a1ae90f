"""Names and families that proposals rest on."""

from __future__ import annotations

import pytest

from workbench.exchange.proposals import family, named_like, singular, term_name


@pytest.mark.parametrize(
    ("column", "table", "key", "expected"),
    [
        ("customer_id", "customers", "id", True),
        ("customer_id", "dim_customers", "customer_id", True),
        ("ship_city_id", "cities", "id", True),
        ("CountryCode", "country", "code", False),
        ("country_code", "countries", "code", True),
        ("carrier", "airlines", "carrier", True),
        ("id", "customers", "id", False),
        ("code", "products", "code", False),
        ("paid", "invoices", "id", False),
        ("customer_id", "orders", "order_id", False),
    ],
)
def test_a_name_says_whose_key_it_holds(column: str, table: str, key: str, expected: bool) -> None:
    assert named_like(column, table, key) is expected


@pytest.mark.parametrize(
    ("plural", "single"),
    [
        ("orders", "order"),
        ("cities", "city"),
        ("boxes", "box"),
        ("classes", "class"),
        ("status", "status"),
        ("branches", "branch"),
        ("bus", "bus"),
        ("address", "address"),
    ],
)
def test_singular(plural: str, single: str) -> None:
    assert singular(plural) == single


@pytest.mark.parametrize(
    ("text", "name"),
    [("Order ID", "order_id"), ("orderId", "order_id"), ("2024 sales", "n_2024_sales"), ("Größe", "gr_e"), ("x", "x")],
)
def test_names_that_declarations_allow(text: str, name: str) -> None:
    assert term_name(text) == name


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("BIGINT", "integer"),
        ("DECIMAL(18,2)", "number"),
        ("VARCHAR", "text"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp"),
        ("DATE", "date"),
        ("BOOLEAN", "boolean"),
        ("INTEGER[]", "other"),
        ("STRUCT(a INTEGER)", "other"),
        ("ENUM('a')", "text"),
        ("INTERVAL", "other"),
        ("HUGEINT", "integer"),
        ("POINT_2D", "other"),
    ],
)
def test_families(kind: str, expected: str) -> None:
    assert family(kind) == expected
