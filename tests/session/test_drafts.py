"""What a person hands in as a draft, to the YAML of one."""

from __future__ import annotations

import pytest

from workbench.errors import QuestionError
from workbench.session.drafts import draft_text


@pytest.mark.parametrize("text", ["count(*)", "long_flights", ""])
def test_an_expression_alone_goes_by_its_key(text: str) -> None:
    with pytest.raises(QuestionError, match="An expression goes by its key") as caught:
        draft_text(text, {})
    assert caught.value.slug == "bad-draft"
    assert draft_text("metric: m\nexpr: a / b", {}) == "metric: m\nexpr: a / b"
