"""What is misshapen about a question is named."""

from __future__ import annotations

from typing import Any

import pytest

from workbench import connect
from workbench.errors import QuestionError
from workbench.session.asking import question_of


@pytest.mark.parametrize(
    ("metrics", "parts", "said"),
    [
        (("flights",), {"top": {"least": True}}, "bad 'top': 'n' is missing. [bad-question]"),
        (("flights",), {"top": {"n": 5, "off": "carrier"}}, "bad 'top': there is no key 'off'. [bad-question]"),
        (("flights",), {"time": {"strt": "2013-01-01"}}, "bad 'time': there is no key 'strt'. [bad-question]"),
        ((5,), {}, "bad 'metrics': it is given by name or as a mapping of its keys. [bad-question]"),
        (("flights",), {"where": 5}, "bad 'where': it is text. [bad-question]"),
    ],
)
def test_a_misshapen_part_is_named_with_its_key(metrics: tuple[Any, ...], parts: dict[str, Any], said: str) -> None:
    with pytest.raises(QuestionError) as caught:
        question_of(metrics, **parts)
    assert str(caught.value) == said


def test_an_address_without_its_scheme_is_no_folder_and_is_told_so() -> None:
    with pytest.raises(QuestionError, match="no folder '127.0.0.1:8700'.*'http://'"):
        connect("127.0.0.1:8700")
