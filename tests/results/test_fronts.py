"""Fronts: against brute force, with ties and duplicates.

Hypervolume against areas counted by hand.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.results.fronts import Direction, hypervolume, on_front

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


def test_nothing_has_no_front_and_no_volume() -> None:
    assert on_front([], ["max", "min"]) == []
    assert hypervolume([], ["max", "min"], [0.0, 10.0]) == 0.0


def test_hypervolume_of_three_steps() -> None:
    # Errors and sizes, both smaller is better, up to (10, 10): columns of 2 x 1, 3 x 5 and 4 x 8.
    assert hypervolume([(1, 9), (3, 5), (6, 2)], ["min", "min"], [10, 10]) == pytest.approx(
        2 * 1 + 3 * 5 + 4 * 8
    )


def test_hypervolume_with_one_objective_to_maximise() -> None:
    # Accuracy above 0.5, size below 100: 0.4 x 50 for the first, and 0.45 - 0.4 more height over 20
    # for the second.
    points = [(0.90, 50.0), (0.95, 80.0)]
    assert hypervolume(points, ["max", "min"], [0.5, 100.0]) == pytest.approx(0.4 * 50 + 0.05 * 20)


def test_points_beyond_the_reference_add_nothing() -> None:
    assert hypervolume([(0.4, 50.0), (0.9, 200.0)], ["max", "min"], [0.5, 100.0]) == 0.0


@given(cloud=clouds(), data=st.data())
def test_one_more_point_never_makes_the_volume_smaller(
    cloud: tuple[Points, list[Direction]], data: st.DataObject
) -> None:
    points, directions = cloud
    extra = data.draw(st.tuples(*[st.integers(0, 4).map(float)] * len(directions)))
    reference = [-1.0 if way == "max" else 5.0 for way in directions]
    before = hypervolume(points, directions, reference)
    after = hypervolume([*points, extra], directions, reference)
    assert after >= before > 0
    beaten = not on_front([*points, extra], directions)[-1]
    assert (after == pytest.approx(before)) == (beaten or extra in points)


@given(clouds())
def test_only_the_front_counts_for_the_volume(cloud: tuple[Points, list[Direction]]) -> None:
    points, directions = cloud
    reference = [-1.0 if way == "max" else 5.0 for way in directions]
    front = [
        point for point, kept in zip(points, on_front(points, directions), strict=True) if kept
    ]
    assert hypervolume(front, directions, reference) == pytest.approx(
        hypervolume(points, directions, reference)
    )
