"""Magics and completion in a real IPython shell over the real warehouse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from workbench.session.answer import Answer
from workbench.session.session import Session


@pytest.fixture(scope="module")
def shell(workspace: Path) -> Iterator[InteractiveShell]:
    made = InteractiveShell()
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(workspace / "notebooks")
        made.run_line_magic("load_ext", "workbench")
        _run(made, "%workbench as ana@skyways.example")
        yield made
        made.run_line_magic("unload_ext", "workbench")


def _run(shell: InteractiveShell, code: str) -> tuple[Any, str]:
    """The value of a cell and what it printed."""
    with capture_output() as captured:
        result = shell.run_cell(code, store_history=False)
    return result.result, captured.stdout + captured.stderr


def _offers(shell: InteractiveShell, code: str) -> list[str]:
    """The text after each completion at ``|``."""
    cursor = code.index("|")
    code = code.replace("|", "")
    with provisionalcompleter():
        found = list(shell.Completer.completions(code, cursor))
    return [code[: c.start] + c.text + code[c.end :] for c in found]


def test_a_line_of_words_is_an_answer(shell: InteractiveShell) -> None:
    answer, _ = _run(shell, "%metric flights by origin.name order by flights desc limit 1")
    assert isinstance(answer, Answer)
    assert answer.rows() == [{"origin.name": "Newark Liberty Intl", "flights": 120835}]
    assert answer.asker == "ana@skyways.example"


def test_an_answer_can_be_kept(shell: InteractiveShell) -> None:
    shown, _ = _run(shell, "kept = %metric flights time 2013-01")
    assert shown is None
    assert shell.user_ns["kept"].rows() == [{"flights": 27004}]


def test_a_cell_may_take_several_lines(shell: InteractiveShell) -> None:
    answer, _ = _run(shell, "%%metric\nflights, cancelled_flights\n  by origin.name\n  having flights > 110000")
    assert len(answer) == 2


def test_sql_runs_as_who_asks_and_may_go_into_a_variable(shell: InteractiveShell) -> None:
    answer, _ = _run(shell, "%sql select count(*) n from gold.flights")
    assert answer.rows() == [{"n": 336776}]
    shown, said = _run(shell, "%%sql --to late\nselect max(dep_delay_minutes) worst\nfrom gold.flights")
    assert shown is None
    assert said == ""
    assert shell.user_ns["late"].rows() == [{"worst": 1301}]


def test_metrics_are_listed_and_searched(shell: InteractiveShell) -> None:
    everything, _ = _run(shell, "%metrics")
    assert len(everything) > 25
    found, said = _run(shell, "%metrics cancel")
    assert 0 < len(found) < len(everything)
    assert re.search(r"^cancelled_flights +Cancelled flights", said, re.MULTILINE)


def test_who_asks_can_be_chosen(shell: InteractiveShell) -> None:
    try:
        _, said = _run(shell, "%workbench as paula@united.example")
        assert said.startswith("paula@united.example (analyst) in ")
        answer, _ = _run(shell, "%metric flights by airline.name")
        assert [row["airline.name"] for row in answer.rows()] == ["United Air Lines Inc."]
        assert answer.restrictions
    finally:
        _run(shell, "%workbench as ana@skyways.example")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("%metric flihts", "QuestionError: no metric 'flihts'. Did you mean 'flights'"),
        ("%metric", "QuestionError: No metric is named."),
        ("%metric flights by", "QuestionError: 'by' is followed by nothing."),
        ("%metric flights limit many", "QuestionError: 'many' is no number of rows."),
        ("%sql delete from gold.flights", "Error: "),
        ("%sql --to 9 select 1", "QuestionError: '9' cannot be the name of a variable."),
        ("%workbench ass ana@skyways.example", "Did you mean 'as'?"),
        ("%workbench connect /no/such/folder", "QuestionError: no folder"),
    ],
)
def test_a_mistake_is_told_in_one_line_without_a_traceback(shell: InteractiveShell, code: str, said: str) -> None:
    result, printed = _run(shell, code)
    assert result is None
    assert said in printed
    assert "Traceback" not in printed
    assert len(printed.strip().splitlines()) == 1


def test_help_shows_the_grammar(shell: InteractiveShell) -> None:
    text = shell.find_line_magic("metric").__doc__
    for word in ("by PATHS", "where CONDITION", "having", "order by", "limit", "time 2013"):
        assert word in text


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("%metric canc|", "%metric cancellation_rate"),
        ("x = %metric flights, canc|", "x = %metric flights, cancellation_rate"),
        ("%metric flights b|", "%metric flights by"),
        ("%metric flights |", "%metric flights where"),
        ("%metric flights by airl|", "%metric flights by airline.name"),
        ("%metric flights by metric_time.mo|", "%metric flights by metric_time.month"),
        ("%metric flights by airline.name, scheduled_departure.|",
         "%metric flights by airline.name, scheduled_departure.day_of_week"),
        ("%metric flights where dest|", "%metric flights where destination.name"),
        ("%metric flights where distance > 5 and ori|", "%metric flights where distance > 5 and origin.name"),
        ("%metric flights, late_share having l|", "%metric flights, late_share having late_share"),
        ("%metric flights by airline.name order by a|", "%metric flights by airline.name order by airline.name"),
        ("%metric flights time 2013 |", "%metric flights time 2013 to"),
        ("%%metric\nflights\nby orig|", "%%metric\nflights\nby origin.name"),
        ("y = 1\nx = %metric fligh|", "y = 1\nx = %metric flights"),
        ("%sql select * from gold.fl|", "%sql select * from gold.flights"),
        ("%%sql\nselect carr| from gold.flights", "%%sql\nselect carrier from gold.flights"),
        ("%%sql\nselect f.carr| from gold.flights f", "%%sql\nselect f.carrier from gold.flights f"),
        ("%%sql\nselect 1 from gold.flights join gold.pl|", "%%sql\nselect 1 from gold.flights join gold.planes"),
    ],
)  # fmt: skip
def test_tab_offers_names(shell: InteractiveShell, code: str, wanted: str) -> None:
    assert wanted in _offers(shell, code)


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("%metric flights, fli|", "%metric flights, flights"),
        ("%metric airports_listed by airl|", "%metric airports_listed by airline.name"),
        ("%metric flights where origin.name = 'fli|", "%metric flights where origin.name = 'flights"),
        ("fli|", "flights"),
        ("%metric flights\nfli|", "%metric flights\nflights"),
        ("%%sql\nselect * from landing.|", "%%sql\nselect * from landing.flights"),
    ],
)
def test_tab_does_not_offer_what_makes_no_sense_or_is_hidden(shell: InteractiveShell, code: str, unwanted: str) -> None:
    assert unwanted not in _offers(shell, code)


def test_python_still_completes(shell: InteractiveShell) -> None:
    shell.user_ns["particular"] = 1
    assert "particular" in _offers(shell, "partic|")


def test_completion_is_quiet_where_no_workspace_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "workbench")
    assert "%metric flights" not in _offers(shell, "%metric fli|")
    _, said = _run(shell, "%metric flights")
    assert "Traceback" not in said
    assert "no-workspace" in said
    shell.run_line_magic("unload_ext", "workbench")
    assert "not found" in _run(shell, "%metric flights")[1]


def test_tables_of_the_session_are_what_completion_offers(shell: InteractiveShell, session: Session) -> None:
    offered = {text.removeprefix("%sql select 1 from ") for text in _offers(shell, "%sql select 1 from |")}
    assert offered == set(session.tables())


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("%metric flights by metric_time.month com|", "compare"),
        ("%metric flights by metric_time.month compare 1 mo|", "month"),
        ("%metric flights by metric_time.month compare 1 month t|", "totals"),
        ("%metric flights by carrier share of t|", "total"),
        ("%metric flights by carrier share of c|", "carrier"),
        ("%metric flights by carrier totals f|", "fill"),
        ("%metric flights by carrier fill t|", "totals"),
    ],
)
def test_words_beside_the_question_are_completed(shell: InteractiveShell, code: str, word: str) -> None:
    stem = code.rstrip("|").rpartition(" ")[0]
    assert f"{stem} {word}" in _offers(shell, code)


def test_a_question_beside_the_question_in_words(shell: InteractiveShell) -> None:
    answer, _ = _run(shell, "%metric flights by metric_time.month compare 1 month totals fill time 2013-02 to 2013-03")
    assert [row["flights.prior"] for row in answer.rows()] == [27004, 24951, 51955]
    assert repr(answer).splitlines()[4].split()[:3] == ["total", "53", "785"]


@pytest.mark.parametrize(
    "line",
    [
        "%metric flights by origin.faa as total totals",
        "%metric flights by metric_time.month as flights.prior compare 1 month",
    ],
)
def test_a_column_beside_the_question_takes_no_name_twice(shell: InteractiveShell, line: str) -> None:
    _, said = _run(shell, line)
    assert "is asked for twice" in said
