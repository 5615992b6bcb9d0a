"""Fronts: against brute force, with ties and duplicates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framework.results.fronts import Direction, on_front

Points = list[tuple[float, ...]]
DIRECTIONS: st.SearchStrategy[Direction] = st.sampled_from(["max", "min"])


@st.composite
def clouds(draw: st.DrawFn, *, most: int = 3) -> tuple[Points, list[Direction]]:
    """Points on a coarse raster, so that ties and exact duplicates are common."""
    width = draw(st.integers(1, most))
    coordinate = st.integers(0, 4).map(float)
    points = draw(st.lists(st.tuples(*[coordinate] * width), min_size=1, max_size=25))
    return points, draw(st.lists(DIRECTIONS, min_size=width, max_size=width))


def beats(one: tuple[float, ...], two: tuple[float, ...], directions: list[Direction]) -> bool:
    """At least as good everywhere and better somewhere."""
    gains = [
        (a - b) * (1 if way == "max" else -1)
        for a, b, way in zip(one, two, directions, strict=True)
    ]
    return min(gains) >= 0 and max(gains) > 0


@given(clouds())
def test_front_is_what_no_other_point_beats(cloud: tuple[Points, list[Direction]]) -> None:
    points, directions = cloud
    expected = [not any(beats(other, point, directions) for other in points) for point in points]
    assert on_front(points, directions) == expected


def test_front_of_accuracy_against_size() -> None:
    points = [(0.99, 100.0), (0.98, 50.0), (0.97, 60.0), (0.98, 50.0), (0.90, 10.0), (0.99, 120.0)]
    assert on_front(points, ["max", "min"]) == [True, True, False, True, True, False]


def test_nothing_has_no_front() -> None:
    assert on_front([], ["max", "min"]) == []
