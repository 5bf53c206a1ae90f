"""Questions on the command line: every format, data apart from messages, exit codes, and no traceback."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.cli.conftest import REFERENCE, Run

pytestmark = pytest.mark.slow

QUESTION = ("query", "flights", "cancellation_rate", "--by", "airline.name", "--order-by", "-flights", "--limit", "3")


def test_data_on_stdout_and_messages_on_stderr(run: Run) -> None:
    ran = run(*QUESTION, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert ran.code == 0
    assert [row["flights"] for row in rows] == ["58665", "54635", "54173"]
    assert list(rows[0]) == ["airline.name", "flights", "cancellation_rate"]
    assert "3 rows" in ran.err


def test_every_format_tells_the_same(run: Run, tmp_path: Path) -> None:
    text = run(*QUESTION).out
    rows = run(*QUESTION, "--format", "json").json
    run(*QUESTION, "--out", str(tmp_path / "deep" / "answer.parquet"))
    kept = pyarrow.parquet.read_table(tmp_path / "deep" / "answer.parquet").to_pylist()
    assert kept == rows
    assert all(row["airline.name"] in text for row in rows)
    assert "\x1b[" not in text, "no colours where nobody looks"


def test_parts_of_a_question(run: Run) -> None:
    words = (
        "--where",
        "origin.faa = 'JFK'",
        "--time",
        "2013-07",
        "--having",
        "flights > 900",
    )
    rows = run("query", "flights", "--by", "carrier", *words, "--format", "json").json
    assert rows
    assert all(row["flights"] > 900 for row in rows)
    whole = run("query", "flights", "--where", "origin.faa = 'JFK'", "--format", "json").json
    assert sum(row["flights"] for row in rows) < whole[0]["flights"]


def test_questions_beside_the_question(run: Run) -> None:
    asked = ("query", "flights", "--by", "origin.faa", "--share-of", "total", "--totals", "total")
    rows = run(*asked, "--format", "json").json
    assert [row["total"] for row in rows] == [None, None, None, "total"]
    assert sum(row["flights.share"] for row in rows[:3]) == pytest.approx(1)
    text = run(*asked).out
    assert text.splitlines()[-1].split()[0] == "total"
    assert "(none)" not in text
    months = run("query", "flights", "--by", "metric_time.month", "--compare", "1 month", "--fill", "--format", "json")
    assert months.json[1]["flights.prior"] == months.json[0]["flights"]
    assert "whole.flights" in run("explain", "flights", "--by", "carrier", "--share-of", "total").out


def test_sql_from_stdin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("select count(*) as n from gold.airlines"))
    assert run("sql", "-", "--format", "csv").out == "n\n16\n"


def test_values_that_need_care(run: Run) -> None:
    text = "select 'nan'::double as nan, 1.50::decimal(4, 2) as price, null as none, '[red]' as name"
    assert run("sql", text, "--format", "json").json[0] == {
        "nan": None,
        "price": 1.5,
        "none": None,
        "name": "[red]",
    }
    assert "[red]" in run("sql", text).out, "markup in data is data"


def test_rules_act_here_too(run: Run) -> None:
    everything = run("query", "flights", "--format", "json").json[0]["flights"]
    ours = run("query", "flights", "--as", "paula@united.example", "--format", "json")
    assert ours.json[0]["flights"] == 58665 < everything
    assert "own_carrier" in ours.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("query", "flihgts"), 2, "Did you mean 'flights'"),
        (("query", "flights", "--by", "nowhere"), 2, "[unknown-dimension]"),
        (("query", "flights", "--by", "airline.name", "--where", "origin.faa ="), 2, "error:"),
        (("query", "flights", "--time", "soon"), 2, "[bad-date]"),
        (("query", "flights", "by", "carrier"), 2, "write --by"),
        (("query", "flights", "--by", "metric_time.moth"), 2, "Did you mean 'month'? [unknown-grain]"),
        (("query", "flights", "--where", "origin.faa = JFK"), 2, "between single quotes: 'JFK'"),
        (("query", "flights", "--by", "metric_time.month", "--compare", "1 yaer"), 2, "Did you mean 'year'? ["),
        (("query", "flights", "--by", "carrier", "--compare", "last year"), 2, "'28 days' or '1 month'. ["),
        (("query", "flights", "--totals", "carrier"), 2, "Say 'total'. ["),
        (("query", "--by", "flights.carrier", "--totals", "total"), 2, "'totals' is about metrics"),
        (("init", "README.md", "--dry-run"), 5, "[no-data]"),
        (("query", "flights", "--format", "xml"), 2, "xml"),
        (("quary",), 2, "No such command"),
        (("sql", "drop table gold.flights"), 2, "[not-a-select]"),
        (("sql", "select * from landing.flights"), 2, "flights"),
        (("query", "flights", "--environment", "moon"), 2, "[unknown-environment]"),
        (("why", "ana@skyways.example", "publish:metric"), 3, ""),
        (("saved", "nothing"), 2, "nothing"),
        (("saved",), 2, "There is: airline_scorecard"),
        (("query", "flights", "--out", "/proc/none/x.csv"), 2, "[cannot-write]"),
    ],
)
def test_mistakes_are_told_and_counted(run: Run, words: tuple[str, ...], code: int, said: str) -> None:
    ran = run(*words)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert code == 3 or not ran.out


def test_what_multiplies_rows_has_an_exit_code_of_its_own(run: Run) -> None:
    ran = run("query", "airports_listed", "--by", "flights.carrier")
    assert ran.code == 4, ran.err


def test_outside_of_any_workspace(run: Run, tmp_path: Path) -> None:
    ran = run("metrics", at=tmp_path)
    assert ran.code == 2
    assert "workbench init" in ran.err


def test_a_reader_that_leaves_early_is_no_error() -> None:
    asked = f"{sys.executable} -m workbench sql 'select * from gold.planes' --format csv"
    line = f"{asked} | head -n 1; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", line], cwd=REFERENCE, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines()[-1] == "0"
    assert "Traceback" not in ran.stderr
    assert "BrokenPipe" not in ran.stderr


def test_no_color_is_honoured() -> None:
    words = [sys.executable, "-m", "workbench", "query", "nothing"]
    ran = subprocess.run(
        words, cwd=REFERENCE, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"}
    )
    assert ran.returncode == 2
    assert "\x1b[" not in ran.stderr
