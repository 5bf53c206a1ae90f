"""A page shows what its reader may name, and nothing of the rest: no tile, no filter, no name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from workbench.declare.dashboard import Dashboard
from workbench.declare.workspace import load
from workbench.graph.build import Graph, build
from workbench.session.boards import seen

_ROOT = Path(__file__).parents[2]
_PAGE = Dashboard.model_validate(
    {
        "dashboard": "page",
        "title": "Page",
        "filters": ["carrier", "origin.altitude_band"],
        "rows": [
            [{"number": "flights"}, {"bar": "flights", "by": ["origin.altitude_band"]}],
            [{"bar": "cancelled_flights", "by": ["carrier"], "where": "origin.altitude_band is not null"}],
            [{"text": "Words."}, {"number": "bad_weather_hours"}],
        ],
    }
)


def _graph(*hidden: str) -> Graph:
    whole = build(load(_ROOT).require())
    airports = whole.models["airports"]
    kept = {n: d for n, d in airports.term.dimensions.items() if n not in hidden}
    models = {**whole.models, "airports": replace(airports, term=airports.term.model_copy(update={"dimensions": kept}))}
    return replace(whole, models=models, metrics={n: d for n, d in whole.metrics.items() if n not in hidden})


def test_whoever_sees_everything_has_the_page_as_it_is() -> None:
    assert seen(_PAGE, _graph()) is _PAGE


def test_tiles_and_filters_of_hidden_things_are_not_on_the_page() -> None:
    left = seen(_PAGE, _graph("altitude_band", "bad_weather_hours"))
    assert left is not None
    assert [[tile.kind for tile in row] for row in left.rows] == [["number"], ["text"]]
    assert left.filters == ("carrier",)
    assert "altitude" not in left.model_dump_json()
    assert "weather" not in left.model_dump_json()


def test_a_page_without_a_picture_that_is_left_is_not_there() -> None:
    assert seen(_PAGE, _graph("altitude_band", "bad_weather_hours", "flights")) is None
