"""The figure: a true staircase, the size of a column, embedded fonts."""

import re
import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.report.figures.style import Axis, save
from framework.report.figures.trade_off import MANY, Cloud, staircase, trade_off

SIZE = Axis(label="Non-zero parameters", better="min", log=True)
ACCURACY = Axis(label="Validation accuracy (%)", better="max", percent=True)
WAYS = st.sampled_from(["min", "max"])
POINTS = st.lists(
    st.tuples(st.integers(1, 8).map(float), st.integers(0, 8).map(float)), max_size=25
)


@given(POINTS, WAYS, WAYS)
def test_the_staircase_equals_brute_force(points, x, y):
    def beats(a, b):
        gains = [
            (b[0] - a[0]) * (1 if x == "min" else -1),
            (b[1] - a[1]) * (1 if y == "min" else -1),
        ]
        return min(gains) >= 0 and max(gains) > 0

    best = {point for point in points if not any(beats(other, point) for other in points)}
    corners = staircase(points, x, y)
    assert corners == sorted(best)


@given(POINTS.filter(bool))
def test_the_line_shows_the_best_value_reached_at_each_size(points):
    corners = staircase(points, "min", "max")
    for size in range(int(corners[0][0]), 9):
        height = [y for x, y in corners if x <= size][-1]
        assert height == max(y for x, y in points if x <= size)


def test_files_are_one_column_wide_with_embedded_fonts_and_no_date(tmp_path):
    cloud = Cloud(trials=[(5e4, 0.9)], front=[(1e4, 0.8), (4e4, 0.95)], baselines=[(19e4, 0.99)])
    pdf, svg, png = save(trade_off(cloud, SIZE, ACCURACY), tmp_path, "curve")
    assert struct.unpack(">II", png.read_bytes()[16:24]) == (975, 780)
    assert 'width="234pt"' in svg.read_text()
    assert "<text" not in svg.read_text()
    content = pdf.read_bytes()
    assert b"/Type0" in content
    assert b"/Type3" not in content
    assert not re.search(rb"CreationDate|Producer|Matplotlib v", content)
    assert not re.search(r"20\d\d-\d\d-\d\d", svg.read_text())


@pytest.mark.parametrize(("count", "drawn_as_pixels"), [(MANY, False), (MANY + 1, True)])
def test_very_many_points_are_pixels_and_the_front_is_none(count, drawn_as_pixels, tmp_path):
    cloud = Cloud(trials=[(1e4 + at, 0.5) for at in range(count)], front=[(1e4, 0.8), (4e4, 0.95)])
    svg = save(trade_off(cloud, SIZE, ACCURACY), tmp_path, "curve")[1].read_text()
    assert ("<image" in svg) == drawn_as_pixels
    assert (svg.count("<use") < MANY) == drawn_as_pixels
    assert svg.count("#0072b2") > 0


@pytest.mark.parametrize(
    "cloud",
    [
        Cloud(),
        Cloud(front=[(1e4, 0.5)]),
        Cloud(trials=[(0.0, 0.5)], front=[(0.0, 0.9)]),
        Cloud(front=[(10.0, 0.5), (1e9, 0.9)]),
        Cloud(baselines=[(100.0, 1.0)], controls=[(100.0, 1.0)]),
    ],
)
def test_few_points_or_none_still_make_a_figure(cloud, tmp_path):
    assert all(
        path.stat().st_size > 1000
        for path in save(trade_off(cloud, SIZE, ACCURACY), tmp_path, "curve")
    )


@given(st.floats(0, 9), st.floats(0, 6))
@settings(max_examples=25, deadline=None)
def test_the_sizes_on_the_axis_do_not_run_into_one_another(smallest, decades):
    sizes = [10**smallest, 10 ** (smallest + decades)]
    figure = trade_off(Cloud(front=[(size, 0.9) for size in sizes]), SIZE, ACCURACY)
    figure.canvas.draw()
    left, right = figure.axes[0].get_xlim()
    shown = []
    for place, label in zip(*_ticks(figure.axes[0].xaxis), strict=True):
        if left <= place <= right and label.get_text():
            shown.append(label.get_window_extent())
    assert shown
    assert all(first.x1 < second.x0 for first, second in pairwise(shown))


def _ticks(axis):
    return axis.get_ticklocs(), axis.get_ticklabels()


def test_an_empty_figure_says_so():
    texts = [text.get_text() for text in trade_off(Cloud(), SIZE, ACCURACY).axes[0].texts]
    assert texts == ["No run has finished."]


def test_the_legend_lies_outside_the_plot_and_every_group_has_its_own_marker():
    point = [(2e4, 0.9)]
    cloud = Cloud(trials=point, infeasible=point, front=point, baselines=point, controls=point)
    figure = trade_off(cloud, SIZE, ACCURACY)
    figure.canvas.draw()
    plot, legend = figure.axes[0].get_window_extent(), figure.legends[0].get_window_extent()
    assert legend.y0 >= plot.y1 - 1
    assert legend.x0 >= 0
    assert legend.x1 <= figure.bbox.x1
    looks = {
        (line.get_marker(), line.get_markerfacecolor())
        for line in figure.axes[0].lines
        if line.get_marker() != "None"
    }
    assert len(looks) == 5


def test_a_figure_is_as_wide_as_a_column_or_as_the_page(tmp_path):
    figure = trade_off(Cloud(front=[(1e4, 0.8), (4e4, 0.95)]), SIZE, ACCURACY)
    widths = []
    for wide in (False, True):
        _, _, png = save(figure, tmp_path, "figure", wide=wide)
        widths.append(struct.unpack(">I", png.read_bytes()[16:20])[0])
    assert widths == [975, 2025]


def test_limits_of_constraints_are_drawn_and_lie_within_the_axes():
    size = Axis(label="Size", better="min", log=True, limits=[2e4])
    quality = Axis(label="Accuracy (%)", better="max", percent=True, limits=[0.7])
    figure = trade_off(Cloud(front=[(1e4, 0.8), (4e4, 0.95)]), size, quality)
    plot = figure.axes[0]
    dashed = [line for line in plot.lines if line.get_linestyle() == "--"]
    ends = {(tuple(line.get_xdata()), tuple(line.get_ydata())) for line in dashed}
    assert ends == {((2e4, 2e4), (0, 1)), ((0, 1), (70.0, 70.0))}
    assert plot.get_ylim()[0] < 70
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts.count("limit") == 1


def test_where_less_is_better_what_is_worse_lies_above():
    size = Axis(label="Size", better="min")
    error = Axis(label="RMSE", better="min", floor=1.0)
    plot = trade_off(Cloud(front=[(1.0, 0.5)], trials=[(2.0, 9.0)]), size, error).axes[0]
    assert plot.get_ylim()[1] == 1
    assert [list(line.get_xdata()) for line in plot.lines if line.get_marker() == "^"] == [[2.0]]
