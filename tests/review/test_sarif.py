"""SARIF holds words of a change, and nothing in them is a link or another file."""

from __future__ import annotations

import json

from workbench.errors import Place
from workbench.review.sarif import _result


def test_what_a_change_wrote_is_text() -> None:
    said = "no metric '[click](https://evil.example) \\[x](1)'."
    told = _result("unknown-metric", "error", said, Place("metrics/a b#c?d.yml", 3, 4))
    text = told["message"]["text"]
    assert "](" not in text.replace("\\](", "")
    assert text.replace("\\[", "[").replace("\\]", "]").replace("\\\\", "\\") == said
    place = told["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "metrics/a%20b%23c%3Fd.yml"
    assert json.loads(json.dumps(told)) == told
