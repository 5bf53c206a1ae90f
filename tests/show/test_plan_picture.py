"""The drawing of a plan: whole, readable, and safe whatever names and values stand in it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from workbench.plan.outline import Step
from workbench.session.door import Explanation
from workbench.show.draw import draw_plan
from workbench.show.plan_picture import WIDTH, plan_svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert('x')</script><svg onload=\"alert(1)\"> & ]]> \" '"
TWO_LEGS = (
    Step("read", "leg 1: read gold.flights (flights)", 0, 1),
    Step("restricted", "restricted: rows of gold.flights where carrier in 'UA' (rule 'own')", 1, 1),
    Step("join", "join gold.airlines as airline on carrier = airline.carrier", 1, 1),
    Step("number", "n1 = count(*)", 1, 1),
    Step("read", "leg 2: read gold.weather (weather)", 0, 2),
    Step("number", "n2 = avg(temperature_f)", 1, 2),
    Step("combine", "combine: 2 legs on their totals"),
    Step("derive", "derive: rate = n1 / n2"),
    Step("shape", "limit 3"),
)


def drawn(steps: tuple[Step, ...]) -> ElementTree.Element:
    return ElementTree.fromstring(plan_svg(steps))


def lines(steps: tuple[Step, ...]) -> list[str]:
    return [text.text or "" for text in drawn(steps).iter(f"{SVG}text")]


def boxes(steps: tuple[Step, ...]) -> list[tuple[int, int, int, int]]:
    found = [rect.attrib for rect in drawn(steps).iter(f"{SVG}rect") if rect.attrib["width"] != "4"]
    return [(int(r["x"]), int(r["y"]), int(r["width"]), int(r["height"])) for r in found]


def test_every_step_is_told_once() -> None:
    said = lines(TWO_LEGS)
    for text in (
        "gold.flights (flights)",
        "n1 = count(*)",
        "gold.weather (weather)",
        "2 legs on their totals",
        "limit 3",
    ):
        assert said.count(text) == 1
    assert [word for word in said if word in ("reads", "restricted", "joins", "combines", "derives", "shows")] == [
        "reads", "restricted", "joins", "reads", "combines", "derives", "shows",
    ]  # fmt: skip


def test_legs_stand_side_by_side_and_nothing_overlaps_or_sticks_out() -> None:
    many = tuple(Step("read", f"leg {n}: read gold.t{n} ({'long ' * 30})", 0, n) for n in range(1, 6))
    for steps in (TWO_LEGS, (*many, *TWO_LEGS[-3:])):
        found = boxes(steps)
        height = int(drawn(steps).attrib["viewBox"].split()[3])
        assert all(x >= 0 and x + w <= WIDTH and y >= 0 and y + h <= height for x, y, w, h in found)
        for n, (x, y, w, h) in enumerate(found):
            assert not any(x < a + c and a < x + w and y < b + d and b < y + h for a, b, c, d in found[n + 1 :])
    first, second = (
        next(b for b in boxes(TWO_LEGS) if b[0] == left) for left in sorted({b[0] for b in boxes(TWO_LEGS)})[:2]
    )
    assert first[1] == second[1]


@pytest.mark.parametrize(
    "kind", ["read", "restricted", "join", "keep", "moments", "group", "number", "derive", "shape"]
)
def test_hostile_names_are_text_and_nothing_else(kind: str) -> None:
    steps = (Step("read", "leg 1: read t (t)", 0, 1), Step(kind, HOSTILE, 1, 1), Step(kind, HOSTILE))  # type: ignore[arg-type]
    tags = {element.tag.removeprefix(SVG) for element in drawn(steps).iter()}
    assert tags <= {"svg", "rect", "text", "path"}
    assert all(not name.startswith("on") for element in drawn(steps).iter() for name in element.attrib)
    bundle = draw_plan(Explanation(HOSTILE, HOSTILE, (), steps))
    assert "<script" not in bundle["text/html"]
    assert "http" not in bundle["text/html"].replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_a_long_word_is_broken_and_not_lost() -> None:
    word = "x" * 400
    assert "".join(lines((Step("read", f"leg 1: read {word}", 0, 1),))[1:]).replace(" ", "") == word


def test_an_empty_plan_is_an_empty_picture() -> None:
    assert boxes(()) == []
