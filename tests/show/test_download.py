"""Files people take away hold the rows, what they mean, and nothing that runs."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from io import BytesIO, StringIO
from zipfile import ZipFile

from tests.show.answers import AIRLINE, FLIGHTS, MONTH, RATE, answer
from workbench.session.answer import AnswerColumn
from workbench.show.download import about, csv_file, excel_file


def _sheets(file: BytesIO) -> str:
    """Everything an Excel file holds, as text."""
    with ZipFile(file) as book:
        return "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))


def test_csv_holds_names_asked_for_and_values_unrounded() -> None:
    made = answer([MONTH, AIRLINE, RATE], [(date(2013, 1, 1), "A, B", 0.123456789), (date(2013, 2, 1), None, None)])
    rows = list(csv.reader(StringIO(csv_file(made).read().decode("utf-8"))))
    assert rows == [
        ["metric_time.month", "airline.name", "rate"],
        ["2013-01-01", "A, B", "0.123456789"],
        ["2013-02-01", "", ""],
    ]


def test_excel_says_what_the_numbers_are() -> None:
    text = _sheets(
        excel_file(answer([AIRLINE, FLIGHTS], [("Delta", 3)], restrictions=("own carrier",)), "By [air]/line")
    )
    for said in ("Delta", "asked by ana@example.com", "1 rule applied: own carrier.", "count(*)", "operations"):
        assert said in text
    assert 'name="By  air  line"' in text


def test_a_name_that_looks_like_a_formula_is_a_name() -> None:
    text = _sheets(excel_file(answer([AIRLINE, FLIGHTS], [("=1+1", 3), ("https://far.example", 4)]), "t"))
    assert "<f>" not in text
    assert "<hyperlink " not in text


def test_moments_with_a_zone_fit_into_both() -> None:
    moment = AnswerColumn("at", "dimension", "time", "At")
    made = answer([moment, FLIGHTS], [(datetime(2013, 1, 1, 5, tzinfo=UTC), 1)])
    assert "2013-01-01 05:00:00," in csv_file(made).read().decode()
    assert excel_file(made, "t").read()[:2] == b"PK"


def test_an_empty_answer_still_makes_files() -> None:
    made = answer([AIRLINE, FLIGHTS], [])
    assert csv_file(made).read() == b"airline.name,flights\n"
    assert excel_file(made, "").read()[:2] == b"PK"


def test_facts_that_are_not_there_are_not_listed() -> None:
    assert not [row for row in about(answer([FLIGHTS], [(1,)])) if row[1] == "rules"]
